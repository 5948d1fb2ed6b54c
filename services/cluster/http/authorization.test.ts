import type { IncomingMessage } from "node:http";
import { beforeEach, describe, expect, it } from "vitest";
import { Authenticator } from "../access/authenticator.ts";
import { Authorizer } from "../access/authorizer.ts";
import { RoleIndex } from "../access/role-index.ts";
import type { PolicyRule } from "../access/rules.ts";
import type { ServiceAccountTokens } from "../access/service-account-tokens.ts";
import { resources } from "../api.ts";
import { MemoryCluster } from "../controllers/test/memory-cluster.ts";
import { Identities } from "../pki/identities.ts";
import { Gate } from "./authorization.ts";

const anna = { name: "anna", groups: ["system:authenticated"] };
let gate: Gate;
let cluster: MemoryCluster;

beforeEach(async () => {
  cluster = new MemoryCluster({ now: () => new Date(0) });
  const identities = new Identities();
  identities.add({ name: "anna", groups: [] }, "secret");
  const tokens = { verify: async () => undefined } as unknown as ServiceAccountTokens;
  gate = new Gate(new Authenticator(identities, tokens), new Authorizer(new RoleIndex(cluster)), cluster);
  await allow({ verbs: ["impersonate"], apiGroups: [""], resources: ["users"], resourceNames: ["bert"] });
});

/** Gives anna one more rule in the whole cluster. */
async function allow(rule: PolicyRule): Promise<void> {
  const name = `r${cluster.writes}`;
  const apiVersion = "rbac.authorization.k8s.io/v1";
  await cluster.create(resources.clusterRoles, { apiVersion, kind: "ClusterRole", metadata: { name }, rules: [rule] });
  await cluster.create(resources.clusterRoleBindings, {
    apiVersion,
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef: { kind: "ClusterRole", name },
    subjects: [{ kind: "User", name: "anna" }],
  });
}

function request(headers: Record<string, string | string[]>): IncomingMessage {
  const distinct = Object.entries(headers).map(([name, value]) => [name, [value].flat()]);
  return { headers, headersDistinct: Object.fromEntries(distinct) } as unknown as IncomingMessage;
}

const impersonate = (headers: Record<string, string | string[]>) => () => gate.impersonate(anna, request(headers));

describe("authentication", () => {
  it("takes a bearer token and nothing else", async () => {
    expect(await gate.authenticate(request({ authorization: "Bearer secret" }))).toEqual(anna);
    for (const authorization of ["", "secret", "Basic secret", "Bearer wrong", "Bearer a.b.c"]) {
      await expect(gate.authenticate(request({ authorization }))).rejects.toMatchObject({ code: 401, message: "Unauthorized" });
    }
  });
});

describe("impersonation", () => {
  it("makes the caller the other one, and forgets his own groups", () => {
    expect(impersonate({})()).toBe(anna);
    expect(impersonate({ "impersonate-user": "bert" })()).toEqual({ name: "bert", groups: ["system:authenticated"] });
  });

  it("needs the verb for the user, for each group, for the uid and for each extra value", async () => {
    expect(impersonate({ "impersonate-user": "carl" })).toThrow(
      'users "carl" is forbidden: User "anna" cannot impersonate resource "users" in API group "" at the cluster scope',
    );
    const all = {
      "impersonate-user": "bert",
      "impersonate-group": ["crew", "watch"],
      "impersonate-uid": "7",
      "impersonate-extra-scopes": "read",
    };
    expect(impersonate(all)).toThrow('groups "crew" is forbidden');
    await allow({ verbs: ["impersonate"], apiGroups: [""], resources: ["groups"], resourceNames: ["crew"] });
    expect(impersonate(all)).toThrow('groups "watch" is forbidden');
    await allow({ verbs: ["impersonate"], apiGroups: [""], resources: ["groups"] });
    expect(impersonate(all)).toThrow('uids.authentication.k8s.io "7" is forbidden');
    await allow({ verbs: ["impersonate"], apiGroups: ["authentication.k8s.io"], resources: ["uids"] });
    expect(impersonate(all)).toThrow('cannot impersonate resource "userextras/scopes" in API group "authentication.k8s.io"');
    await allow({ verbs: ["impersonate"], apiGroups: ["authentication.k8s.io"], resources: ["userextras/scopes"] });
    expect(impersonate(all)()).toEqual({
      name: "bert",
      groups: ["crew", "watch", "system:authenticated"],
      uid: "7",
      extra: { scopes: ["read"] },
    });
  });

  it("of a service account is a right on the account, and brings its groups", async () => {
    const headers = { "impersonate-user": "system:serviceaccount:a:robot" };
    expect(impersonate(headers)).toThrow('cannot impersonate resource "serviceaccounts" in API group "" in the namespace "a"');
    await allow({ verbs: ["impersonate"], apiGroups: [""], resources: ["serviceaccounts"] });
    expect(impersonate(headers)().groups).toEqual(["system:serviceaccounts", "system:serviceaccounts:a", "system:authenticated"]);
  });

  it("of groups alone is refused", () => {
    expect(impersonate({ "impersonate-group": "crew" })).toThrow("without impersonating a user");
  });
});
