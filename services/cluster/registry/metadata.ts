import { randomInt, randomUUID } from "node:crypto";
import type { KubeObject, ObjectMeta } from "../api.ts";
import { timestamp } from "../timestamp.ts";

const suffixLetters = "bcdfghjklmnpqrstvwxz2456789";
const longestGeneratedPrefix = 58;

export function generateName(prefix: string): string {
  let suffix = "";
  for (let index = 0; index < 5; index += 1) suffix += suffixLetters[randomInt(suffixLetters.length)];
  return `${prefix.slice(0, longestGeneratedPrefix)}${suffix}`;
}

/** The metadata of a new object: what the client may choose, and what the server alone decides. */
export function newMetadata(given: Partial<ObjectMeta>, namespace: string, hasGeneration: boolean, now: Date): ObjectMeta {
  const { name, generateName: prefix, labels, annotations, ownerReferences, finalizers } = given;
  return {
    name: name || (prefix ? generateName(prefix) : ""),
    ...(prefix ? { generateName: prefix } : {}),
    ...(namespace ? { namespace } : {}),
    uid: randomUUID(),
    resourceVersion: "",
    ...(hasGeneration ? { generation: 1 } : {}),
    creationTimestamp: timestamp(now),
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
    ...(ownerReferences ? { ownerReferences } : {}),
    ...(finalizers ? { finalizers } : {}),
  };
}

/** The metadata of an update: the server's own fields stay as they are stored. */
export function updatedMetadata(given: Partial<ObjectMeta>, stored: ObjectMeta): ObjectMeta {
  const { labels, annotations, ownerReferences, finalizers } = given;
  const { name, generateName: prefix, namespace, uid, resourceVersion, generation, creationTimestamp } = stored;
  const { deletionTimestamp, deletionGracePeriodSeconds } = stored;
  return {
    name,
    ...(prefix ? { generateName: prefix } : {}),
    ...(namespace ? { namespace } : {}),
    uid,
    resourceVersion,
    ...(generation === undefined ? {} : { generation }),
    creationTimestamp,
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
    ...(ownerReferences ? { ownerReferences } : {}),
    ...(finalizers ? { finalizers } : {}),
  };
}

/** The same object under other metadata; the rest is shared. */
export function withMetadata(object: KubeObject, changes: Partial<ObjectMeta>): KubeObject {
  return { ...object, metadata: { ...object.metadata, ...changes } };
}
