import type { ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
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
  type V1Pod,
  type V1Status,
} from "@kubernetes/client-node";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { end, eventually, startKubelet, startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, type Kubectl, KubectlSession } from "./kubectl.ts";

let cluster: TestCluster;
let imagesDir: string;
let kubelet: ChildProcess;
let core: CoreV1Api;

const rbacGroup = "rbac.authorization.k8s.io";
const issuer = "https://kubernetes.default.svc.cluster.local";

beforeAll(async () => {
  cluster = await startTestCluster();
  core = cluster.config.makeApiClient(CoreV1Api);
  imagesDir = await mkdtemp(join(tmpdir(), "switchyard-images-"));
  const script = "trap 'exit 0' TERM; while true; do sleep 1 & wait $!; done";
  const image = { name: "demo/idle", command: ["/bin/sh", "-c", script], tags: { "1.0.0": {} } };
  await writeFile(join(imagesDir, "idle.json"), JSON.stringify(image));
  kubelet = startKubelet(cluster, "node-1", imagesDir);
});

afterAll(async () => {
  if (kubelet) await end(kubelet, "SIGTERM");
  await cluster?.stop();
  if (imagesDir) await rm(imagesDir, { recursive: true, force: true });
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

async function idlePod(namespace: string, name: string): Promise<void> {
  const body: V1Pod = {
    metadata: { name },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        { name: "main", image: "demo/idle:1.0.0" },
        { name: "side", image: "demo/idle:1.0.0", env: [{ name: "ROLE", value: "side" }] },
      ],
    },
  };
  await core.createNamespacedPod({ namespace, body });
  const isReady = async () => {
    const { status } = await core.readNamespacedPod({ namespace, name });
    return status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True");
  };
  await eventually(isReady, `${namespace}/${name} is ready`, 60_000);
}

describe.each(findKubectls())("access through kubectl $version", (kubectl: Kubectl) => {
  const namespace = `access-${kubectl.minor}`;
  const elsewhere = `${namespace}-other`;
  const robot = `system:serviceaccount:${namespace}:robot`;
  /** Users of bindings for the whole cluster, which all kubectls share. */
  const [erna, hans] = [`erna-${kubectl.minor}`, `hans-${kubectl.minor}`];
  let k: KubectlSession;

  beforeAll(async () => {
    k = new KubectlSession(kubectl, cluster.kubeconfigPath, namespace);
    await k.run(["create", "namespace", namespace]);
    await k.run(["create", "namespace", elsewhere]);
    await k.run(["create", "serviceaccount", "robot"]);
    await k.run(["create", "role", "reader", "--verb=get,list", "--resource=pods,deployments.apps"]);
    await k.run(["create", "rolebinding", "readers", "--role=reader", `--serviceaccount=${namespace}:robot`]);
  });

  it("lets members of system:masters do everything", async () => {
    expect(await k.run(["auth", "can-i", "*", "*", "--all-namespaces"])).toBe("yes\n");
    expect(await k.run(["auth", "can-i", "--list"])).toMatch(/^\*\.\*\s+\[\]\s+\[\]\s+\[\*\]$/m);
  });

  it("gives a service account what a Role in the namespace gives, there and nowhere else", async () => {
    expect(await k.run(["auth", "can-i", "list", "pods", "--as", robot])).toBe("yes\n");
    const refused = await k.try(["auth", "can-i", "delete", "pods", "--as", robot]);
    expect(refused).toMatchObject({ code: 1, stdout: "no\n" });
    expect((await k.try(["auth", "can-i", "list", "pods", "-n", elsewhere, "--as", robot])).stdout).toBe("no\n");
    expect((await k.try(["auth", "can-i", "get", "pods", "--subresource=log", "--as", robot])).stdout).toBe("no\n");
  });

  it("refuses in the words of Kubernetes", async () => {
    expect(await k.refusal(["get", "deployments.apps", "-n", elsewhere, "--as", robot])).toBe(
      `Error from server (Forbidden): deployments.apps is forbidden: User "${robot}" cannot list resource "deployments" in API group "apps" in the namespace "${elsewhere}"\n`,
    );
    expect(await k.refusal(["get", "nodes", "--as", robot])).toContain(
      `nodes is forbidden: User "${robot}" cannot list resource "nodes" in API group "" at the cluster scope`,
    );
    expect(await k.refusal(["delete", "pod", "x", "--as", robot])).toContain(
      `pods "x" is forbidden: User "${robot}" cannot delete resource "pods" in API group "" in the namespace "${namespace}"`,
    );
  });

  it("lists what somebody may do", async () => {
    const list = await k.run(["auth", "can-i", "--list", "--as", robot]);
    expect(list).toMatch(/^pods\s+\[\]\s+\[\]\s+\[get list\]$/m);
    expect(list).toMatch(/^deployments\.apps\s+\[\]\s+\[\]\s+\[get list\]$/m);
    expect(list).toMatch(/^selfsubjectaccessreviews\.authorization\.k8s\.io\s+\[\]\s+\[\]\s+\[create\]$/m);
    expect(list).toMatch(/^\s+\[\/version\]\s+\[\]\s+\[get\]$/m);
    expect(list).not.toContain("secrets");
  });

  it("lets users with the verb act as others and as members of groups, and nobody else", async () => {
    await k.run(["get", "nodes", "--as", "anna", "--as-group", "system:masters"]);
    await k.run(["create", "clusterrolebinding", `${namespace}-group`, "--clusterrole=view", `--group=${namespace}-crew`]);
    expect(await k.run(["auth", "can-i", "list", "services", "--as", "anna", "--as-group", `${namespace}-crew`])).toBe("yes\n");
    const config = join(cluster.dataDir, "kubelet-node-1.kubeconfig");
    const node = new KubectlSession(kubectl, config, namespace);
    expect(await node.refusal(["get", "pods", "--as", "anna"])).toContain(
      'users "anna" is forbidden: User "system:node:node-1" cannot impersonate resource "users" in API group "" at the cluster scope',
    );
    expect(await node.refusal(["get", "pods", "--as", robot])).toContain(
      `serviceaccounts "robot" is forbidden: User "system:node:node-1" cannot impersonate resource "serviceaccounts"`,
    );
  });

  it("honours resourceNames", async () => {
    await k.run(["create", "secret", "generic", "mine", "--from-literal=a=b"]);
    await k.run(["create", "role", "one-secret", "--verb=get", "--resource=secrets", "--resource-name=mine"]);
    await k.run(["create", "rolebinding", "one-secret", "--role=one-secret", "--user=carl"]);
    expect(await k.run(["get", "secret", "mine", "-o", "name", "--as", "carl"])).toBe("secret/mine\n");
    expect(await k.refusal(["get", "secret", "other", "--as", "carl"])).toContain('secrets "other" is forbidden');
    expect(await k.refusal(["get", "secrets", "--as", "carl"])).toContain("secrets is forbidden");
  });

  it("honours subresources on their own", async () => {
    await k.run(["create", "role", "scaler", "--verb=get,update,patch", "--resource=deployments.apps/scale"]);
    await k.run(["create", "rolebinding", "scaler", "--role=scaler", "--user=dora"]);
    expect(await k.run(["auth", "can-i", "update", "deployments.apps", "--subresource=scale", "--as", "dora"])).toBe("yes\n");
    expect((await k.try(["auth", "can-i", "update", "deployments.apps", "--as", "dora"])).stdout).toBe("no\n");
  });

  it("honours nonResourceURLs", async () => {
    expect(await k.run(["get", "--raw", "/apis", "--as", erna])).toContain("APIGroupList");
    expect(await k.refusal(["get", "--raw", "/openid/v1/jwks", "--as", erna])).toContain(
      `forbidden: User "${erna}" cannot get path "/openid/v1/jwks"`,
    );
    await k.run(["create", "clusterrole", `${namespace}-jwks`, "--verb=get", "--non-resource-url=/openid/*"]);
    await k.run(["create", "clusterrolebinding", `${namespace}-jwks`, `--clusterrole=${namespace}-jwks`, `--user=${erna}`]);
    expect(await k.run(["get", "--raw", "/openid/v1/jwks", "--as", erna])).toContain('"kty":"EC"');
  });

  it("lets nobody grant what he does not have", async () => {
    await k.run(["create", "rolebinding", "boss", "--clusterrole=admin", "--user=fred"]);
    await k.run(["create", "role", "fine", "--verb=get", "--resource=pods", "--as", "fred"]);
    const refusal = await k.refusal(["create", "role", "much", "--verb=update", "--resource=nodes", "--as", "fred"]);
    expect(refusal).toContain(
      'roles.rbac.authorization.k8s.io "much" is forbidden: user "fred" (groups=["system:authenticated"])',
    );
    expect(refusal).toContain('{APIGroups:[""], Resources:["nodes"], Verbs:["update"]}');
    const bind = ["create", "rolebinding", "root", "--clusterrole=cluster-admin", "--user=fred", "--as", "fred"];
    expect(await k.refusal(bind)).toContain("is attempting to grant RBAC permissions not currently held");
    await k.run(["create", "rolebinding", "looker", "--clusterrole=view", "--user=gerd", "--as", "fred"]);
    expect(await k.run(["auth", "can-i", "list", "pods", "--as", "gerd"])).toBe("yes\n");
  });

  it("collects the rules of ClusterRoles by their labels", async () => {
    const label = `${namespace}.example/part`;
    const aggregated = {
      apiVersion: `${rbacGroup}/v1`,
      kind: "ClusterRole",
      metadata: { name: `${namespace}-sum` },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [label]: "true" } }] },
    };
    await k.run(["apply", "-f", "-"], JSON.stringify(aggregated));
    await k.run(["create", "clusterrole", `${namespace}-part`, "--verb=get", "--resource=configmaps"]);
    await k.run(["create", "clusterrolebinding", `${namespace}-sum`, `--clusterrole=${namespace}-sum`, `--user=${hans}`]);
    expect((await k.try(["auth", "can-i", "get", "configmaps", "--as", hans])).stdout).toBe("no\n");
    await k.run(["label", "clusterrole", `${namespace}-part`, `${label}=true`]);
    const may = async () => (await k.try(["auth", "can-i", "get", "configmaps", "--as", hans])).stdout === "yes\n";
    await eventually(may, "the rule has arrived in the aggregated role");
  });

  it("reconciles roles from a file", async () => {
    const role = (verbs: string[]) => ({
      apiVersion: `${rbacGroup}/v1`,
      kind: "Role",
      metadata: { name: "kept", namespace },
      rules: [{ apiGroups: [""], resources: ["events"], verbs }],
    });
    await k.run(["auth", "reconcile", "-f", "-"], JSON.stringify(role(["get"])));
    await k.run(["auth", "reconcile", "-f", "-"], JSON.stringify(role(["list"])));
    const { rules } = await k.json<{ rules: { verbs: string[] }[] }>(["get", "role", "kept"]);
    expect(rules.flatMap(({ verbs }) => verbs).sort()).toEqual(["get", "list"]);
  });

  it("takes rights away at once when a binding is deleted", async () => {
    await k.run(["create", "rolebinding", "brief", "--clusterrole=view", "--user=ida"]);
    expect(await k.run(["auth", "can-i", "list", "pods", "--as", "ida"])).toBe("yes\n");
    await k.run(["delete", "rolebinding", "brief"]);
    expect((await k.try(["auth", "can-i", "list", "pods", "--as", "ida"])).stdout).toBe("no\n");
  });

  it.runIf(kubectl.minor >= 24)("makes tokens of service accounts, which end with the account", async () => {
    await k.run(["create", "serviceaccount", "brief"]);
    await k.run(["create", "rolebinding", "brief-view", "--clusterrole=view", `--serviceaccount=${namespace}:brief`]);
    const token = (await k.run(["create", "token", "brief", "--duration=10m"])).trim();
    await k.run(["get", "pods", "--token", token]);
    await k.run(["delete", "serviceaccount", "brief"]);
    const refusal = await k.refusal(["get", "pods", "--token", token]);
    expect(refusal).toContain("You must be logged in to the server");
  });

  it.runIf(kubectl.minor >= 24)("refuses tokens for less than ten minutes and for accounts that do not exist", async () => {
    expect(await k.refusal(["create", "token", "robot", "--duration=10s"])).toContain(
      "spec.expirationSeconds: Invalid value: 10: may not specify a duration less than 10 minutes",
    );
    expect(await k.refusal(["create", "token", "nobody"])).toContain('serviceaccounts "nobody" not found');
  });

  it.runIf(kubectl.minor >= 28)("tells somebody who he is", async () => {
    expect(await k.run(["auth", "whoami"])).toMatch(
      /Username\s+kubernetes-admin\nGroups\s+\[system:masters system:authenticated\]/,
    );
    const token = (await k.run(["create", "token", "robot"])).trim();
    const who = await k.run(["auth", "whoami", "--token", token]);
    expect(who).toMatch(new RegExp(`Username\\s+${robot}\n`));
    expect(who).toContain(`[system:serviceaccounts system:serviceaccounts:${namespace} system:authenticated]`);
  });

  describe("exec", () => {
    beforeAll(() => idlePod(namespace, "idle"));

    it.runIf(kubectl.minor >= 31)("runs a command with its output, its errors and its exit code", async () => {
      const outcome = await k.try(["exec", "idle", "-c", "main", "--", "sh", "-c", "echo out; echo err >&2; exit 7"]);
      expect(outcome.code).toBe(7);
      expect(outcome.stdout).toBe("out\n");
      expect(outcome.stderr).toBe("err\ncommand terminated with exit code 7\n");
    });

    it.runIf(kubectl.minor >= 31)("hands standard input on, and its end", async () => {
      const text = `${"0123456789abcdef".repeat(20_000)}\n`;
      expect(await k.run(["exec", "-i", "idle", "-c", "main", "--", "cat"], text)).toBe(text);
    });

    it.runIf(kubectl.minor >= 31)("runs in the container that was asked for", async () => {
      expect(await k.run(["exec", "idle", "-c", "side", "--", "sh", "-c", "echo $ROLE"])).toBe("side\n");
      expect(await k.refusal(["exec", "idle", "-c", "none", "--", "true"])).toContain("container none is not valid for pod idle");
    });

    it.runIf(kubectl.minor >= 31)("says that a program or a pod does not exist", async () => {
      expect(await k.refusal(["exec", "idle", "-c", "main", "--", "no-such-program"])).toContain("no-such-program");
      expect(await k.refusal(["exec", "nowhere", "--", "true"])).toContain('pods "nowhere" not found');
    });

    it.runIf(kubectl.minor < 30)("asks users of SPDY for a newer kubectl", async () => {
      expect(await k.refusal(["exec", "idle", "-c", "main", "--", "true"])).toContain("use kubectl 1.31 or newer");
    });

    it("needs the right to create pods/exec", async () => {
      expect(await k.refusal(["exec", "idle", "-c", "main", "--as", robot, "--", "true"])).toContain(
        `pods "idle" is forbidden: User "${robot}" cannot create resource "pods/exec" in API group "" in the namespace "${namespace}"`,
      );
    });

    it("does not serve attach and port-forward", async () => {
      expect(await k.refusal(["attach", "idle", "-c", "main"])).toContain("the server could not find the requested resource");
      expect(await k.refusal(["port-forward", "idle", "18080:80"])).toContain("the server could not find the requested resource");
    });
  });
});

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
    await idlePod(namespace, "bound");
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
    await idlePod(namespace, "shell");
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
