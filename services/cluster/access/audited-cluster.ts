import { randomUUID } from "node:crypto";
import { type Cluster, type KubeObject, type NewObject, type ResourceId, resources, StatusError } from "../api.ts";
import { microTimestamp } from "../timestamp.ts";
import type { AuditLog } from "./audit-log.ts";

/** They tell of themselves, and would drown the rest. */
export const heartbeats: ReadonlySet<string> = new Set(["leases", "events"]);

/** The cluster as its own controllers use it, with each of their writes in the audit log under the name of `username`. */
export function auditedCluster(cluster: Cluster, log: Pick<AuditLog, "append">, username: string): Cluster {
  async function audited<T>(
    verb: string,
    id: ResourceId,
    object: Named,
    subresource: string,
    write: () => Promise<T>,
  ): Promise<T> {
    if (heartbeats.has(id.resource)) return write();
    const received = new Date();
    const record = (named: Named, outcome: { code: number; status?: string; reason?: string }) =>
      log.append({
        kind: "Event",
        apiVersion: "audit.k8s.io/v1",
        level: "Metadata",
        auditID: randomUUID(),
        stage: "ResponseComplete",
        requestURI: "",
        verb,
        user: { username, groups: ["system:authenticated"] },
        objectRef: reference(id, named, subresource),
        responseStatus: { metadata: {}, ...outcome },
        requestReceivedTimestamp: microTimestamp(received),
        stageTimestamp: microTimestamp(new Date()),
      });
    try {
      const written = await write();
      const { metadata = object } = (written ?? {}) as { metadata?: Named };
      const isUnchanged = verb === "update" && metadata.resourceVersion === object.resourceVersion;
      if (!isUnchanged) record(metadata, { code: verb === "create" ? 201 : 200 });
      return written;
    } catch (error) {
      const { code, reason } = error instanceof StatusError ? error : { code: 500, reason: "InternalError" };
      record(object, { status: "Failure", reason, code });
      throw error;
    }
  }

  return {
    get: (id, namespace, name) => cluster.get(id, namespace, name),
    list: (id, options) => cluster.list(id, options),
    subscribe: (listener) => cluster.subscribe(listener),
    create: <T extends KubeObject>(id: ResourceId, object: NewObject<T>) =>
      audited("create", id, object.metadata, "", () => cluster.create<T>(id, object)),
    update: (id, object) => audited("update", id, object.metadata, "", () => cluster.update(id, object)),
    updateStatus: (id, object) => audited("update", id, object.metadata, "status", () => cluster.updateStatus(id, object)),
    bind: (namespace, name, node) =>
      audited("create", resources.pods, { namespace, name }, "binding", () => cluster.bind(namespace, name, node)),
    delete: (id, namespace, name, options) =>
      audited("delete", id, { namespace, name }, "", () => cluster.delete(id, namespace, name, options)),
  };
}

type Named = { namespace?: string; name?: string; resourceVersion?: string };

function reference({ group, resource }: ResourceId, { namespace, name }: Named, subresource: string): Record<string, string> {
  const fields = { resource, namespace, name, apiGroup: group, subresource };
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, string] => Boolean(entry[1])));
}
