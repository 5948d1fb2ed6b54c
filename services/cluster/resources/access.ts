import type { V1RoleBinding } from "@kubernetes/client-node";
import type { KubeObject } from "../api.ts";
import { setBindingDefaults } from "../defaults/policy-defaults.ts";
import { roleBindingTable, roleTable } from "../tables/policy-tables.ts";
import { validateRole, validateRoleBinding, validateRoleBindingUpdate } from "../validation/access-validation.ts";
import type { ResourceDefinition } from "./definition.ts";

const group = "rbac.authorization.k8s.io";

function bindingDefaults(object: KubeObject): void {
  setBindingDefaults(object as unknown as V1RoleBinding);
}

export const accessResources: ResourceDefinition[] = [
  {
    id: { group, resource: "roles" },
    version: "v1",
    kind: "Role",
    singular: "role",
    namespaced: true,
    type: "V1Role",
    nameRule: "path",
    table: roleTable,
    validate: validateRole,
  },
  {
    id: { group, resource: "rolebindings" },
    version: "v1",
    kind: "RoleBinding",
    singular: "rolebinding",
    namespaced: true,
    type: "V1RoleBinding",
    nameRule: "path",
    table: roleBindingTable,
    setDefaults: bindingDefaults,
    validate: validateRoleBinding,
    validateUpdate: validateRoleBindingUpdate,
  },
  {
    id: { group, resource: "clusterroles" },
    version: "v1",
    kind: "ClusterRole",
    singular: "clusterrole",
    namespaced: false,
    type: "V1ClusterRole",
    nameRule: "path",
    table: roleTable,
    validate: validateRole,
  },
  {
    id: { group, resource: "clusterrolebindings" },
    version: "v1",
    kind: "ClusterRoleBinding",
    singular: "clusterrolebinding",
    namespaced: false,
    type: "V1ClusterRoleBinding",
    nameRule: "path",
    table: roleBindingTable,
    setDefaults: bindingDefaults,
    validate: validateRoleBinding,
    validateUpdate: validateRoleBindingUpdate,
  },
];
