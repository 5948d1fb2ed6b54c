import { type Change, type Cluster, type KubeObject, type ResourceId, resources } from "../api.ts";
import { ServedKinds } from "./served-kinds.ts";

/** Objects grouped by keys that are computed from each object. Always as current as the cluster itself. */
export type Index<T extends KubeObject> = { get(key: string): T[]; count(key: string): number };

type IndexState = {
  id: ResourceId | undefined;
  keysOf: (object: KubeObject, id: ResourceId) => string[];
  groups: Map<string, Map<string, KubeObject>>;
};

/**
 * The controllers' one subscription to the cluster. It keeps the indexes up to date before it tells the listeners, so that a
 * reconcile never has to look through all pods and never sees an index older than the change that woke it.
 */
export class View {
  readonly cluster: Cluster;
  readonly kinds = new ServedKinds();
  readonly #indexes: IndexState[] = [];
  readonly #listeners: ((change: Change) => void)[] = [];
  #end: (() => void) | undefined;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  /** An index over one resource, or over all of them. It is filled when the view starts. */
  index<T extends KubeObject>(id: ResourceId | undefined, keysOf: (object: T, id: ResourceId) => string[]): Index<T> {
    const groups = new Map<string, Map<string, KubeObject>>();
    this.#indexes.push({ id, keysOf: keysOf as IndexState["keysOf"], groups });
    return {
      get: (key) => [...(groups.get(key)?.values() ?? [])] as T[],
      count: (key) => groups.get(key)?.size ?? 0,
    };
  }

  onChange(listener: (change: Change) => void): void {
    this.#listeners.push(listener);
  }

  /** Fills the indexes, follows the cluster, and shows every object that exists to the listeners as if it had just been added. */
  start(): void {
    this.#end = this.cluster.subscribe((change) => this.#take(change));
    for (const crd of this.cluster.list(resources.customResourceDefinitions)) this.kinds.serve(crd);
    const existing = this.kinds
      .ids()
      .flatMap((id) => this.cluster.list(id).map((object): Change => ({ type: "ADDED", id, object })));
    for (const change of existing) this.#reindex(change);
    for (const change of existing) this.#tell(change);
  }

  stop(): void {
    this.#end?.();
  }

  #take(change: Change): void {
    this.#reindex(change);
    this.#tell(change);
  }

  #tell(change: Change): void {
    if (sameResource(change.id, resources.customResourceDefinitions)) this.kinds.serve(change.object);
    this.kinds.learn(change.id, change.object);
    for (const listener of this.#listeners) listener(change);
  }

  #reindex({ type, id, object, previous }: Change): void {
    const { uid } = object.metadata;
    for (const { id: wanted, keysOf, groups } of this.#indexes) {
      if (wanted && (wanted.resource !== id.resource || wanted.group !== id.group)) continue;
      const before = type === "DELETED" ? keysOf(object, id) : [];
      if (previous) before.push(...keysOf(previous, id));
      for (const key of before) {
        const group = groups.get(key);
        group?.delete(uid);
        if (group?.size === 0) groups.delete(key);
      }
      if (type === "DELETED") continue;
      for (const key of keysOf(object, id)) {
        const group = groups.get(key);
        if (group) group.set(uid, object);
        else groups.set(key, new Map([[uid, object]]));
      }
    }
  }
}

export function sameResource(left: ResourceId, right: ResourceId): boolean {
  return left.resource === right.resource && left.group === right.group;
}

/** The key under which a queue knows an object. */
export function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
}

export function splitKey(key: string): { namespace: string; name: string } {
  const [namespace = "", name = ""] = key.split("/");
  return { namespace, name };
}
