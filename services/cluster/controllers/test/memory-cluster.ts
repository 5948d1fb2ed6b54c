import { isDeepStrictEqual } from "node:util";
import {
  type Change,
  type ChangeType,
  type Cluster,
  type DeleteOptions,
  type KubeObject,
  type ListOptions,
  type NewObject,
  type ResourceId,
  resources,
  StatusError,
} from "../../api.ts";
import { boundPod } from "../../registry/binding.ts";
import type { Clock } from "../clock.ts";
import { matchesLabels } from "../selectors.ts";

/** The smallest cluster that keeps the contract of api.ts, for tests of the controllers alone. */
export class MemoryCluster implements Cluster {
  readonly #objects = new Map<string, { id: ResourceId; object: KubeObject }>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #clock: Clock;
  #version = 0;
  writes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get<T extends KubeObject>(id: ResourceId, namespace: string, name: string): T | undefined {
    return this.#objects.get(key(id, namespace, name))?.object as T | undefined;
  }

  list<T extends KubeObject>(id: ResourceId, { namespace, labels }: ListOptions = {}): T[] {
    const all = [...this.#objects.values()].filter((entry) => entry.id.resource === id.resource && entry.id.group === id.group);
    return all
      .map(({ object }) => object as T)
      .filter(
        (object) => (!namespace || object.metadata.namespace === namespace) && matchesLabels(labels, object.metadata.labels),
      );
  }

  async create<T extends KubeObject>(id: ResourceId, object: NewObject<T>): Promise<T> {
    await Promise.resolve();
    const { generateName, namespace } = object.metadata;
    const name = object.metadata.name ?? `${generateName}${this.#version.toString(36).padStart(5, "0")}`;
    if (this.get(id, namespace ?? "", name)) {
      throw new StatusError(409, "AlreadyExists", `${id.resource} "${name}" already exists`);
    }
    const spec = object.kind === "Namespace" ? { finalizers: ["kubernetes"] } : object.spec;
    const generated = { name, uid: `uid-${this.#version}`, creationTimestamp: this.#clock.now().toISOString(), generation: 1 };
    return this.#commit(id, { ...object, spec, metadata: { ...object.metadata, ...generated } } as unknown as T, undefined);
  }

  async update<T extends KubeObject>(id: ResourceId, object: T): Promise<T> {
    await Promise.resolve();
    const stored = this.#current(id, object);
    const generation = (stored.metadata.generation ?? 1) + (isDeepStrictEqual(object.spec, stored.spec) ? 0 : 1);
    const next: KubeObject = { ...object, metadata: { ...object.metadata, generation }, status: stored.status };
    const finalizers = [...(next.metadata.finalizers ?? []), ...specFinalizers(next)];
    if (next.metadata.deletionTimestamp && finalizers.length === 0 && id.resource !== "pods") {
      this.#remove(id, stored);
      return next as T;
    }
    return this.#commit(id, next as T, stored);
  }

  async updateStatus<T extends KubeObject>(id: ResourceId, object: T): Promise<T> {
    await Promise.resolve();
    const stored = this.#current(id, object);
    return this.#commit(id, { ...stored, status: object.status } as unknown as T, stored);
  }

  async bind(namespace: string, name: string, node: string): Promise<void> {
    await Promise.resolve();
    const stored = this.get(resources.pods, namespace, name);
    if (!stored) throw new StatusError(404, "NotFound", `pods "${name}" not found`);
    this.#commit(resources.pods, boundPod(stored, node, this.#clock.now()), stored);
  }

  async delete(id: ResourceId, namespace: string, name: string, options: DeleteOptions = {}): Promise<void> {
    await Promise.resolve();
    const stored = this.get(id, namespace, name);
    if (!stored) throw new StatusError(404, "NotFound", `${id.resource} "${name}" not found`);
    if (options.preconditions?.uid && options.preconditions.uid !== stored.metadata.uid) {
      throw new StatusError(409, "Conflict", "the UID in the precondition does not match");
    }
    const finalizers = [...(stored.metadata.finalizers ?? [])];
    if (options.propagationPolicy === "Foreground") finalizers.push("foregroundDeletion");
    if (options.propagationPolicy === "Orphan") finalizers.push("orphan");
    const graceful =
      id.resource === "pods" && options.gracePeriodSeconds !== 0 && (stored.spec as { nodeName?: string }).nodeName;
    if (finalizers.length === 0 && specFinalizers(stored).length === 0 && !graceful) return this.#remove(id, stored);
    const deletionTimestamp = stored.metadata.deletionTimestamp ?? this.#clock.now().toISOString();
    this.#commit(id, { ...stored, metadata: { ...stored.metadata, deletionTimestamp, finalizers } }, stored);
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #current(id: ResourceId, { metadata }: KubeObject): KubeObject {
    const stored = this.get(id, metadata.namespace ?? "", metadata.name);
    if (!stored) throw new StatusError(404, "NotFound", `${id.resource} "${metadata.name}" not found`);
    if (stored.metadata.resourceVersion !== metadata.resourceVersion) {
      throw new StatusError(409, "Conflict", "the object has been modified");
    }
    return stored;
  }

  #commit<T extends KubeObject>(id: ResourceId, object: T, previous: KubeObject | undefined): T {
    this.#version += 1;
    this.writes += 1;
    const stored = freeze(
      structuredClone({ ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } }),
    );
    this.#objects.set(key(id, stored.metadata.namespace ?? "", stored.metadata.name), { id, object: stored });
    this.#tell(previous ? "MODIFIED" : "ADDED", id, stored, previous);
    return stored as T;
  }

  #remove(id: ResourceId, object: KubeObject): void {
    this.#version += 1;
    this.#objects.delete(key(id, object.metadata.namespace ?? "", object.metadata.name));
    this.#tell("DELETED", id, object, object);
  }

  #tell(type: ChangeType, id: ResourceId, object: KubeObject, previous?: KubeObject): void {
    for (const listener of this.#listeners) listener({ type, id, object, previous });
  }
}

function key(id: ResourceId, namespace: string, name: string): string {
  return `${id.group}/${id.resource}/${namespace}/${name}`;
}

function specFinalizers(object: KubeObject): string[] {
  return object.kind === "Namespace" ? ((object.spec as { finalizers?: string[] } | undefined)?.finalizers ?? []) : [];
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) freeze(inner);
  }
  return value;
}
