import { describe, expect, it } from "vitest";
import type { KubeObject } from "../api.ts";
import { validateRole, validateRoleBinding, validateRoleBindingUpdate } from "./access-validation.ts";
import { FieldErrors } from "./field-errors.ts";

const apiGroup = "rbac.authorization.k8s.io";

function problems(check: (object: KubeObject, errors: FieldErrors) => void, kind: string, fields: object): string[] {
  const errors = new FieldErrors();
  check({ kind, metadata: { name: "x" }, ...fields } as unknown as KubeObject, errors);
  return errors.causes.map(({ field, message }) => `${field}: ${message}`);
}

describe("a role", () => {
  it("has verbs, groups and resources in each of its rules", () => {
    expect(problems(validateRole, "Role", { rules: [{}] })).toEqual([
      "rules[0].verbs: Required value: verbs must contain at least one value",
      "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
      "rules[0].resources: Required value: resource rules must supply at least one resource",
    ]);
    expect(problems(validateRole, "Role", { rules: [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }] })).toEqual([]);
  });

  it("speaks of paths only for the whole cluster, and not together with resources", () => {
    const rules = [{ verbs: ["get"], nonResourceURLs: ["/x"] }];
    expect(problems(validateRole, "ClusterRole", { rules })).toEqual([]);
    expect(problems(validateRole, "Role", { rules })[0]).toContain("namespaced rules cannot apply to non-resource URLs");
    const mixed = [{ verbs: ["get"], nonResourceURLs: ["/x"], resources: ["pods"] }];
    expect(problems(validateRole, "ClusterRole", { rules: mixed })[0]).toContain("cannot apply to both");
  });

  it("that collects others says which ones", () => {
    expect(problems(validateRole, "ClusterRole", { aggregationRule: {} })[0]).toContain(
      "at least one clusterRoleSelector required",
    );
  });
});

describe("a binding", () => {
  const roleRef = { apiGroup, kind: "ClusterRole", name: "view" };

  it("refers to a role that its scope can have", () => {
    expect(problems(validateRoleBinding, "RoleBinding", { roleRef })).toEqual([]);
    expect(problems(validateRoleBinding, "ClusterRoleBinding", { roleRef: { ...roleRef, kind: "Role" } })).toEqual([
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
    ]);
    expect(problems(validateRoleBinding, "RoleBinding", { roleRef: { kind: "Role" } })).toEqual([
      `roleRef.apiGroup: Unsupported value: "": supported values: "${apiGroup}"`,
      "roleRef.name: Required value",
    ]);
  });

  it("has users, groups and service accounts for subjects", () => {
    const check = (kind: string, subject: object) => problems(validateRoleBinding, kind, { roleRef, subjects: [subject] });
    expect(check("RoleBinding", { kind: "User", name: "anna", apiGroup })).toEqual([]);
    expect(check("ClusterRoleBinding", { kind: "ServiceAccount", name: "robot" })).toEqual([
      "subjects[0].namespace: Required value",
    ]);
    expect(check("RoleBinding", { kind: "ServiceAccount", name: "Robot!" })[0]).toContain("a lowercase RFC 1123 subdomain");
    expect(check("RoleBinding", { kind: "Robot", name: "r" })).toEqual([
      'subjects[0].kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User"',
    ]);
  });

  it("keeps its role", () => {
    const change = (_object: KubeObject, errors: FieldErrors) =>
      validateRoleBindingUpdate(
        { roleRef: { ...roleRef, name: "edit" } } as unknown as KubeObject,
        { roleRef } as unknown as KubeObject,
        errors,
      );
    expect(problems(change, "RoleBinding", {})[0]).toContain("cannot change roleRef");
  });
});
