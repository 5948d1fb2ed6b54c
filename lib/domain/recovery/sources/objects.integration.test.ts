import { readFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import type { Workload } from "#lib/kubernetes/objects.ts";
import { paths } from "#lib/kubernetes/objects.ts";
import { TestCluster, until } from "#lib/kubernetes/test-cluster.ts";
import { CertificateAuthority } from "#lib/runtime/certificates.ts";
import { discoverContents } from "./discover.ts";
import type { ManifestObject } from "./object-form.ts";
import { objectPath } from "./object-kinds.ts";
import { findOne } from "./object-search.ts";
import { type ObjectsFacts, objectsFactsSchema, objectsPart, readObjectFile } from "./objects.ts";
import { applyObjects, planObjects } from "./objects-apply.ts";
import { proveObjects } from "./objects-proof.ts";
import { serviceWithAll } from "./test-objects.ts";

let cluster: TestCluster;
let kubernetes: KubernetesClient;
beforeAll(async () => {
  cluster = await TestCluster.start();
  kubernetes = cluster.client();
  await cluster.create(await readFile(new URL("../../../../deploy/demo/05-routes.yaml", import.meta.url), "utf8"));
  const { authority } = await CertificateAuthority.create("Test");
  const certificate = await authority.issue({ commonName: "relay", dnsNames: ["relay.example"], addresses: [], validDays: 30 });
  await cluster.create(serviceWithAll("fleet", certificate));
  const route = { hosts: ["relay"], http: [{ route: [{ destination: { host: "relay" }, weight: 100 }] }] };
  const virtualService = { apiVersion: "networking.istio.io/v1", kind: "VirtualService", spec: route };
  await until("virtual services are served", () =>
    kubernetes.create("/apis/networking.istio.io/v1/namespaces/fleet/virtualservices", {
      ...virtualService,
      metadata: { name: "relay", namespace: "fleet" },
    }),
  );
});
afterAll(async () => {
  kubernetes?.close();
  await cluster?.stop();
});

const relay = { kind: "service", ref: { namespace: "fleet", name: "relay" } } as const;
const postgres = { kind: "service", ref: { namespace: "fleet", name: "postgres" } } as const;

type Saved = { texts: Map<string, string>; objects: ManifestObject[]; facts: ObjectsFacts };

async function save(subject: Parameters<typeof objectsPart>[1] = relay): Promise<Saved> {
  const signal = AbortSignal.timeout(20_000);
  const part = await objectsPart({ kubernetes }, subject).open(signal);
  const texts = new Map<string, string>();
  const objects: ManifestObject[] = [];
  for await (const file of part.files) {
    const pieces: Uint8Array[] = [];
    for await (const piece of file.open(signal)) pieces.push(piece);
    texts.set(file.name, Buffer.concat(pieces).toString());
    objects.push(await readObjectFile(file.name, Readable.from(pieces)));
  }
  const facts = objectsFactsSchema.parse(await part.facts());
  await part.close();
  return { texts, objects, facts };
}

describe("what is saved of a service", () => {
  test("holds its objects and what they reference, and nothing of others", async () => {
    const { texts } = await save();
    expect([...texts.keys()]).toEqual([
      "serviceaccount/relay.yaml",
      "configmap/relay-config.yaml",
      "secret/relay-secrets.yaml",
      "secret/relay-tls.yaml",
      "persistentvolumeclaim/relay-spool.yaml",
      "service/relay.yaml",
      "service/relay-instances.yaml",
      "networkpolicy/relay.yaml",
      "poddisruptionbudget/relay.yaml",
      "deployment/relay.yaml",
      "horizontalpodautoscaler/relay.yaml",
      "virtualservice/relay.yaml",
    ]);
  });

  test("holds nothing that belongs to this cluster alone", async () => {
    const { texts } = await save();
    const all = [...texts.values()].join("\n---\n");
    for (const word of [
      "uid:",
      "resourceVersion",
      "managedFields",
      "creationTimestamp",
      "status:",
      "generation:",
      "volumeName",
    ]) {
      expect(all).not.toContain(word);
    }
    expect(texts.get("service/relay.yaml")).not.toContain("clusterIP");
    expect(texts.get("service/relay-instances.yaml")).toContain("clusterIP: None");
  });

  test("tells beside the archive until when certificates are good, what is missing, and nothing of a Secret", async () => {
    const { facts, texts } = await save();
    expect(facts.certificates).toMatchObject([{ secret: "relay-tls", key: "tls.crt", names: ["DNS:relay.example"] }]);
    expect(Date.parse(facts.certificates[0]?.notAfter ?? "")).toBeGreaterThan(Date.now() + 28 * 86_400_000);
    expect(facts.missing).toEqual([]);
    expect(texts.get("secret/relay-secrets.yaml")).toContain(Buffer.from("redis://:hunter3@redis:6379").toString("base64"));
    expect(JSON.stringify(facts)).not.toMatch(/hunter|aHVudGVy|BEGIN/);
    expect(facts.objects.filter(({ kind, hash }) => (hash === null) !== (kind === "Secret"))).toEqual([]);
  });

  test("gives the same Secret another checksum each time, so that its words cannot be guessed from it", async () => {
    const [first, second] = [await save(), await save()];
    expect(first.texts.get("secret/relay-tls.yaml")).not.toBe(second.texts.get("secret/relay-tls.yaml"));
    expect(first.texts.get("deployment/relay.yaml")).toBe(second.texts.get("deployment/relay.yaml"));
    expect(first.objects).toEqual(second.objects);
  });

  test("names what the service asks for and the cluster does not have", async () => {
    await cluster.create(
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: lone, namespace: fleet }\nspec:\n  selector: { matchLabels: { app: lone } }\n  template:\n    metadata: { labels: { app: lone } }\n    spec: { containers: [{ name: a, image: b, envFrom: [{ secretRef: { name: gone } }] }] }\n",
    );
    const { facts } = await save({ kind: "service", ref: { namespace: "fleet", name: "lone" } });
    expect(facts.missing).toEqual(["Secret gone"]);
  });

  test("of a StatefulSet holds the claims that it has made", async () => {
    await until("the claim is made", () => findOne(kubernetes, "PersistentVolumeClaim", "fleet", "data-postgres-0"));
    const { texts } = await save(postgres);
    expect([...texts.keys()]).toEqual([
      "persistentvolumeclaim/data-postgres-0.yaml",
      "service/postgres.yaml",
      "statefulset/postgres.yaml",
    ]);
  });
});

describe("what is saved, restored", () => {
  test("goes whole into a namespace that is not there yet, and a second time changes nothing", async () => {
    const { objects, facts } = await save();
    const first = await applyObjects({ kubernetes }, objects, { namespace: "fleet-dr" });
    expect(first.map(({ change }) => change)).toEqual(objects.map(() => "created"));
    const secret = await findOne(kubernetes, "Secret", "fleet-dr", "relay-secrets");
    expect(secret?.data).toEqual((await findOne(kubernetes, "Secret", "fleet", "relay-secrets"))?.data);
    const again = await applyObjects({ kubernetes }, objects, { namespace: "fleet-dr" });
    expect(again.filter(({ change }) => change !== "same")).toEqual([]);
    const plan = await planObjects({ kubernetes }, facts, "fleet-dr");
    expect(plan.filter(({ change }) => change !== "same").map(({ kind }) => kind)).toEqual(["Secret", "Secret"]);
  });

  test("puts back in place what was changed, removed and added, and leaves what the cluster gave", async () => {
    const { objects, facts } = await save();
    const before = await findOne(kubernetes, "Service", "fleet", "relay");
    const config = objectPath("ConfigMap", "fleet", "relay-config");
    await kubernetes.patch(config, [{ op: "add", path: "/data/limits.yaml", value: "connections: 1\n" }]);
    await kubernetes.patch(config, [{ op: "add", path: "/data/added", value: "x" }]);
    await kubernetes.patch(objectPath("Secret", "fleet", "relay-secrets"), [
      { op: "add", path: "/data/database-url", value: "eA==" },
    ]);
    await kubernetes.patch(objectPath("Service", "fleet", "relay"), [{ op: "replace", path: "/spec/ports/0/port", value: 9999 }]);
    await kubernetes.patch(objectPath("Deployment", "fleet", "relay"), [
      { op: "replace", path: "/spec/replicas", value: 1 },
      { op: "add", path: "/metadata/annotations/added", value: "yes" },
    ]);
    const budget = await findOne(kubernetes, "PodDisruptionBudget", "fleet", "relay");
    if (budget) await kubernetes.remove(objectPath("PodDisruptionBudget", "fleet", "relay"), budget.metadata);
    await until("the budget is gone", async () => !(await findOne(kubernetes, "PodDisruptionBudget", "fleet", "relay")));

    const wanted = [
      "changed ConfigMap",
      "changed Deployment",
      "changed Service",
      "created PodDisruptionBudget",
      "unknown Secret",
    ];
    const differences = (await planObjects({ kubernetes }, facts, "fleet")).filter(({ change }) => change !== "same");
    expect(differences.map(({ kind, change }) => `${change} ${kind}`).toSorted()).toEqual(wanted);

    await applyObjects({ kubernetes }, objects, { namespace: "fleet" });
    expect((await save()).objects).toEqual(objects);
    expect((await findOne(kubernetes, "Service", "fleet", "relay"))?.spec).toEqual(before?.spec);
  });

  test("gives a stopped workload no instances", async () => {
    const { objects } = await save();
    await applyObjects({ kubernetes }, objects, { namespace: "fleet", replicas: new Map([["relay", 0]]) });
    const read = () => kubernetes.get<Workload>(paths.workload("Deployment", "fleet", "relay"));
    expect((await read()).spec.replicas).toBe(0);
    await applyObjects({ kubernetes }, objects, { namespace: "fleet" });
    expect((await read()).spec.replicas).toBe(3);
  });
});

describe("the proof", () => {
  test("asks the server to take every object and writes none", async () => {
    const { objects, facts } = await save();
    const budget = await findOne(kubernetes, "PodDisruptionBudget", "fleet", "relay");
    if (budget) await kubernetes.remove(objectPath("PodDisruptionBudget", "fleet", "relay"), budget.metadata);
    await until("the budget is gone", async () => !(await findOne(kubernetes, "PodDisruptionBudget", "fleet", "relay")));
    const checks = await proveObjects({ kubernetes }, objects, facts);
    expect(checks).toHaveLength(objects.length + 1);
    expect(checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(await findOne(kubernetes, "PodDisruptionBudget", "fleet", "relay")).toBeNull();
    await applyObjects({ kubernetes }, objects, { namespace: "fleet" });
  });

  test("finds an object that is missing, one that was changed, and one that the server refuses", async () => {
    const { objects, facts } = await save();
    const tampered = objects
      .filter(({ kind }) => kind !== "VirtualService")
      .map((object) => (object.kind === "ConfigMap" ? { ...object, data: { "limits.yaml": "connections: 2\n" } } : object));
    const failed = async (given: ManifestObject[], of = facts) =>
      (await proveObjects({ kubernetes }, given, of))
        .filter(({ passed }) => !passed)
        .map(({ name, found }) => `${name}: ${found}`);
    expect(await failed(tampered)).toEqual([
      "Objects in the archive: 11",
      "ConfigMap relay-config: It says something else than what was saved.",
      "VirtualService relay: It is not in the archive.",
    ]);
    const bad = objects.map((object) => (object.kind === "Secret" ? { ...object, data: { "a/b": "eA==" } } : object));
    const refused = await failed(bad);
    expect(refused).toHaveLength(2);
    expect(refused[0]).toMatch(/^Secret relay-secrets: .*a\/b/);
  });
});

describe("what a backup holds when nobody says otherwise", () => {
  test("is the database and the Redis that the instances read, named by their Secret", async () => {
    expect(await discoverContents({ kubernetes }, relay)).toEqual({
      postgres: { address: { secret: "relay-secrets", key: "database-url" }, tables: null },
      redis: { url: null, address: { secret: "relay-secrets", key: "redis-url" } },
      objects: true,
      logHours: null,
    });
  });

  test("is of a database what others of its namespace keep in it", async () => {
    const { postgres: found, redis } = await discoverContents({ kubernetes }, postgres);
    expect(found).toEqual({ address: { secret: "relay-secrets", key: "database-url" }, tables: null });
    expect(redis).toBeNull();
  });

  test("is its own database for Switchyard", async () => {
    const contents = await discoverContents({ kubernetes }, { kind: "switchyard" });
    expect(contents).toEqual({ postgres: { address: null, tables: null }, redis: null, objects: false, logHours: null });
  });
});
