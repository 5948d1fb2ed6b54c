import { isDeepStrictEqual } from "node:util";
import {
  type Change,
  type Cluster,
  type DeleteOptions,
  type KubeObject,
  type ListOptions,
  type NewObject,
  type ObjectMeta,
  type ResourceId,
  resources,
  StatusError,
} from "../api.ts";
import { defaultNetwork, type Network } from "../network.ts";
import { Catalogue } from "../resources/catalogue.ts";
import { CustomKinds } from "../resources/custom/kinds.ts";
import { apiVersionOf, decodeAs, type ResourceDefinition, type Surroundings } from "../resources/definition.ts";
import { DecodeError } from "../schema/decode.ts";
import type { Store, StoreChange } from "../store/store.ts";
import { FieldErrors } from "../validation/field-errors.ts";
import { validateFinalizersUpdate, validateMetadata } from "../validation/metadata.ts";
import { boundPod } from "./binding.ts";
import { ClusterIPs } from "./cluster-ips.ts";
import { newMetadata, updatedMetadata, withMetadata } from "./metadata.ts";
import { modifiedMessage, refusals } from "./refusals.ts";
import { isRemovedByUpdate, planRemoval } from "./removal.ts";

/** `version` is that of the object as it is given; without it, the one that is stored. */
export type WriteOptions = { dryRun?: boolean; version?: string };

/** What a DELETE left: the object as it is now, and whether it is gone. */
export type Deletion = { object: KubeObject; isGone: boolean };

/** Source: plugin/pkg/admission/namespace/lifecycle/admission.go. */
const lastingNamespaces: ReadonlySet<string> = new Set(["default", "kube-system", "kube-public"]);

export type RegistryOptions = {
  store: Store;
  catalogue?: Catalogue;
  now?: () => Date;
  network?: Network;
  /** Told of a custom kind that goes, or is served in another form from now on. */
  onKindReplaced?: (id: ResourceId) => void;
};

/**
 * The rules of the API over the store. All decisions of a write are taken in one synchronous step, so that nothing comes
 * between the check of a resourceVersion and the write.
 */
export class Registry implements Cluster {
  readonly #store: Store;
  readonly #catalogue: Catalogue;
  readonly #now: () => Date;
  readonly #clusterIPs: ClusterIPs;
  readonly #customKinds: CustomKinds;

  constructor(options: RegistryOptions) {
    const { store, catalogue = new Catalogue(), now = () => new Date(), network = defaultNetwork } = options;
    this.#store = store;
    this.#catalogue = catalogue;
    this.#clusterIPs = new ClusterIPs(network.services);
    this.#now = now;
    for (const service of store.list({ group: "", resource: "services" })) this.#clusterIPs.take(clusterIPOf(service));
    this.#customKinds = new CustomKinds(catalogue, options.onKindReplaced ?? (() => {}));
    for (const crd of store.list(resources.customResourceDefinitions)) this.#customKinds.serve(crd);
  }

  get<T extends KubeObject>(id: ResourceId, namespace: string, name: string): T | undefined {
    return this.#store.get(id, namespace, name) as T | undefined;
  }

  list<T extends KubeObject>(id: ResourceId, options: ListOptions = {}): T[] {
    const labels = Object.entries(options.labels ?? {});
    const objects = this.#store.list(id).filter(({ metadata }) => {
      if (options.namespace && metadata.namespace !== options.namespace) return false;
      return labels.every(([key, value]) => metadata.labels?.[key] === value);
    });
    return objects as T[];
  }

  async create<T extends KubeObject>(id: ResourceId, given: NewObject<T>, options: WriteOptions = {}): Promise<T> {
    const definition = this.#definition(id, options.version);
    const draft = this.#read(definition, given);
    const namespace = definition.namespaced ? (draft.metadata.namespace ?? "") : "";
    if (definition.refusesCreation) throw new StatusError(405, "MethodNotAllowed", definition.refusesCreation);
    if (draft.metadata.resourceVersion) throw refusals.badRequest("resourceVersion should not be set on objects to be created");
    if (definition.namespaced) this.#requireNamespace(id, namespace, draft.metadata.name);
    draft.metadata = newMetadata(draft.metadata, namespace, definition.hasGeneration ?? false, this.#now());
    definition.setDefaults?.(draft);
    definition.complete?.(draft);
    const name = draft.metadata.name;
    const errors = new FieldErrors();
    validateMetadata(draft.metadata, definition, errors);
    definition.validate?.(draft, errors);
    const surroundings = this.#surroundings(options);
    definition.validateCreate?.(draft, surroundings, errors);
    const refusal = errors.toStatus(id.group, definition.kind, name);
    if (refusal) throw refusal;
    if (name && this.#store.get(id, namespace, name)) throw refusals.alreadyExists(id, name);
    definition.prepareCreate?.(draft, surroundings);
    draft.apiVersion = apiVersionOf(this.#definition(id));
    if (options.dryRun) return draft as T;
    return this.#put<T>(id, draft);
  }

  async update<T extends KubeObject>(id: ResourceId, given: T, options: WriteOptions = {}): Promise<T> {
    const definition = this.#definition(id, options.version);
    const draft = this.#read(definition, given);
    const stored = this.#storedFor(definition, draft);
    draft.metadata = updatedMetadata(draft.metadata, stored.metadata);
    if (definition.hasStatus) {
      if (stored.status === undefined) delete draft.status;
      else draft.status = stored.status;
    }
    definition.setDefaults?.(draft);
    definition.prepareUpdate?.(draft, stored, this.#surroundings(options));
    const errors = new FieldErrors();
    validateMetadata(draft.metadata, definition, errors);
    validateFinalizersUpdate(draft.metadata, stored.metadata, errors);
    definition.validate?.(draft, errors);
    definition.validateUpdate?.(draft, stored, errors);
    const refusal = errors.toStatus(id.group, definition.kind, draft.metadata.name);
    if (refusal) throw refusal;
    if (definition.hasGeneration && !isDeepStrictEqual(contentOf(draft, definition), contentOf(stored, definition))) {
      draft.metadata.generation = (stored.metadata.generation ?? 0) + 1;
    }
    draft.apiVersion = stored.apiVersion;
    return this.#replace<T>(id, draft, stored, options);
  }

  async updateStatus<T extends KubeObject>(id: ResourceId, given: T, options: WriteOptions = {}): Promise<T> {
    const definition = this.#definition(id, options.version);
    const draft = this.#read(definition, given);
    const stored = this.#storedFor(definition, draft);
    const { status: _replaced, ...rest } = stored;
    const object = { ...rest, ...(draft.status === undefined ? {} : { status: draft.status }) } as KubeObject;
    const errors = new FieldErrors();
    definition.validateStatus?.(object, errors);
    const refusal = errors.toStatus(id.group, definition.kind, stored.metadata.name);
    if (refusal) throw refusal;
    return this.#replace<T>(id, withMetadata(object, {}), stored, options);
  }

  async bind(namespace: string, name: string, node: string, options: WriteOptions = {}): Promise<void> {
    const stored = this.#store.get(resources.pods, namespace, name);
    if (!stored) throw refusals.notFound(resources.pods, name);
    const bound = boundPod(stored, node, this.#now());
    if (!options.dryRun) await this.#put(resources.pods, bound);
  }

  async delete(id: ResourceId, namespace: string, name: string, options: DeleteOptions = {}): Promise<void> {
    await this.remove(id, namespace, name, options);
  }

  /** Deletes as `delete` does, and tells what is left. */
  async remove(id: ResourceId, namespace: string, name: string, options: DeleteOptions & WriteOptions = {}): Promise<Deletion> {
    const stored = this.#store.get(id, namespace, name);
    if (!stored) throw refusals.notFound(id, name);
    this.#checkPreconditions(id, stored, options.preconditions);
    if (id.group === "" && id.resource === "namespaces" && lastingNamespaces.has(name))
      throw refusals.forbidden(id, name, "this namespace may not be deleted");
    const removal = planRemoval(id, stored, options, this.#now());
    if (removal.action === "none") return { object: stored, isGone: false };
    if (removal.action === "mark") {
      if (options.dryRun) return { object: removal.object, isGone: false };
      return { object: await this.#put(id, removal.object), isGone: false };
    }
    if (options.dryRun) return { object: stored, isGone: true };
    return { object: await this.#drop(id, stored), isGone: true };
  }

  subscribe(listener: (change: Change) => void): () => void {
    return this.#store.subscribe(({ type, id, object, previous }: StoreChange) => listener({ type, id, object, previous }));
  }

  #definition(id: ResourceId, version?: string): ResourceDefinition {
    const definition = this.#catalogue.find(id, version);
    if (!definition) throw refusals.noSuchPath();
    return definition;
  }

  #read(definition: ResourceDefinition, given: object): KubeObject {
    try {
      const { value } = decodeAs(definition, given);
      const metadata = (value.metadata ?? {}) as ObjectMeta;
      return { ...value, apiVersion: apiVersionOf(definition), kind: definition.kind, metadata };
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      const { kind, version } = definition;
      throw refusals.badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${error.message}`);
    }
  }

  #storedFor({ id, namespaced }: ResourceDefinition, draft: KubeObject): KubeObject {
    const { name, resourceVersion, uid } = draft.metadata;
    const stored = this.#store.get(id, namespaced ? (draft.metadata.namespace ?? "") : "", name);
    if (!stored) throw refusals.notFound(id, name);
    if (uid && uid !== stored.metadata.uid) {
      const message = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${stored.metadata.uid}`;
      throw refusals.conflict(id, name, message);
    }
    if (resourceVersion && resourceVersion !== stored.metadata.resourceVersion) {
      throw refusals.conflict(id, name, modifiedMessage);
    }
    return stored;
  }

  #checkPreconditions(id: ResourceId, stored: KubeObject, preconditions: DeleteOptions["preconditions"] = {}): void {
    const { uid, resourceVersion } = stored.metadata;
    if (preconditions.uid && preconditions.uid !== uid) {
      const message = `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`;
      throw refusals.conflict(id, stored.metadata.name, message);
    }
    if (preconditions.resourceVersion && preconditions.resourceVersion !== resourceVersion) {
      const message = `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`;
      throw refusals.conflict(id, stored.metadata.name, message);
    }
  }

  #requireNamespace(id: ResourceId, namespace: string, name: string): void {
    const stored = this.#store.get({ group: "", resource: "namespaces" }, "", namespace);
    if (!stored) throw refusals.notFound({ group: "", resource: "namespaces" }, namespace);
    if (stored.metadata.deletionTimestamp !== undefined) {
      const detail = `unable to create new content in namespace ${namespace} because it is being terminated`;
      throw refusals.forbidden(id, name, detail);
    }
  }

  #surroundings({ dryRun }: WriteOptions): Surroundings {
    return {
      now: this.#now(),
      serviceRange: this.#clusterIPs.range,
      hasClusterIP: (address) => this.#clusterIPs.includes(address),
      isClusterIPTaken: (address) => this.#clusterIPs.isTaken(address),
      namesBeside: (definition) => this.#customKinds.namesBeside(definition),
      defaultStorageClass: () => this.#defaultStorageClass(),
      takeClusterIP: () => {
        const address = this.#clusterIPs.takeNext();
        if (!address) throw new StatusError(500, "InternalError", "failed to allocate a serviceIP: range is full");
        if (dryRun) this.#clusterIPs.free(address);
        return address;
      },
    };
  }

  /** The newest one that is marked as the default. */
  #defaultStorageClass(): string | undefined {
    const defaults = this.#store
      .list(resources.storageClasses)
      .filter(({ metadata }) => metadata.annotations?.["storageclass.kubernetes.io/is-default-class"] === "true");
    const newest = (a: KubeObject, b: KubeObject) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? 1 : -1);
    return defaults.toSorted(newest)[0]?.metadata.name;
  }

  #replace<T extends KubeObject>(id: ResourceId, object: KubeObject, stored: KubeObject, options: WriteOptions): Promise<T> {
    if (isRemovedByUpdate(id, object)) return (options.dryRun ? Promise.resolve(object) : this.#drop(id, object)) as Promise<T>;
    if (isDeepStrictEqual(object, stored)) return Promise.resolve(stored as T);
    return options.dryRun ? Promise.resolve(object as T) : this.#put<T>(id, object);
  }

  async #put<T extends KubeObject>(id: ResourceId, draft: KubeObject): Promise<T> {
    if (id.group === "" && id.resource === "services") this.#followClusterIP(draft);
    const { object, durable } = this.#store.put(id, draft);
    if (isCustomResourceDefinition(id)) this.#customKinds.serve(object);
    await durable;
    return object as T;
  }

  async #drop(id: ResourceId, last: KubeObject): Promise<KubeObject> {
    if (id.group === "" && id.resource === "services") this.#clusterIPs.free(clusterIPOf(last));
    const { object, durable } = this.#store.remove(id, last);
    if (isCustomResourceDefinition(id)) this.#customKinds.drop(last.metadata.name);
    await durable;
    return object;
  }

  #followClusterIP(service: KubeObject): void {
    const stored = this.#store.get({ group: "", resource: "services" }, service.metadata.namespace ?? "", service.metadata.name);
    if (stored) this.#clusterIPs.free(clusterIPOf(stored));
    this.#clusterIPs.take(clusterIPOf(service));
  }
}

function isCustomResourceDefinition({ group, resource }: ResourceId): boolean {
  return group === "apiextensions.k8s.io" && resource === "customresourcedefinitions";
}

/** What metadata.generation counts the changes of. */
function contentOf(object: KubeObject, { hasStatus }: ResourceDefinition): object {
  const { apiVersion: _version, kind: _kind, metadata: _metadata, status, ...content } = object;
  return hasStatus ? content : { ...content, status };
}

function clusterIPOf(service: KubeObject): string {
  return (service.spec as { clusterIP?: string } | undefined)?.clusterIP ?? "";
}
