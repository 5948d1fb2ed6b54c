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

/** Every served resource. Discovery, routing, defaults, validation and tables all read this. */
export const catalogue: readonly ResourceDefinition[] = [
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

const byKey = new Map(catalogue.map((definition) => [`${definition.id.group}/${definition.id.resource}`, definition]));

export function findDefinition({ group, resource }: ResourceId): ResourceDefinition | undefined {
  return byKey.get(`${group}/${resource}`);
}
