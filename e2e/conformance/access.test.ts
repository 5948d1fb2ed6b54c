import { join } from "node:path";
import { CoreV1Api } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, startTestCluster, type TestCluster } from "./harness.ts";
import { type IdleNode, startIdleNode, startIdlePod } from "./idle-pods.ts";
import { findKubectls, type Kubectl, KubectlSession } from "./kubectl.ts";

const rbacGroup = "rbac.authorization.k8s.io";
let cluster: TestCluster;
let node: IdleNode;

beforeAll(async () => {
  cluster = await startTestCluster();
  node = await startIdleNode(cluster);
});

afterAll(async () => {
  await node?.stop();
  await cluster?.stop();
});

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
    const kubelet = new KubectlSession(kubectl, config, namespace);
    expect(await kubelet.refusal(["get", "pods", "--as", "anna"])).toContain(
      'users "anna" is forbidden: User "system:node:node-1" cannot impersonate resource "users" in API group "" at the cluster scope',
    );
    expect(await kubelet.refusal(["get", "pods", "--as", robot])).toContain(
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
    beforeAll(() => startIdlePod(cluster.config.makeApiClient(CoreV1Api), namespace, "idle"));

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
