import { beforeEach, describe, expect, it } from "vitest";
import { type KubeObject, type ResourceId, resources } from "../api.ts";
import { MemoryCluster } from "../controllers/test/memory-cluster.ts";
import type { User } from "../pki/identities.ts";
import { aggregateRoles, planAggregation } from "./aggregation.ts";
import { attributesOf } from "./attributes.ts";
import { Authorizer } from "./authorizer.ts";
import { ensureBootstrapRoles } from "./bootstrap.ts";
import { checkEscalation } from "./escalation.ts";
import { RoleIndex } from "./role-index.ts";
import type { PolicyRule, Role, RoleBinding, Subject } from "./rules.ts";

const group = "rbac.authorization.k8s.io";
let cluster: MemoryCluster;
let authorizer: Authorizer;

beforeEach(() => {
  cluster = new MemoryCluster({ now: () => new Date(0) });
  authorizer = new Authorizer(new RoleIndex(cluster));
});

const person = (name: string, ...groups: string[]): User => ({ name, groups: [...groups, "system:authenticated"] });
const account = (namespace: string, name: string) => person(`system:serviceaccount:${namespace}:${name}`);
const ask = (user: User, method: string, target: string) =>
  authorizer.decide(user, attributesOf(method, new URL(target, "https://x")));
const may = (user: User, method: string, target: string) => ask(user, method, target).allowed;

function role(name: string, namespace: string, ...rules: PolicyRule[]) {
  const id = namespace ? resources.roles : resources.clusterRoles;
  const kind = namespace ? "Role" : "ClusterRole";
  return cluster.create<Role>(id, { apiVersion: `${group}/v1`, kind, metadata: { name, namespace }, rules });
}

function bind(name: string, namespace: string, kind: "Role" | "ClusterRole", roleName: string, ...subjects: Subject[]) {
  const id = namespace ? resources.roleBindings : resources.clusterRoleBindings;
  return cluster.create<RoleBinding>(id, {
    apiVersion: `${group}/v1`,
    kind: namespace ? "RoleBinding" : "ClusterRoleBinding",
    metadata: { name, namespace },
    roleRef: { kind, name: roleName },
    subjects,
  });
}

const anna: Subject = { kind: "User", name: "anna" };
const readPods: PolicyRule = { verbs: ["get", "list"], apiGroups: [""], resources: ["pods"] };

describe("roles", () => {
  it("give nothing to whom they are not bound, and everything to system:masters", () => {
    expect(may(person("anna"), "GET", "/api/v1/namespaces/a/pods")).toBe(false);
    expect(may(person("root", "system:masters"), "DELETE", "/api/v1/nodes")).toBe(true);
  });

  it("count in the namespace of the RoleBinding alone, a ClusterRole too", async () => {
    await role("reader", "", readPods);
    await bind("readers", "a", "ClusterRole", "reader", anna);
    expect(may(person("anna"), "GET", "/api/v1/namespaces/a/pods/x")).toBe(true);
    expect(may(person("anna"), "GET", "/api/v1/namespaces/b/pods/x")).toBe(false);
    expect(may(person("anna"), "GET", "/api/v1/pods")).toBe(false);
    expect(may(person("bert"), "GET", "/api/v1/namespaces/a/pods/x")).toBe(false);
    expect(ask(person("anna"), "GET", "/api/v1/namespaces/a/pods/x").reason).toBe(
      'RBAC: allowed by RoleBinding "readers/a" of ClusterRole "reader" to User "anna"',
    );
  });

  it("reach service accounts, in the binding's namespace when none is given, and groups", async () => {
    await role("reader", "a", readPods);
    await bind("one", "a", "Role", "reader", { kind: "ServiceAccount", name: "robot" });
    await bind("two", "a", "Role", "reader", { kind: "ServiceAccount", name: "visitor", namespace: "b" });
    await bind("three", "a", "Role", "reader", { kind: "Group", name: "crew" });
    const path = "/api/v1/namespaces/a/pods";
    expect([account("a", "robot"), account("b", "visitor"), person("x", "crew")].map((user) => may(user, "GET", path))).toEqual([
      true,
      true,
      true,
    ]);
    expect([account("b", "robot"), account("a", "visitor")].map((user) => may(user, "GET", path))).toEqual([false, false]);
  });

  it("do not give subresources with the resource, nor the resource with a subresource", async () => {
    await role("mixed", "", readPods, { verbs: ["get"], apiGroups: ["apps"], resources: ["*/scale"] });
    await bind("mixed", "", "ClusterRole", "mixed", anna);
    expect(may(person("anna"), "GET", "/api/v1/namespaces/a/pods/x/log")).toBe(false);
    expect(may(person("anna"), "GET", "/apis/apps/v1/namespaces/a/deployments/x/scale")).toBe(true);
    expect(may(person("anna"), "GET", "/apis/apps/v1/namespaces/a/deployments/x")).toBe(false);
  });

  it("keep to the names that they give, which a list does not have", async () => {
    await role("one", "", { verbs: ["get", "list", "create"], apiGroups: [""], resources: ["secrets"], resourceNames: ["mine"] });
    await bind("one", "", "ClusterRole", "one", anna);
    expect(may(person("anna"), "GET", "/api/v1/namespaces/a/secrets/mine")).toBe(true);
    expect(may(person("anna"), "GET", "/api/v1/namespaces/a/secrets/other")).toBe(false);
    expect(may(person("anna"), "GET", "/api/v1/namespaces/a/secrets")).toBe(false);
    expect(may(person("anna"), "GET", "/api/v1/namespaces/a/secrets?fieldSelector=metadata.name=mine")).toBe(true);
    expect(may(person("anna"), "POST", "/api/v1/namespaces/a/secrets")).toBe(false);
  });

  it("give paths by name and by prefix, through a ClusterRoleBinding", async () => {
    await role("paths", "", { verbs: ["get"], nonResourceURLs: ["/metrics", "/logs/*"] });
    await bind("paths", "", "ClusterRole", "paths", anna);
    expect(["/metrics", "/logs/a", "/metrics/x", "/logs"].map((path) => may(person("anna"), "GET", path))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it("follow what changes: rules, subjects, deletions", async () => {
    const path = "/api/v1/namespaces/a/pods";
    const reader = await role("reader", "a", readPods);
    const binding = await bind("readers", "a", "Role", "reader", anna);
    await cluster.update<Role>(resources.roles, { ...reader, rules: [] });
    expect(may(person("anna"), "GET", path)).toBe(false);
    const current = cluster.get<Role>(resources.roles, "a", "reader");
    if (current) await cluster.update<Role>(resources.roles, { ...current, rules: [readPods] });
    expect(may(person("anna"), "GET", path)).toBe(true);
    await cluster.update<RoleBinding>(resources.roleBindings, { ...binding, subjects: [{ kind: "User", name: "bert" }] });
    expect([may(person("anna"), "GET", path), may(person("bert"), "GET", path)]).toEqual([false, true]);
    await cluster.delete(resources.roleBindings, "a", "readers");
    expect(may(person("bert"), "GET", path)).toBe(false);
  });

  it("that do not exist are named in the refusal", async () => {
    await bind("lost", "a", "Role", "gone", anna);
    expect(ask(person("anna"), "GET", "/api/v1/namespaces/a/pods")).toEqual({
      allowed: false,
      reason: 'RBAC: role.rbac.authorization.k8s.io "gone" not found',
    });
  });
});

describe("who hands out rights", () => {
  const refusal = (user: User, id: ResourceId, draft: unknown): string => {
    try {
      checkEscalation(authorizer, user, id, draft as KubeObject);
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
  const draft = (rules: PolicyRule[]) => ({ metadata: { name: "new", namespace: "a" }, rules });

  beforeEach(async () => {
    await role("reader", "a", readPods);
    await bind("readers", "a", "Role", "reader", anna);
  });

  it("passes on what he has, and no more", () => {
    expect(refusal(person("anna"), resources.roles, draft([{ ...readPods, verbs: ["get"] }]))).toBe("");
    const more = draft([{ ...readPods, verbs: ["get", "delete", "watch"] }]);
    expect(refusal(person("anna"), resources.roles, more)).toBe(
      'roles.rbac.authorization.k8s.io "new" is forbidden: user "anna" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["delete" "watch"]}',
    );
  });

  it("may escalate with the verb escalate, and bind with the verb bind", async () => {
    const all = draft([{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }]);
    await role("root", "", { verbs: ["*"], apiGroups: ["*"], resources: ["*"] });
    const binding = { metadata: { name: "new", namespace: "a" }, roleRef: { kind: "ClusterRole", name: "root" } };
    expect(refusal(person("anna"), resources.roles, all)).toContain("not currently held");
    expect(refusal(person("anna"), resources.roleBindings, binding)).toContain("not currently held");
    await role("powers", "a", { verbs: ["escalate"], apiGroups: [group], resources: ["roles"] });
    await role("binder", "a", { verbs: ["bind"], apiGroups: [group], resources: ["clusterroles"], resourceNames: ["root"] });
    await bind("powers", "a", "Role", "powers", anna);
    await bind("binder", "a", "Role", "binder", anna);
    expect(refusal(person("anna"), resources.roles, all)).toBe("");
    expect(refusal(person("anna"), resources.roleBindings, binding)).toBe("");
  });

  it("is told when the role of a binding does not exist", () => {
    const binding = { metadata: { name: "new", namespace: "a" }, roleRef: { kind: "Role", name: "nope" } };
    expect(refusal(person("anna"), resources.roleBindings, binding)).toBe('roles.rbac.authorization.k8s.io "nope" not found');
  });
});

describe("the first roles", () => {
  const rulesOf = (name: string) => cluster.get<Role>(resources.clusterRoles, "", name)?.rules ?? [];

  it("are collected: admin has what edit has, and edit what view has", async () => {
    await ensureBootstrapRoles(cluster);
    await aggregateRoles(cluster);
    for (const rule of rulesOf("view")) expect(rulesOf("edit")).toContainEqual(rule);
    for (const rule of rulesOf("edit")) expect(rulesOf("admin")).toContainEqual(rule);
    expect(planAggregation(cluster.list<Role>(resources.clusterRoles))).toEqual([]);
    await bind("anna", "a", "ClusterRole", "view", anna);
    expect(may(person("anna"), "GET", "/apis/apps/v1/namespaces/a/deployments")).toBe(true);
    expect(may(person("anna"), "GET", "/api/v1/namespaces/a/secrets")).toBe(false);
    await role("more", "", { verbs: ["get"], apiGroups: ["x.example"], resources: ["things"] });
    const more = cluster.get<Role>(resources.clusterRoles, "", "more");
    const labels = { "rbac.authorization.k8s.io/aggregate-to-view": "true" };
    if (more) await cluster.update<Role>(resources.clusterRoles, { ...more, metadata: { ...more.metadata, labels } });
    await aggregateRoles(cluster);
    expect(may(person("anna"), "GET", "/apis/x.example/v1/namespaces/a/things/t")).toBe(true);
  });

  it("are repaired at a start, keep what was added, and are left alone when they say so", async () => {
    await ensureBootstrapRoles(cluster);
    const before = cluster.writes;
    const edit = async (name: string, change: (role: Role) => Role) => {
      const stored = cluster.get<Role>(resources.clusterRoles, "", name);
      if (stored) await cluster.update<Role>(resources.clusterRoles, change(stored));
    };
    const extra = { verbs: ["get"], apiGroups: ["x"], resources: ["y"] };
    await edit("system:basic-user", (stored) => ({ ...stored, rules: [extra] }));
    const annotations = { "rbac.authorization.kubernetes.io/autoupdate": "false" };
    await edit("system:discovery", (stored) => ({ ...stored, metadata: { ...stored.metadata, annotations }, rules: [] }));
    await cluster.delete(resources.clusterRoleBindings, "", "system:node");
    await ensureBootstrapRoles(cluster);
    expect(rulesOf("system:basic-user")).toContainEqual(extra);
    expect(rulesOf("system:basic-user").length).toBeGreaterThan(1);
    expect(rulesOf("system:discovery")).toEqual([]);
    expect(cluster.get(resources.clusterRoleBindings, "", "system:node")).toBeDefined();
    expect(cluster.writes).toBeGreaterThan(before);
    const settled = cluster.writes;
    await ensureBootstrapRoles(cluster);
    expect(cluster.writes).toBe(settled);
  });
});

describe("the cost of a decision", () => {
  it("does not grow with the bindings of others", async () => {
    await role("reader", "", readPods);
    for (let index = 0; index < 3_000; index += 1) {
      await bind(`b${index}`, `ns-${index % 50}`, "ClusterRole", "reader", { kind: "User", name: `user-${index}` });
    }
    const looked = [...new RoleIndex(cluster).grantsOf(person("user-7"), "ns-7")];
    expect(looked.map(({ binding }) => binding.metadata.name)).toEqual(["b7"]);
  });
});
