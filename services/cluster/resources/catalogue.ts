import type { ResourceId } from "../api.ts";
import { configurationResources } from "./configuration.ts";
import type { ResourceDefinition } from "./definition.ts";
import { infrastructureResources } from "./infrastructure.ts";
import { networkingResources } from "./networking.ts";
import { workloadResources } from "./workloads.ts";

/** Every served resource. Discovery, routing, defaults, validation and tables all read this. */
export const catalogue: readonly ResourceDefinition[] = [
  ...infrastructureResources,
  ...workloadResources,
  ...networkingResources,
  ...configurationResources,
];

const byKey = new Map(catalogue.map((definition) => [`${definition.id.group}/${definition.id.resource}`, definition]));

export function findDefinition({ group, resource }: ResourceId): ResourceDefinition | undefined {
  return byKey.get(`${group}/${resource}`);
}
