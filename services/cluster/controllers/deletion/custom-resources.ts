import { type Change, type KubeObject, resources } from "../../api.ts";
import { cleanupFinalizer } from "../../resources/custom/acceptance.ts";
import { timestamp } from "../../timestamp.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import { ignoreNotFound } from "../refusals.ts";
import { sameResource } from "../view.ts";
import type { Requeue } from "../work-queue.ts";

type Condition = { type: string; status: string; reason: string; message: string; lastTransitionTime: string };
type Definition = KubeObject & {
  spec: { group: string; names: { plural: string } };
  status?: { conditions?: Condition[] };
};

/**
 * Deletes the objects of a custom resource definition that goes, and then lets it go; looks again at the names of those that
 * could not have theirs because of it. Kubernetes: apiextensions-apiserver, pkg/controller/finalizer/crd_finalizer.go.
 */
export function startCustomResourceCleanup(context: Context): Controller {
  const { cluster, clock } = context;
  return runController(context, { name: "custom-resource-cleanup", keysFor, reconcile });

  function* keysFor({ id, type, object }: Change): Iterable<string> {
    if (sameResource(id, resources.customResourceDefinitions)) {
      yield object.metadata.name;
      if (type === "DELETED") for (const { metadata } of definitions()) yield metadata.name;
    } else if (type === "DELETED" && id.group.includes(".")) yield `${id.resource}.${id.group}`;
  }

  async function reconcile(name: string): Promise<Requeue> {
    const definition = cluster.get<Definition>(resources.customResourceDefinitions, "", name);
    if (!definition) return undefined;
    const { spec, metadata } = definition;
    if (!metadata.deletionTimestamp) {
      // The server compares the names again with every write.
      const isEstablished = conditionOf(definition, "Established")?.status === "True";
      if (!isEstablished) await cluster.update(resources.customResourceDefinitions, definition).catch(ignoreNotFound);
      return undefined;
    }
    if (!metadata.finalizers?.includes(cleanupFinalizer)) return undefined;
    const id = { group: spec.group, resource: spec.names.plural };
    if (conditionOf(definition, "Established")?.status !== "True") return release(definition);
    const objects = cluster.list(id);
    for (const { metadata: one } of objects) {
      if (one.deletionTimestamp) continue;
      await cluster.delete(id, one.namespace ?? "", one.name).catch(ignoreNotFound);
    }
    if (cluster.list(id).length === 0) return release(definition);
    await tellOfDeletion(definition);
    return undefined;
  }

  async function release(definition: Definition): Promise<Requeue> {
    const { metadata } = definition;
    const finalizers = (metadata.finalizers ?? []).filter((one) => one !== cleanupFinalizer);
    const released = { ...definition, metadata: { ...metadata, finalizers } };
    await cluster.update(resources.customResourceDefinitions, released).catch(ignoreNotFound);
    return undefined;
  }

  async function tellOfDeletion(definition: Definition): Promise<void> {
    if (conditionOf(definition, "Terminating")?.status === "True") return;
    const conditions = (definition.status?.conditions ?? []).filter(({ type }) => type !== "Terminating");
    conditions.push({
      type: "Terminating",
      status: "True",
      reason: "InstanceDeletionInProgress",
      message: "CustomResource deletion is in progress",
      lastTransitionTime: timestamp(clock.now()),
    });
    const told = { ...definition, status: { ...definition.status, conditions } };
    await cluster.updateStatus(resources.customResourceDefinitions, told).catch(ignoreNotFound);
  }

  function definitions(): Definition[] {
    return cluster.list<Definition>(resources.customResourceDefinitions);
  }
}

function conditionOf({ status }: Definition, type: string): Condition | undefined {
  return status?.conditions?.find((one) => one.type === type);
}
