import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { startWorkloads, stopWorkloads } from "#lib/domain/recovery/restores/stopping.ts";
import { discoverContents } from "#lib/domain/recovery/sources/discover.ts";
import { logsPart } from "#lib/domain/recovery/sources/logs.ts";
import type { ManifestObject } from "#lib/domain/recovery/sources/object-form.ts";
import { objectKinds } from "#lib/domain/recovery/sources/object-kinds.ts";
import { objectsFactsSchema, objectsPart, readObjectFile } from "#lib/domain/recovery/sources/objects.ts";
import { applyObjects } from "#lib/domain/recovery/sources/objects-apply.ts";
import { proveObjects } from "#lib/domain/recovery/sources/objects-proof.ts";
import { serviceWithAll } from "#lib/domain/recovery/sources/test-objects.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { connectKubernetes } from "#lib/kubernetes/connection.ts";
import { type Pod, paths, type Workload } from "#lib/kubernetes/objects.ts";
import { CertificateAuthority } from "#lib/runtime/certificates.ts";
import { eventually, startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, type Kubectl, KubectlSession } from "./kubectl.ts";

/** deploy/rbac: what Switchyard's account may do is enough for backups, proofs, restores and drills, where it is bound and nowhere else. */

const folder = fileURLToPath(new URL("../../deploy/rbac", import.meta.url));
const read = ["get", "list"];

type Rule = { apiGroups: string[]; resources: string[]; verbs: string[] };
type Role = { kind: string; metadata: { name: string }; rules: Rule[] };

const roles = parseAllDocuments(readFileSync(join(folder, "roles.yaml"), "utf8")).map((document) => document.toJS() as Role);
const rulesOf = (name: string) => roles.find(({ metadata }) => metadata.name === name)?.rules ?? [];
const allows = (rules: Rule[], group: string, resource: string, verb: string) =>
  rules.some(
    ({ apiGroups, resources, verbs }) => apiGroups.includes(group) && resources.includes(resource) && verbs.includes(verb),
  );

describe("the roles", () => {
  it.each(objectKinds.map(({ kind, apiVersion, plural }) => ({ kind, apiVersion, plural })))(
    "let $kind be read for backups and made and changed by restores",
    ({ apiVersion, plural }) => {
      const group = apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";
      for (const verb of read) expect(allows(rulesOf("switchyard-back-up"), group, plural, verb), verb).toBe(true);
      for (const verb of ["create", "patch"]) expect(allows(rulesOf("switchyard-restore"), group, plural, verb), verb).toBe(true);
    },
  );

  it("name every kind of a backup and no other, give no verb by a wildcard, and touch no rights", () => {
    const known = new Set<string>(objectKinds.map(({ plural }) => plural));
    for (const name of ["switchyard-back-up", "switchyard-restore"]) {
      const others = rulesOf(name).flatMap(({ resources }) => resources.filter((resource) => !known.has(resource)));
      expect(others).toEqual(name === "switchyard-back-up" ? ["pods", "pods/log"] : []);
    }
    const everything = roles.flatMap(({ rules }) => rules);
    expect(everything.flatMap(({ apiGroups, resources, verbs }) => [...apiGroups, ...resources, ...verbs])).not.toContain("*");
    expect(everything.flatMap(({ apiGroups }) => apiGroups)).not.toContain("rbac.authorization.k8s.io");
    expect(allows(rulesOf("switchyard-restore"), "", "secrets", "delete")).toBe(false);
  });
});

describe("the account", () => {
  let cluster: TestCluster;
  let admin: KubernetesClient;
  let account: KubernetesClient;
  const newest = findKubectls().reduce<Kubectl | undefined>((a, b) => (a && a.minor >= b.minor ? a : b), undefined);

  beforeAll(async () => {
    if (!newest) throw new Error("there is no kubectl on the PATH");
    cluster = await startTestCluster();
    admin = connectKubernetes({ kubeconfig: cluster.kubeconfigPath, inCluster: false });
    const path = cluster.kubeconfigPath;
    const [own, fleet, others] = ["switchyard", "fleet", "others"].map((name) => new KubectlSession(newest, path, name));
    await fleet?.run(["apply", "-f", fileURLToPath(new URL("../../deploy/demo/05-routes.yaml", import.meta.url))]);
    await own?.run(["apply", "-k", folder]);
    const { authority } = await CertificateAuthority.create("Test");
    const certificate = await authority.issue({ commonName: "relay", dnsNames: ["relay"], addresses: [] });
    await fleet?.run(["apply", "-f", "-"], serviceWithAll("fleet", certificate));
    await others?.run(["apply", "-f", "-"], serviceWithAll("others", certificate));
    await fleet?.run(["apply", "-f", join(folder, "fleet.yaml")]);
    const token = await admin.create<{ status: { token: string } }>(
      "/api/v1/namespaces/switchyard/serviceaccounts/switchyard/token",
      { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 3600 } },
    );
    account = connectKubernetes({ kubeconfig: await kubeconfigOf(cluster, token.status.token), inCluster: false });
  });
  afterAll(async () => {
    account?.close();
    admin?.close();
    await cluster?.stop();
  });

  const subject = (namespace: string) => ({ kind: "service", ref: { namespace, name: "relay" } }) as const;
  const signal = AbortSignal.timeout(120_000);
  const forbidden = { status: 403 };

  async function save(kubernetes: KubernetesClient, namespace: string) {
    const part = await objectsPart({ kubernetes }, subject(namespace)).open(signal);
    const objects: ManifestObject[] = [];
    for await (const file of part.files) objects.push(await readObjectFile(file.name, file.open(signal)));
    const facts = objectsFactsSchema.parse(await part.facts());
    await part.close();
    return { objects, facts };
  }

  it("sees the fleet of the whole cluster, and no Secret of it", async () => {
    for (const path of [
      paths.deployments,
      paths.statefulSets,
      paths.replicaSets,
      paths.controllerRevisions,
      paths.pods,
      paths.events,
    ]) {
      await account.list(path);
    }
    expect(await account.list(paths.nodes)).toEqual([]);
    await expect(account.list(paths.allConfig("Secret"))).rejects.toMatchObject(forbidden);
    await expect(account.get("/api/v1/namespaces/others/secrets/relay-secrets")).rejects.toMatchObject(forbidden);
    await expect(account.patch(paths.workload("Deployment", "others", "relay"), scaled(5))).rejects.toMatchObject(forbidden);
  });

  it("finds what a service's backup would hold, saves it with its logs, and proves it against the cluster", async () => {
    expect(await discoverContents({ kubernetes: account }, subject("fleet"))).toMatchObject({
      postgres: { address: { secret: "relay-secrets", key: "database-url" } },
      objects: true,
    });
    const { objects, facts } = await save(account, "fleet");
    const withRoute = await save(admin, "fleet");
    expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual(
      withRoute.objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    );
    const logs = await logsPart({ kubernetes: account }, subject("fleet"), 1).open(signal);
    for await (const file of logs.files) for await (const _ of file.open(signal));
    await logs.close();
    const checks = await proveObjects({ kubernetes: account }, objects, facts);
    expect(checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(checks.length).toBeGreaterThan(10);
    await expect(save(account, "others")).rejects.toMatchObject(forbidden);
  });

  it("restores in place what was changed and removed, and stops and starts what writes", async () => {
    const { objects } = await save(account, "fleet");
    await admin.patch(paths.workload("Deployment", "fleet", "relay"), scaled(1));
    for (const path of ["/api/v1/namespaces/fleet/services/relay", "/api/v1/namespaces/fleet/secrets/relay-secrets"]) {
      const { metadata } = await admin.get<{ metadata: { uid: string } }>(path);
      await admin.remove(path, metadata);
    }
    const changes = await applyObjects({ kubernetes: account }, objects, { namespace: "fleet" });
    const changed = changes.filter(({ change }) => change !== "same").map(({ kind, name, change }) => [change, kind, name]);
    expect(changed).toEqual([
      ["created", "Secret", "relay-secrets"],
      ["created", "Service", "relay"],
      ["changed", "Deployment", "relay"],
    ]);
    const stopped = [{ kind: "StatefulSet" as const, namespace: "fleet", name: "postgres", replicas: 1 }];
    await admin.patch(paths.workload("StatefulSet", "fleet", "postgres"), scaled(0));
    await eventually(async () => (await podsOf(admin, "postgres")).length === 0, "no pod of postgres is left");
    await stopWorkloads(account, stopped, signal);
    expect(await startWorkloads(account, stopped)).toEqual([]);
    const { spec } = await admin.get<Workload>(paths.workload("StatefulSet", "fleet", "postgres"));
    expect(spec.replicas).toBe(1);
  });

  it("strikes only where drills were allowed", async () => {
    const [pod] = await eventually(async () => {
      const pods = await podsOf(admin, "relay");
      return pods.length > 0 && pods;
    }, "the relay has pods");
    const path = paths.pod("fleet", pod?.metadata.name ?? "");
    const strike = () => account.remove(path, { uid: pod?.metadata.uid ?? "" }, { graceSeconds: 0 });
    const ask = () => account.proxy(paths.podProxy("fleet", pod?.metadata.name ?? "", 1, "/observations"), { method: "GET" });
    await expect(strike()).rejects.toMatchObject(forbidden);
    await expect(ask()).rejects.toMatchObject(forbidden);
    const fleet = new KubectlSession(newest as Kubectl, cluster.kubeconfigPath, "fleet");
    await fleet.run(["apply", "-f", join(folder, "drills.yaml")]);
    // It may ask; the pod has no node that could answer.
    await expect(ask()).rejects.not.toMatchObject(forbidden);
    await strike();
    await expect(admin.get(path)).rejects.toMatchObject({ status: 404 });
  });

  it("restores into a namespace that is not there when that was given, and removes one again", async () => {
    const { objects } = await save(account, "fleet");
    const restore = () => applyObjects({ kubernetes: account }, objects, { namespace: "rebuilt" });
    await expect(restore()).rejects.toMatchObject(forbidden);
    const kubectl = new KubectlSession(newest as Kubectl, cluster.kubeconfigPath, "default");
    await kubectl.run(["apply", "-f", join(folder, "elsewhere.yaml")]);
    const made = await restore();
    expect(new Set(made.map(({ change }) => change))).toEqual(new Set(["created"]));
    const { metadata } = await account.get<{ metadata: { uid: string } }>(paths.namespace("rebuilt"));
    await account.remove(paths.namespace("rebuilt"), metadata);
  });
});

const scaled = (replicas: number) => [{ op: "add" as const, path: "/spec/replicas", value: replicas }];

function podsOf(kubernetes: KubernetesClient, app: string): Promise<Pod[]> {
  return kubernetes.list<Pod>(paths.podsOf("fleet"), { labelSelector: `app=${app}` });
}

/** As the cluster's own, with a token in the place of the administrator's. */
async function kubeconfigOf({ config, dataDir }: TestCluster, token: string): Promise<string> {
  const path = join(dataDir, "account.kubeconfig");
  const server = config.getCurrentCluster();
  const entry = { server: server?.server, "certificate-authority-data": server?.caData, "certificate-authority": server?.caFile };
  const document = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "account",
    clusters: [
      { name: "account", cluster: Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined)) },
    ],
    users: [{ name: "account", user: { token } }],
    contexts: [{ name: "account", context: { cluster: "account", user: "account" } }],
  };
  await writeFile(path, JSON.stringify(document), { mode: 0o600 });
  return path;
}
