import type { ResourceId } from "../api.ts";
import { accessResources } from "./access.ts";
import { batchResources } from "./batch.ts";
import { configurationResources } from "./configuration.ts";
import type { ResourceDefinition } from "./definition.ts";
import { extensionResources } from "./extensions.ts";
import { infrastructureResources } from "./infrastructure.ts";
import { networkingResources } from "./networking.ts";
import { policyResources } from "./policy.ts";
import { storageResources } from "./storage.ts";
import { workloadResources } from "./workloads.ts";

export const builtInResources: readonly ResourceDefinition[] = [
  ...infrastructureResources,
  ...workloadResources,
  ...networkingResources,
  ...configurationResources,
  ...batchResources,
  ...storageResources,
  ...policyResources,
  ...accessResources,
  ...extensionResources,
];

/**
 * Every served resource: the built-in ones, and those of the custom resource definitions that are stored at the moment.
 * Discovery, routing, defaults, validation and tables all read this. A resource may have several versions; one of them is
 * the form in which its objects are stored.
 */
export class Catalogue {
  readonly #custom = new Map<string, readonly ResourceDefinition[]>();
  #all: readonly ResourceDefinition[] = builtInResources;
  #byResource = groupByResource(builtInResources);

  /** Every version of every resource, also versions that are known but not served. */
  get definitions(): readonly ResourceDefinition[] {
    return this.#all;
  }

  get served(): readonly ResourceDefinition[] {
    return this.#all.filter(({ isServed = true }) => isServed);
  }

  /** The version in which objects are stored, or the one that is asked for. */
  find(id: ResourceId, version?: string): ResourceDefinition | undefined {
    const versions = this.#byResource.get(keyOf(id)) ?? [];
    if (version !== undefined) return versions.find((definition) => definition.version === version);
    return versions.find(({ isStored = true }) => isStored);
  }

  /** Puts the resources of a custom resource definition in the place of those that it had. */
  serve(owner: string, definitions: readonly ResourceDefinition[]): void {
    if (definitions.length > 0) this.#custom.set(owner, definitions);
    else this.#custom.delete(owner);
    this.#all = [...builtInResources, ...[...this.#custom.values()].flat()];
    this.#byResource = groupByResource(this.#all);
  }
}

function groupByResource(definitions: readonly ResourceDefinition[]): Map<string, ResourceDefinition[]> {
  return Map.groupBy(definitions, ({ id }) => keyOf(id));
}

function keyOf({ group, resource }: ResourceId): string {
  return `${group}/${resource}`;
}
