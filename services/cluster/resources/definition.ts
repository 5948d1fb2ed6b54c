import type { KubeObject, ResourceId } from "../api.ts";
import { type Decoded, decode } from "../schema/decode.ts";
import type { TableFormat } from "../tables/table.ts";
import type { FieldErrors } from "../validation/field-errors.ts";
import type { NameRule } from "../validation/names.ts";
import type { AcceptedNames } from "./custom/acceptance.ts";

/** What the parts of a definition may ask of the cluster around the object. */
export type Surroundings = {
  now: Date;
  /** The range of ClusterIPs as CIDR. */
  serviceRange: string;
  hasClusterIP(address: string): boolean;
  isClusterIPTaken(address: string): boolean;
  takeClusterIP(): string;
  /** The name of the storage class for claims that name none. */
  defaultStorageClass(): string | undefined;
  /** The names that other kinds have in the group of a custom resource definition. */
  namesBeside(definition: KubeObject): readonly AcceptedNames[];
};

export type ScalePaths = { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath?: string };

/** One kind of object: how it is named, read, completed, checked and shown. */
export type ResourceDefinition = {
  id: ResourceId;
  version: string;
  kind: string;
  singular: string;
  shortNames?: string[];
  categories?: string[];
  namespaced: boolean;
  listKind?: string;
  /** The type of schema/types.json; empty for a custom resource, which has `decode` in its place. */
  type: string;
  decode?(given: unknown): Decoded;
  /** False for a version of a custom resource that is kept but not served. */
  isServed?: boolean;
  /** False for a version that is only another view of the stored one. */
  isStored?: boolean;
  /** A stored object as this version shows it. The same stored object always gives the same one. */
  show?(object: KubeObject): KubeObject;
  /** Told with every answer: the version is deprecated. */
  warning?: string;
  /** Why no objects may be created at the moment. */
  refusesCreation?: string;
  /** False where objects are deleted one by one alone. */
  hasDeleteCollection?: boolean;
  /** What every write of one is answered with, beside the object. */
  writeWarning?: string;
  hasStatus?: boolean;
  hasScale?: boolean;
  /** Where the scale subresource of a custom resource finds its numbers. */
  scalePaths?: ScalePaths;
  /** True where a change of the spec raises metadata.generation. */
  hasGeneration?: boolean;
  nameRule: NameRule;
  selectableFields?: { names: readonly string[]; of(object: KubeObject): Record<string, string> };
  table: TableFormat;
  /** Fills in what the client left out. The object is a draft that may be changed. */
  setDefaults?(object: KubeObject): void;
  /** Fills in what only a new object gets, before it is checked. */
  complete?(object: KubeObject): void;
  prepareCreate?(object: KubeObject, surroundings: Surroundings): void;
  prepareUpdate?(object: KubeObject, stored: KubeObject, surroundings: Surroundings): void;
  validate?(object: KubeObject, errors: FieldErrors): void;
  /** Checks an object whose status was replaced. */
  validateStatus?(object: KubeObject, errors: FieldErrors): void;
  validateCreate?(object: KubeObject, surroundings: Surroundings, errors: FieldErrors): void;
  validateUpdate?(object: KubeObject, stored: KubeObject, errors: FieldErrors): void;
};

/** Reads untyped JSON as an object of the kind. */
export function decodeAs(definition: ResourceDefinition, given: unknown): Decoded {
  return definition.decode ? definition.decode(given) : decode(definition.type, given);
}

/** `v1` or `apps/v1`. */
export function apiVersionOf({ id, version }: Pick<ResourceDefinition, "id" | "version">): string {
  return id.group ? `${id.group}/${version}` : version;
}

/** `pods` or `deployments.apps`, as Kubernetes writes a resource in its messages. */
export function qualifiedName({ group, resource }: ResourceId): string {
  return group ? `${resource}.${group}` : resource;
}
