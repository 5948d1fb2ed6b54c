import { type Change, type KubeObject, type NewObject, type ResourceId, resources } from "../../api.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import type { Namespace } from "../objects.ts";
import { ignoreExisting, ignoreNotFound } from "../refusals.ts";
import { sameResource } from "../view.ts";
import type { Requeue } from "../work-queue.ts";

const serviceAccountName = "default";
const systemNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

/** Makes the namespaces that every cluster has, gives each one its service account, and empties those that are being deleted. */
export function startNamespaceController(context: Context): Controller {
  const { cluster, view } = context;
  const contents = view.index(undefined, ({ metadata }) => (metadata.namespace ? [metadata.namespace] : []));

  return runController(context, { name: "namespace", initial: systemNamespaces, keysFor, reconcile });

  function* keysFor({ id, type, object }: Change): Iterable<string> {
    if (sameResource(id, resources.namespaces)) yield object.metadata.name;
    const { namespace } = object.metadata;
    if (!namespace) return;
    if (type === "DELETED" && sameResource(id, resources.serviceAccounts)) yield namespace;
    else if (type !== "MODIFIED" && isTerminating(cluster.get<Namespace>(resources.namespaces, "", namespace))) yield namespace;
  }

  async function reconcile(name: string): Promise<Requeue> {
    const namespace = cluster.get<Namespace>(resources.namespaces, "", name);
    if (!namespace) {
      if (systemNamespaces.includes(name))
        await create(resources.namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
      return undefined;
    }
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
    await create(resources.serviceAccounts, { apiVersion: "v1", kind: "ServiceAccount", metadata });
  }

  async function create(id: ResourceId, object: NewObject<KubeObject>): Promise<void> {
    await cluster.create(id, object).catch(ignoreExisting);
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
