import { type Change, type KubeObject, resources } from "../../api.ts";
import { cleanupFinalizer } from "../../resources/custom/acceptance.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import { ignoreNotFound } from "../refusals.ts";
import { sameResource } from "../view.ts";
import type { Requeue } from "../work-queue.ts";

type Definition = KubeObject & { spec: { group: string; names: { plural: string } } };

/** Deletes the objects of a custom resource definition that goes, and then lets it go. */
export function startCustomResourceCleanup(context: Context): Controller {
  const { cluster } = context;
  return runController(context, { name: "custom-resource-cleanup", keysFor, reconcile });

  function* keysFor({ id, type, object }: Change): Iterable<string> {
    if (sameResource(id, resources.customResourceDefinitions)) yield object.metadata.name;
    else if (type === "DELETED" && id.group.includes(".")) yield `${id.resource}.${id.group}`;
  }

  async function reconcile(name: string): Promise<Requeue> {
    const definition = cluster.get<Definition>(resources.customResourceDefinitions, "", name);
    if (!definition?.metadata.deletionTimestamp) return undefined;
    const { spec, metadata } = definition;
    if (!metadata.finalizers?.includes(cleanupFinalizer)) return undefined;
    const id = { group: spec.group, resource: spec.names.plural };
    const objects = cluster.list(id);
    for (const { metadata: one } of objects) {
      if (one.deletionTimestamp) continue;
      await cluster.delete(id, one.namespace ?? "", one.name).catch(ignoreNotFound);
    }
    if (cluster.list(id).length > 0) return undefined;
    const finalizers = metadata.finalizers.filter((one) => one !== cleanupFinalizer);
    const released = { ...definition, metadata: { ...metadata, finalizers } };
    await cluster.update(resources.customResourceDefinitions, released).catch(ignoreNotFound);
    return undefined;
  }
}
