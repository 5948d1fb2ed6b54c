import type { V1CustomResourceDefinition } from "@kubernetes/client-node";
import type { KubeObject } from "../api.ts";
import { customResourceDefinitionTable } from "../tables/policy-tables.ts";
import { validateDefinition, validateDefinitionUpdate } from "../validation/definition-validation.ts";
import { acceptNames, cleanupFinalizer } from "./custom/acceptance.ts";
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
    setDefaults(object) {
      const { spec } = asDefinition(object);
      if (!spec?.names?.kind) return;
      spec.names.singular ??= spec.names.kind.toLowerCase();
      spec.names.listKind ??= `${spec.names.kind}List`;
      spec.conversion ??= { strategy: "None" };
    },
    validate: (object, errors) => validateDefinition(asDefinition(object), errors),
    validateUpdate: (object, stored, errors) => validateDefinitionUpdate(asDefinition(object), asDefinition(stored), errors),
    prepareCreate(object, surroundings) {
      delete object.status;
      object.metadata.finalizers = [...new Set([...(object.metadata.finalizers ?? []), cleanupFinalizer])];
      acceptNames(object, surroundings.namesBeside(object), surroundings.now);
    },
    prepareUpdate(object, _stored, surroundings) {
      if (asDefinition(object).spec?.versions && asDefinition(object).spec.names) {
        acceptNames(object, surroundings.namesBeside(object), surroundings.now);
      }
    },
  },
];

function asDefinition(object: KubeObject): V1CustomResourceDefinition {
  return object as unknown as V1CustomResourceDefinition;
}
