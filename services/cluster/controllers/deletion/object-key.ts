import type { ResourceId } from "../../api.ts";

type Named = { metadata: { name: string; namespace?: string } };

/** A queue key for an object of any resource. */
export function encodeKey(id: ResourceId, { metadata }: Named): string {
  return [id.group, id.resource, metadata.namespace ?? "", metadata.name].join("|");
}

export function decodeKey(key: string): { id: ResourceId; namespace: string; name: string } {
  const [group = "", resource = "", namespace = "", name = ""] = key.split("|");
  return { id: { group, resource }, namespace, name };
}
