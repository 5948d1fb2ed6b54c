import { randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { readTarget } from "#lib/domain/actions/target.ts";
import { startTestWorld, type TestContext, type TestWorld } from "#lib/domain/actions/test-fleet.ts";
import type { MeasureInput, Measurement } from "#lib/domain/rollouts/analysis/measure.ts";
import type { Verdict } from "#lib/domain/rollouts/analysis/verdict.ts";
import { getRolloutDetail } from "#lib/domain/rollouts/detail.ts";
import { candidateName, candidateOfLabel, rolloutAnnotation } from "#lib/domain/rollouts/engine/run.ts";
import type { ServiceObject } from "#lib/domain/rollouts/engine/traffic.ts";
import { commandRollout } from "#lib/domain/rollouts/run-commands.ts";
import type { Analysis, Strategy } from "#lib/domain/rollouts/strategy.ts";
import { deployService, start } from "#lib/domain/rollouts/test-rollouts.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { connectKubernetes } from "#lib/kubernetes/connection.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { paths, type Workload } from "#lib/kubernetes/objects.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import type { PrometheusClient } from "#lib/prometheus/client.ts";
import { carryOutRollouts } from "./rollout-runs.ts";

// Each goes through a whole rollout.
vi.setConfig({ testTimeout: 120_000 });

let world: TestWorld;
let context: TestContext;
const writes: string[] = [];
let aheadMs = 0;

const analysis: Analysis = {
  metrics: ["error-ratio"],
  intervalSeconds: 5,
  count: null,
  failureLimit: 1,
  noDataLimit: 5,
  errorLimit: 4,
  minimumSamples: 50,
  windowSeconds: 30,
};

const canary = {
  kind: "canary",
  steps: [
    { weight: 10, pauseSeconds: 20 },
    { weight: 50, pauseSeconds: 20 },
    { weight: 100, pauseSeconds: 20 },
  ],
  traffic: "auto",
  header: null,
  analysis,
  progressDeadlineSeconds: 60,
} satisfies Strategy;

const blueGreen = {
  kind: "blue-green",
  previewReplicas: 1,
  prePromotion: { ...analysis, count: 1 },
  waitForPromotion: true,
  postPromotion: { ...analysis, count: 1 },
  scaleDownDelaySeconds: 30,
  progressDeadlineSeconds: 60,
} satisfies Strategy;

beforeAll(async () => {
  world = await startTestWorld();
  const prometheus = { query: async () => [] } as unknown as PrometheusClient;
  context = {
    ...world.context,
    prometheus,
    kubernetes: recording(world.kubernetes),
    clock: () => new Date(Date.now() + aheadMs),
  };
  await world.cluster.create(`
apiVersion: v1
kind: Node
metadata: { name: roomy, labels: { switchyard.dev/virtual: "true" } }
`);
  await world.cluster.create(await readFile(new URL("../../deploy/demo/05-routes.yaml", import.meta.url), "utf8"));
});
afterAll(() => world?.stop());

/** The client with a note of each write that was made. */
function recording(kubernetes: KubernetesClient): KubernetesClient {
  const noted = ["create", "patch", "remove"];
  return new Proxy(kubernetes, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (!noted.includes(String(name))) return member.bind(target);
      return async (path: string, ...rest: unknown[]) => {
        const answer: unknown = await member.call(target, path, ...rest);
        const isDry = rest.some((one) => typeof one === "object" && one !== null && "dryRun" in one && one.dryRun);
        if (!isDry) writes.push(`${String(name)} ${path.split("/").slice(-2).join("/")}`);
        return answer;
      };
    },
  });
}

function answering(verdict: Verdict) {
  return async ({ metric, now }: MeasureInput): Promise<Measurement> => ({
    metric,
    at: now,
    value: verdict === "bad" ? 0.2 : 0.001,
    limit: 0.01,
    stable: 0.001,
    samples: 100,
    stableSamples: 900,
    verdict,
    message: verdict === "bad" ? "20 % of 100 requests failed." : "0.1 % of 100 requests failed.",
    detail: { test: null, queries: [] },
  });
}

async function deploy(replicas: number, service?: "service") {
  const made = await deployService(world, { replicas });
  const { name, namespace } = made.ref;
  if (service) {
    await world.cluster.create(`
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { selector: { app: ${name} }, ports: [{ name: http, port: 8081, targetPort: 8081 }] }
`);
  }
  await until("all instances are available", async () => (await stableOf(made.ref))?.status?.availableReplicas === replicas);
  writes.length = 0;
  return made;
}

type Ref = { namespace: string; name: string };

const find = (ref: Ref, name: string) =>
  world.kubernetes.get<Workload>(paths.workload("Deployment", ref.namespace, name)).catch(() => null);
const stableOf = (ref: Ref) => find(ref, ref.name);
const candidateOf = (ref: Ref) => find(ref, candidateName(ref.name));
const serviceOf = ({ namespace, name }: Ref) =>
  world.kubernetes.get<ServiceObject>(`${paths.servicesOf(namespace)}/${name}`).catch(() => null);
const imageOf = (workload: Workload | null) => workload?.spec.template.spec.containers[0]?.image;

/** Two controllers at once, again and again, until the rollout is as wanted; time passes faster for them. */
async function drive<T>(
  id: string | null,
  verdict: Verdict,
  isSo: (detail: Awaited<ReturnType<typeof detailOf>>) => T | Promise<T>,
) {
  const runner = { ...context, measure: answering(verdict) };
  return until(
    `the rollout ${id} is as wanted`,
    async () => {
      await Promise.all([carryOutRollouts(runner), carryOutRollouts(runner)]);
      aheadMs += 2_000;
      return isSo(await detailOf(id));
    },
    60_000,
  );
}

const detailOf = (id: string | null) => getRolloutDetail(context, id ?? "", {});
const isAt = (state: string) => (detail: Awaited<ReturnType<typeof detailOf>>) => (detail.state === state ? detail : undefined);

function command(id: string | null, name: string) {
  return commandRollout(context, { id, command: name, body: { reason: "decided in a test" }, key: randomUUID() });
}

test("a canary by instances goes through its weights by itself, and each write is made once by two controllers", async () => {
  const { ref, seen } = await deploy(4);
  const { rolloutId } = await start(context, { ref, seen }, { strategy: canary });
  const half = await drive(rolloutId, "good", async ({ share }) => {
    const [stable, candidate] = await Promise.all([stableOf(ref), candidateOf(ref)]);
    return share?.candidate === 50 ? { stable, candidate } : undefined;
  });
  expect(half.stable?.spec.replicas).toBe(2);
  expect(half.candidate).toMatchObject({
    metadata: { labels: { [candidateOfLabel]: ref.name }, annotations: { [rolloutAnnotation]: rolloutId } },
    spec: { replicas: 2 },
  });
  const detail = await drive(rolloutId, "good", isAt("complete"));
  const workload = `deployments/${ref.name}`;
  expect(writes).toEqual([
    "create fleet/deployments",
    `patch ${workload}`,
    `patch ${workload}-candidate`,
    `patch ${workload}`,
    `patch ${workload}-candidate`,
    `patch ${workload}`,
    `patch ${workload}`,
    `patch ${workload}-candidate`,
    `remove ${workload}-candidate`,
  ]);
  expect(imageOf(await stableOf(ref))).toBe("switchyard/relay:2.1.0");
  expect((await stableOf(ref))?.spec.replicas).toBe(4);
  expect(await candidateOf(ref)).toBeNull();
  expect(detail.toRevision).toBe(2);
  expect(detail.measurements.length).toBeGreaterThan(5);
  expect(detail.steps.map(({ state }) => state)).toEqual(Array(11).fill("done"));
  expect(detail.events.filter(({ kind }) => kind === "traffic").map(({ message }) => message)).toEqual([
    // One of four.
    "25 % of the traffic goes to the candidate.",
    "50 % of the traffic goes to the candidate.",
    "100 % of the traffic goes to the candidate.",
  ]);
});

test("a controller that dies after each of its writes, before it stores anything, makes none of them twice", async () => {
  const { ref, seen } = await deploy(2);
  const { rolloutId } = await start(
    context,
    { ref, seen },
    { strategy: { ...canary, steps: [{ weight: 50, pauseSeconds: 2 }] } },
  );
  const dying = (made: number) =>
    new Proxy(context.db, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (name !== "$transaction" || typeof member !== "function")
          return typeof member === "function" ? member.bind(target) : member;
        return (work: (transaction: unknown) => Promise<unknown>, options: unknown) =>
          member.call(
            target,
            async (transaction: unknown) => {
              const answer = await work(transaction);
              if (writes.length > made) throw new Error("killed");
              return answer;
            },
            options,
          );
      },
    });
  const detail = await until(
    "it has ended, one death after the other",
    async () => {
      await carryOutRollouts({ ...context, db: dying(writes.length), measure: answering("good") });
      await carryOutRollouts({ ...context, measure: answering("good") });
      aheadMs += 2_000;
      return isAt("complete")(await detailOf(rolloutId));
    },
    60_000,
  );
  expect(detail.message).toBe("All 2 instances run the new version.");
  const workload = `deployments/${ref.name}`;
  expect(writes).toEqual([
    "create fleet/deployments",
    `patch ${workload}`,
    `patch ${workload}`,
    `patch ${workload}-candidate`,
    `remove ${workload}-candidate`,
  ]);
});

test("a cluster that does not answer is told of, and a command that comes during a pass is obeyed", async () => {
  const { ref, seen } = await deploy(2);
  const { rolloutId } = await start(context, { ref, seen }, { strategy: canary });
  const lost = { ...context, kubernetes: connectKubernetes({ kubeconfig: await nowhere(), inCluster: false }) };
  await carryOutRollouts(lost);
  expect((await detailOf(rolloutId)).message).toBe("The Kubernetes API does not answer: nothing listens at its address.");
  await drive(rolloutId, "good", ({ share }) => share !== null && share.candidate > 0);
  const commanding = async (input: MeasureInput) => {
    const { state } = await detailOf(rolloutId);
    if (state === "progressing") await command(rolloutId, "abort");
    return answering("good")(input);
  };
  aheadMs += 30_000;
  await carryOutRollouts({ ...context, measure: commanding });
  const { message, measurements } = await detailOf(rolloutId);
  expect(message).toBe("Aborted by olga: decided in a test");
  expect(measurements).toEqual([]);
  await drive(rolloutId, "good", isAt("aborted"));
});

/** The client, refused by the cluster what is asked for with such a method and such a path. */
function refusing(method: "patch" | "list", path: RegExp, error: KubernetesError): KubernetesClient {
  return new Proxy(context.kubernetes, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (at: string, ...rest: unknown[]) =>
        name === method && path.test(at) ? Promise.reject(error) : member.call(target, at, ...rest);
    },
  });
}

test("a template that the cluster has come to refuse ends the rollout before anything is written", async () => {
  const { ref, seen } = await deploy(2);
  const { rolloutId } = await start(context, { ref, seen }, { strategy: canary });
  const denied = new KubernetesError(422, "Invalid", "the image's tag is the latest, which no policy allows");
  const path = new RegExp(`/deployments/${ref.name}$`);
  const busy = new KubernetesError(429, "TooManyRequests", "later");
  await carryOutRollouts({ ...context, kubernetes: refusing("patch", path, busy) });
  expect((await detailOf(rolloutId)).state).toBe("progressing");
  await carryOutRollouts({ ...context, kubernetes: refusing("patch", path, denied) });
  const { state, message, finishedAt, events } = await detailOf(rolloutId);
  expect({ state, message }).toEqual({ state: "failed", message: denied.message });
  expect(finishedAt).not.toBeNull();
  expect(events.at(-1)).toMatchObject({ kind: "ended", message: denied.message });
  expect(writes).toEqual([]);
});

test("routes that the cluster does not show to Switchyard keep no rollout from its way", async () => {
  const { ref, seen } = await deploy(2, "service");
  const { rolloutId } = await start(context, { ref, seen }, { strategy: canary });
  const forbidden = new KubernetesError(403, "Forbidden", "cannot list resource");
  await carryOutRollouts({ ...context, kubernetes: refusing("list", /(httproutes|virtualservices)$/, forbidden) });
  expect((await detailOf(rolloutId)).message).not.toContain("cannot list resource");
  expect(writes).toContain(`create ${ref.namespace}/deployments`);
  await command(rolloutId, "abort");
  await drive(rolloutId, "good", isAt("aborted"));
});

/** A kubeconfig of a cluster that is not there. */
async function nowhere(): Promise<string> {
  const path = `${world.cluster.kubeconfig}.nowhere`;
  const text = await readFile(world.cluster.kubeconfig, "utf8");
  await writeFile(path, text.replace(/server: .*/, "server: https://127.0.0.1:1"));
  return path;
}

test("a bad analysis gives the candidate up: stable is as before, and the reason is told in numbers", async () => {
  const { ref, seen } = await deploy(4);
  await world.db.notificationTarget.create({
    data: {
      name: `hook-${ref.name}`,
      kind: "webhook",
      filter: { events: ["rollout-aborted"] },
      config: {},
      createdAt: new Date(),
      updatedAt: new Date(),
      updatedByName: "olga",
    },
  });
  const { rolloutId } = await start(context, { ref, seen }, { strategy: canary });
  const detail = await drive(rolloutId, "bad", isAt("aborted"));
  expect(detail.message).toContain("Bad in 2 of 2 measurements, 1 is allowed");
  const stable = await stableOf(ref);
  expect([imageOf(stable), stable?.spec.replicas, stable?.status?.availableReplicas]).toEqual(["switchyard/relay:2.0.0", 4, 4]);
  expect(await candidateOf(ref)).toBeNull();
  expect(await world.db.notification.findMany({ where: { event: "rollout-aborted" } })).toMatchObject([
    { title: expect.stringContaining("was aborted") },
  ]);

  await command(rolloutId, "retry");
  expect(await drive(rolloutId, "good", isAt("complete"))).toMatchObject({ state: "complete" });
  expect(imageOf(await stableOf(ref))).toBe("switchyard/relay:2.1.0");
});

test("blue-green switches the Service when it is promoted, and back at once when it is aborted", async () => {
  const { ref, seen } = await deploy(3, "service");
  const { rolloutId } = await start(context, { ref, seen }, { strategy: blueGreen });
  await drive(rolloutId, "good", ({ state, commands }) => state === "paused" && commands.promote === null);
  const before = (await serviceOf(ref))?.spec.selector;
  expect(before).toEqual({ app: ref.name, "pod-template-hash": expect.any(String) });
  expect((await candidateOf(ref))?.spec.replicas).toBe(1);
  await command(rolloutId, "promote");
  await drive(rolloutId, "good", ({ share }) => share?.candidate === 100);
  expect((await candidateOf(ref))?.status?.availableReplicas).toBe(3);
  expect((await serviceOf(ref))?.spec.selector).not.toEqual(before);
  await command(rolloutId, "abort");
  writes.length = 0;
  await drive(rolloutId, "good", isAt("aborted"));
  expect(writes).toEqual([
    `patch services/${ref.name}`,
    `patch deployments/${ref.name}-candidate`,
    `remove deployments/${ref.name}-candidate`,
    `patch services/${ref.name}`,
  ]);
  expect((await serviceOf(ref))?.spec.selector).toEqual({ app: ref.name });

  await command(rolloutId, "retry");
  await drive(rolloutId, "good", ({ commands }) => commands.promote === null);
  await command(rolloutId, "promote");
  await drive(rolloutId, "good", isAt("complete"));
  expect((await serviceOf(ref))?.spec.selector).toEqual({ app: ref.name });
  expect(imageOf(await stableOf(ref))).toBe("switchyard/relay:2.1.0");
  expect(await candidateOf(ref)).toBeNull();
});

test("a canary by route gives the candidate its weight, and leaves route and Services as they were", async () => {
  const { ref, seen } = await deploy(2, "service");
  await world.cluster.create(`
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${ref.name}, namespace: fleet }
spec:
  hosts: [${ref.name}]
  http: [{ route: [{ destination: { host: ${ref.name} } }] }]
`);
  type Routes = { spec: { http: { match?: unknown; route: { destination: { host: string }; weight?: number }[] }[] } };
  const routes = async () =>
    (await world.kubernetes.get<Routes>(`/apis/networking.istio.io/v1/namespaces/fleet/virtualservices/${ref.name}`)).spec.http;
  const first = await routes();
  const strategy = { ...canary, header: { name: "X-Canary", value: "yes" }, analysis: null };
  const { rolloutId } = await start(context, { ref, seen }, { strategy });
  await drive(rolloutId, "good", ({ share }) => share?.candidate === 50);
  expect(await routes()).toEqual([
    { match: [{ headers: { "x-canary": { exact: "yes" } } }], route: [{ destination: { host: `${ref.name}-candidate` } }] },
    {
      route: [
        { destination: { host: ref.name }, weight: 50 },
        { destination: { host: `${ref.name}-candidate` }, weight: 50 },
      ],
    },
  ]);
  expect((await serviceOf({ ...ref, name: candidateName(ref.name) }))?.spec.selector).toEqual({
    app: ref.name,
    [candidateOfLabel]: ref.name,
  });
  await drive(rolloutId, "good", isAt("complete"));
  expect(await routes()).toEqual(first);
  expect((await serviceOf(ref))?.spec.selector).toEqual({ app: ref.name });
  expect(await serviceOf({ ...ref, name: candidateName(ref.name) })).toBeNull();
  expect(imageOf(await stableOf(ref))).toBe("switchyard/relay:2.1.0");
});

test("a workload that is made anew ends the rollout, with the Service as before", async () => {
  const { ref, seen } = await deploy(2, "service");
  const { rolloutId } = await start(context, { ref, seen }, { strategy: { ...blueGreen, prePromotion: null } });
  await drive(rolloutId, "good", ({ state, commands }) => state === "paused" && commands.promote === null);
  const stable = await stableOf(ref);
  if (!stable) throw new Error("there is no workload");
  const { name, namespace, labels } = stable.metadata;
  const path = paths.workload("Deployment", ref.namespace, ref.name);
  await world.kubernetes.remove(path, stable.metadata);
  await until("it is gone", async () => (await stableOf(ref)) === null);
  await world.kubernetes.create(path.slice(0, path.lastIndexOf("/")), {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace, labels },
    spec: stable.spec,
  });
  expect((await drive(rolloutId, "good", isAt("failed"))).message).toBe("The workload was deleted.");
  expect((await serviceOf(ref))?.spec.selector).toEqual({ app: ref.name });
  expect(imageOf(await stableOf(ref))).toBe("switchyard/relay:2.0.0");
});

test("a foreign change of the template holds the rollout, a person decides, and skips to the end", async () => {
  const { ref, seen } = await deploy(2);
  const { rolloutId } = await start(context, { ref, seen }, { strategy: canary });
  await drive(rolloutId, "good", ({ share }) => share !== null && share.candidate > 0);
  await world.kubernetes.patch(paths.workload("Deployment", "fleet", ref.name), [
    { op: "replace", path: "/spec/template/spec/containers/0/image", value: "switchyard/relay:3.0.0" },
  ]);
  const held = await drive(rolloutId, "good", (detail) => (detail.hold?.cause === "foreign-change" ? detail : undefined));
  expect(held).toMatchObject({ state: "paused", message: expect.stringContaining("Somebody else changed the template") });
  await expect(command(rolloutId, "skip")).rejects.toMatchObject({ code: "precondition-failed" });
  await command(rolloutId, "resume");
  await drive(rolloutId, "good", ({ state }) => state === "progressing");
  await command(rolloutId, "skip");
  const detail = await drive(rolloutId, "good", isAt("complete"));
  expect(detail.steps.some(({ state }) => state === "skipped")).toBe(true);
  expect(imageOf(await stableOf(ref))).toBe("switchyard/relay:2.1.0");
});

test("a rolling update that makes no progress goes back by itself", async () => {
  const { ref } = await deploy(2);
  const target = await readTarget(context, ref);
  const strategy: Strategy = {
    kind: "rolling",
    pauseAfter: null,
    progressDeadlineSeconds: 30,
    rollbackOnFailure: true,
    analysis: null,
    stableSeconds: 0,
  };
  const { dnsPolicy, restartPolicy, schedulerName, ...spec } = target.workload.spec.template.spec;
  const containers = spec.containers.map((container) => ({ ...container, image: container.image ?? "" }));
  const template = { metadata: target.workload.spec.template.metadata, spec: { containers, nodeSelector: { nowhere: "true" } } };
  expect([dnsPolicy, restartPolicy, schedulerName]).toEqual(["ClusterFirst", "Always", "default-scheduler"]);
  const seen = { uid: target.workload.metadata.uid, templateHash: target.templateHash };
  const { rolloutId } = await start(context, { ref, seen }, { strategy, change: { template } });
  const detail = await drive(rolloutId, "good", isAt("aborted"));
  expect(detail.message).toMatch(/^No progress for 3\d s: 1 of 2 instances are updated/);
  expect((await stableOf(ref))?.spec.template.spec.nodeSelector).toBeUndefined();
});
