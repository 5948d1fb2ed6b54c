import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import {
  type ApiException,
  AuthenticationV1Api,
  AuthorizationV1Api,
  CoordinationV1Api,
  CoreV1Api,
  Exec,
  KubeConfig,
  RbacAuthorizationV1Api,
  type V1Status,
} from "@kubernetes/client-node";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, startTestCluster, type TestCluster } from "./harness.ts";
import { type IdleNode, startIdleNode, startIdlePod } from "./idle-pods.ts";
import { findKubectls, KubectlSession } from "./kubectl.ts";

const rbacGroup = "rbac.authorization.k8s.io";
const issuer = "https://kubernetes.default.svc.cluster.local";
let cluster: TestCluster;
let idle: IdleNode;
let core: CoreV1Api;

beforeAll(async () => {
  cluster = await startTestCluster();
  core = cluster.config.makeApiClient(CoreV1Api);
  idle = await startIdleNode(cluster);
});

afterAll(async () => {
  await idle?.stop();
  await cluster?.stop();
});

/** The client of somebody else: a token of his own, the cluster's address and authority. */
function configFor(token: string): KubeConfig {
  const config = new KubeConfig();
  const known = cluster.config.getCurrentCluster();
  if (!known) throw new Error("the kubeconfig names no cluster");
  config.loadFromClusterAndUser(known, { name: "somebody", token });
  return config;
}

async function refusalOf(promise: Promise<unknown>): Promise<{ code: number; reason: string; message: string }> {
  try {
    await promise;
  } catch (error) {
    return JSON.parse((error as ApiException<string>).body);
  }
  throw new Error("the call succeeded");
}

describe("access through the client library", () => {
  const namespace = "access-library";
  const robot = `system:serviceaccount:${namespace}:robot`;
  let rbac: RbacAuthorizationV1Api;
  let authentication: AuthenticationV1Api;
  let authorization: AuthorizationV1Api;

  async function tokenOf(name: string, spec: { audiences?: string[]; boundObjectRef?: object } = {}): Promise<string> {
    const body = { spec: { audiences: [], ...spec } };
    const { status } = await core.createNamespacedServiceAccountToken({ name, namespace, body });
    return status?.token ?? "";
  }

  beforeAll(async () => {
    rbac = cluster.config.makeApiClient(RbacAuthorizationV1Api);
    authentication = cluster.config.makeApiClient(AuthenticationV1Api);
    authorization = cluster.config.makeApiClient(AuthorizationV1Api);
    await core.createNamespace({ body: { metadata: { name: namespace } } });
    await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: "robot" } } });
  });

  it("a service account has nothing, then what a binding gives, then nothing again", async () => {
    const own = configFor(await tokenOf("robot")).makeApiClient(CoreV1Api);
    expect(await refusalOf(own.listNamespacedPod({ namespace }))).toMatchObject({
      code: 403,
      reason: "Forbidden",
      message: `pods is forbidden: User "${robot}" cannot list resource "pods" in API group "" in the namespace "${namespace}"`,
    });
    await rbac.createNamespacedRoleBinding({
      namespace,
      body: {
        metadata: { name: "view" },
        roleRef: { apiGroup: rbacGroup, kind: "ClusterRole", name: "view" },
        subjects: [{ kind: "ServiceAccount", name: "robot", namespace }],
      },
    });
    expect((await own.listNamespacedPod({ namespace })).kind).toBe("PodList");
    await rbac.deleteNamespacedRoleBinding({ namespace, name: "view" });
    expect(await refusalOf(own.listNamespacedPod({ namespace }))).toMatchObject({ code: 403 });
  });

  it("SubjectAccessReview answers for others, with the reason", async () => {
    const resourceAttributes = { namespace, verb: "create", resource: "pods", subresource: "exec" };
    const ask = async (groups: string[]) =>
      (await authorization.createSubjectAccessReview({ body: { spec: { user: "anna", groups, resourceAttributes } } })).status;
    expect(await ask([])).toEqual({ allowed: false });
    expect(await ask(["system:masters"])).toEqual({ allowed: true });
    const nonResourceAttributes = { verb: "get", path: "/version" };
    const spec = { user: "anna", groups: ["system:authenticated"], nonResourceAttributes };
    expect((await authorization.createSubjectAccessReview({ body: { spec } })).status).toEqual({
      allowed: true,
      reason: expect.stringMatching(/^RBAC: allowed by ClusterRoleBinding "system:/),
    });
    const both = { user: "anna", nonResourceAttributes, resourceAttributes };
    expect(await refusalOf(authorization.createSubjectAccessReview({ body: { spec: both } }))).toMatchObject({ code: 422 });
  });

  it("LocalSubjectAccessReview keeps to its namespace", async () => {
    const spec = { user: "anna", resourceAttributes: { namespace: "default", verb: "get", resource: "pods" } };
    expect(await refusalOf(authorization.createNamespacedLocalSubjectAccessReview({ namespace, body: { spec } }))).toMatchObject({
      code: 422,
      message: expect.stringContaining('spec.resourceAttributes.namespace: Invalid value: "default": must match'),
    });
    spec.resourceAttributes.namespace = namespace;
    const answer = await authorization.createNamespacedLocalSubjectAccessReview({ namespace, body: { spec } });
    expect(answer.status?.allowed).toBe(false);
  });

  it("TokenReview tells whose a token is, and for whom it is meant", async () => {
    const token = await tokenOf("robot", { audiences: ["vault"] });
    const review = async (audiences: string[]) =>
      (await authentication.createTokenReview({ body: { spec: { token, audiences } } })).status;
    expect(await review(["vault"])).toMatchObject({
      authenticated: true,
      audiences: ["vault"],
      user: {
        username: robot,
        groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
      },
    });
    expect(await review([issuer])).toMatchObject({ error: "invalid bearer token" });
    const own = configFor(token).makeApiClient(CoreV1Api);
    await expect(own.listNamespacedPod({ namespace })).rejects.toMatchObject({ code: 401 });
  });

  it("a token can be checked with the keys that the cluster publishes", async () => {
    const token = await tokenOf("robot", { audiences: ["vault"] });
    const raw = async (path: string) => {
      const kubectl = findKubectls()[0];
      if (!kubectl) throw new Error("there is no kubectl");
      return JSON.parse(await new KubectlSession(kubectl, cluster.kubeconfigPath, namespace).run(["get", "--raw", path]));
    };
    const discovery = (await raw("/.well-known/openid-configuration")) as { issuer: string; jwks_uri: string };
    expect(discovery).toMatchObject({ issuer, jwks_uri: `${cluster.address}/openid/v1/jwks` });
    const keys = createLocalJWKSet((await raw("/openid/v1/jwks")) as JSONWebKeySet);
    const { payload } = await jwtVerify(token, keys, { issuer, audience: "vault" });
    expect(payload).toMatchObject({ sub: robot, "kubernetes.io": { namespace, serviceaccount: { name: "robot" } } });
  });

  it("a token that is bound to a pod ends with the pod", async () => {
    await startIdlePod(core, namespace, "bound");
    const boundObjectRef = { kind: "Pod", apiVersion: "v1", name: "bound" };
    expect(await refusalOf(tokenOf("robot", { boundObjectRef }))).toMatchObject({
      code: 400,
      message: 'cannot bind token for serviceaccount "robot" to pod running with different serviceaccount name.',
    });
    const token = await tokenOf("default", { boundObjectRef });
    const status = async () => (await authentication.createTokenReview({ body: { spec: { token } } })).status;
    expect((await status())?.user?.extra).toMatchObject({
      "authentication.kubernetes.io/pod-name": ["bound"],
      "authentication.kubernetes.io/node-name": ["node-1"],
    });
    await core.deleteNamespacedPod({ namespace, name: "bound", gracePeriodSeconds: 0 });
    expect((await status())?.authenticated).toBeFalsy();
  });

  it("a Secret for a service account's token is filled, and ends with the account", async () => {
    await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: "keeper" } } });
    const annotations = { "kubernetes.io/service-account.name": "keeper" };
    const body = { type: "kubernetes.io/service-account-token", metadata: { name: "keeper-token", annotations } };
    await core.createNamespacedSecret({ namespace, body });
    const read = async () => (await core.readNamespacedSecret({ namespace, name: "keeper-token" })).data?.token;
    const token = Buffer.from(await eventually(read, "the Secret has a token"), "base64").toString();
    const status = async () => (await authentication.createTokenReview({ body: { spec: { token } } })).status;
    expect((await status())?.user?.username).toBe(`system:serviceaccount:${namespace}:keeper`);
    await core.deleteNamespacedServiceAccount({ namespace, name: "keeper" });
    expect((await status())?.authenticated).toBeFalsy();
    const isGone = async () =>
      !(await core.listNamespacedSecret({ namespace })).items.some(({ metadata }) => metadata?.name === "keeper-token");
    await eventually(isGone, "the Secret is gone");
  });

  it("every namespace gets its service account", async () => {
    await core.createNamespace({ body: { metadata: { name: "access-fresh" } } });
    const names = async () =>
      (await core.listNamespacedServiceAccount({ namespace: "access-fresh" })).items.map(({ metadata }) => metadata?.name);
    await eventually(async () => (await names()).includes("default"), "the service account default exists");
  });

  it("a kubelet may write its own Node, lease and pods alone", async () => {
    const config = new KubeConfig();
    config.loadFromFile(join(cluster.dataDir, "kubelet-node-1.kubeconfig"));
    const node = config.makeApiClient(CoreV1Api);
    await core.createNode({ body: { metadata: { name: "stranger" } } });
    const patch = [{ op: "add", path: "/metadata/labels", value: { a: "b" } }];
    expect(await refusalOf(node.patchNode({ name: "stranger", body: patch }))).toMatchObject({
      code: 403,
      message: 'nodes "stranger" is forbidden: node "node-1" is not allowed to modify node "stranger"',
    });
    expect(await refusalOf(node.createNode({ body: { metadata: { name: "invented" } } }))).toMatchObject({ code: 403 });
    const spec = { nodeName: "stranger", containers: [{ name: "main", image: "demo/idle:1.0.0" }] };
    await core.createNamespacedPod({ namespace, body: { metadata: { name: "foreign" }, spec } });
    expect(await refusalOf(node.deleteNamespacedPod({ namespace, name: "foreign" }))).toMatchObject({
      message: 'pods "foreign" is forbidden: node "node-1" can only delete pods with spec.nodeName set to itself',
    });
    const leases = config.makeApiClient(CoordinationV1Api);
    const lease = { namespace: "kube-node-lease", body: { metadata: { name: "stranger" } } };
    expect(await refusalOf(leases.createNamespacedLease(lease))).toMatchObject({ code: 403 });
    expect(await refusalOf(node.listSecretForAllNamespaces())).toMatchObject({ code: 403 });
    await core.deleteNode({ name: "stranger" });
  });

  it("the proxy reads services and endpoints, and no secrets", async () => {
    const config = new KubeConfig();
    config.loadFromFile(join(cluster.dataDir, "proxy.kubeconfig"));
    const proxy = config.makeApiClient(CoreV1Api);
    expect((await proxy.listServiceForAllNamespaces()).kind).toBe("ServiceList");
    expect(await refusalOf(proxy.listSecretForAllNamespaces())).toMatchObject({
      message:
        'secrets is forbidden: User "system:kube-proxy" cannot list resource "secrets" in API group "" at the cluster scope',
    });
  });

  it("Exec of the library gets both outputs, feeds the input and tells the exit code", async () => {
    await startIdlePod(core, namespace, "shell");
    const collect = (stream: PassThrough) => {
      const seen = { text: "" };
      stream.on("data", (chunk: Buffer) => {
        seen.text += chunk.toString();
      });
      return seen;
    };
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const [out, err] = [collect(stdout), collect(stderr)];
    const command = ["sh", "-c", 'read line; echo "got $line"; echo problem >&2; exit 3'];
    const status = await new Promise<V1Status>((resolve, reject) => {
      const input = Readable.from(["hello\n"]);
      new Exec(cluster.config).exec(namespace, "shell", "main", command, stdout, stderr, input, false, resolve).catch(reject);
    });
    expect(status).toMatchObject({ status: "Failure", reason: "NonZeroExitCode" });
    expect(status.details?.causes).toEqual([{ reason: "ExitCode", message: "3" }]);
    expect([out.text, err.text]).toEqual(["got hello\n", "problem\n"]);
  });

  it("the audit log tells who did what, with what result, and no secret", async () => {
    const secret = { metadata: { name: "hidden" }, stringData: { password: "correct-horse" } };
    await core.createNamespacedSecret({ namespace, body: secret });
    const own = configFor(await tokenOf("robot")).makeApiClient(CoreV1Api);
    await refusalOf(own.deleteNamespacedSecret({ namespace, name: "hidden" }));
    const events = async () => {
      const text = await readFile(join(cluster.dataDir, "audit.log"), "utf8");
      expect(text).not.toContain("correct-horse");
      return text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
    };
    const find = async (verb: string) =>
      (await events()).find((event) => event.verb === verb && event.objectRef?.name === "hidden");
    expect(await eventually(() => find("create"), "the creation is in the audit log")).toMatchObject({
      apiVersion: "audit.k8s.io/v1",
      level: "Metadata",
      stage: "ResponseComplete",
      user: { username: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] },
      objectRef: { resource: "secrets", namespace, name: "hidden", apiVersion: "v1" },
      responseStatus: { code: 201 },
    });
    expect(await eventually(() => find("delete"), "the refused deletion is in the audit log")).toMatchObject({
      user: { username: robot },
      responseStatus: { code: 403, reason: "Forbidden" },
      annotations: { "authorization.k8s.io/decision": "forbid" },
    });
    const execs = (await events()).filter((event) => event.objectRef?.subresource === "exec");
    expect(execs.some(({ responseStatus }) => responseStatus.code === 101)).toBe(true);
  });
});
