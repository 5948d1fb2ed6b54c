import { customResourceDefinitionTable } from "../tables/policy-tables.ts";
import type { ResourceDefinition } from "./definition.ts";

export const extensionResources: ResourceDefinition[] = [
  {
    id: { group: "apiextensions.k8s.io", resource: "customresourcedefinitions" },
    version: "v1",
    kind: "CustomResourceDefinition",
    singular: "customresourcedefinition",
    shortNames: ["crd", "crds"],
    categories: ["api-extensions"],
    namespaced: false,
    type: "V1CustomResourceDefinition",
    hasStatus: true,
    hasGeneration: true,
    nameRule: "subdomain",
    table: customResourceDefinitionTable,
  },
];
