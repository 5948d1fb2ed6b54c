import { type Change, type KubeObject, resources } from "../../api.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import type { Namespace } from "../objects.ts";
import { ignoreExisting, ignoreNotFound } from "../refusals.ts";
import { sameResource } from "../view.ts";
import type { Requeue } from "../work-queue.ts";

const serviceAccountName = "default";

/** Gives every namespace its default service account, and empties the namespaces that are being deleted. */
export function startNamespaceController(context: Context): Controller {
  const { cluster, view } = context;
  const contents = view.index(undefined, ({ metadata }) => (metadata.namespace ? [metadata.namespace] : []));

  return runController(context, { name: "namespace", keysFor, reconcile });

  function* keysFor({ id, type, object }: Change): Iterable<string> {
    if (sameResource(id, resources.namespaces)) yield object.metadata.name;
    const { namespace } = object.metadata;
    if (!namespace) return;
    if (type === "DELETED" && sameResource(id, resources.serviceAccounts)) yield namespace;
    else if (type !== "MODIFIED" && isTerminating(cluster.get<Namespace>(resources.namespaces, "", namespace))) yield namespace;
  }

  async function reconcile(name: string): Promise<Requeue> {
    const namespace = cluster.get<Namespace>(resources.namespaces, "", name);
    if (!namespace) return undefined;
    if (!isTerminating(namespace)) {
      await ensureServiceAccount(name);
      return undefined;
    }
    if (namespace.status?.phase !== "Terminating") {
      await cluster.updateStatus<Namespace>(resources.namespaces, {
        ...namespace,
        status: { ...namespace.status, phase: "Terminating" },
      });
    }
    await Promise.all(contents.get(name).map(remove));
    if (contents.count(name) === 0) await finalize(name);
    // Pods take their time to end: their deletion wakes this again.
    return undefined;
  }

  async function ensureServiceAccount(namespace: string): Promise<void> {
    if (cluster.get(resources.serviceAccounts, namespace, serviceAccountName)) return;
    const metadata = { name: serviceAccountName, namespace };
    await cluster.create(resources.serviceAccounts, { apiVersion: "v1", kind: "ServiceAccount", metadata }).catch(ignoreExisting);
  }

  async function remove(object: KubeObject): Promise<void> {
    const { metadata } = object;
    const id = view.kinds.find(object)?.id;
    if (!id || metadata.deletionTimestamp) return;
    await cluster.delete(id, metadata.namespace ?? "", metadata.name, { propagationPolicy: "Background" }).catch(ignoreNotFound);
  }

  async function finalize(name: string): Promise<void> {
    const namespace = cluster.get<Namespace>(resources.namespaces, "", name);
    if (!namespace) return;
    const finalizers = (namespace.spec?.finalizers ?? []).filter((one) => one !== "kubernetes");
    const emptied = { ...namespace, spec: { ...namespace.spec, finalizers } };
    await cluster.update<Namespace>(resources.namespaces, emptied).catch(ignoreNotFound);
  }
}

function isTerminating(namespace: Namespace | undefined): boolean {
  return namespace?.metadata.deletionTimestamp !== undefined;
}
