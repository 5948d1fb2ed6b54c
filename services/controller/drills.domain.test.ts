import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { startTestWorld, type TestWorld } from "#lib/domain/actions/test-fleet.ts";
import type { Context } from "#lib/domain/context.ts";
import { notKeyed } from "#lib/domain/idempotency.ts";
import { closeItem } from "#lib/domain/incidents/action-items/close.ts";
import { storeAlert } from "#lib/domain/incidents/test-happenings.ts";
import { DrillRunnerPass } from "#lib/domain/recovery/drills/carry-out.ts";
import { abortDrill, startDrill } from "#lib/domain/recovery/drills/commands.ts";
import { getDrill } from "#lib/domain/recovery/drills/queries.ts";
import { drillMarkdown } from "#lib/domain/recovery/drills/report-markdown.ts";
import { queueDueDrills, setDrillSchedule } from "#lib/domain/recovery/drills/schedules.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { type Pod, paths, type Workload } from "#lib/kubernetes/objects.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import type { PrometheusClient } from "#lib/prometheus/client.ts";
import type { ObservationsPage } from "#lib/protocol/observations.ts";

// Each goes through whole drills.
vi.setConfig({ testTimeout: 120_000 });

/** What clients saw, in the prober's words: a try on each of two paths every 200 ms of the test's time. */
class Clients {
  readonly epoch = randomUUID();
  readonly outcomes: ObservationsPage["outcomes"] = [];
  readonly losses: [number, number][] = [];
  /** The paths that are away. */
  away: number[] = [];

  pass(fromMs: number, toMs: number): void {
    for (let at = fromMs + 200; at <= toMs; at += 200) {
      for (const path of [0, 1]) this.outcomes.push([path, at, 10, this.away.includes(path) ? 0 : 1]);
    }
  }

  page(target: string, since: number, at: number): ObservationsPage {
    return {
      epoch: this.epoch,
      at,
      target,
      next: this.outcomes.length,
      isAll: true,
      forgotten: 0,
      paths: ["client 1", "client 2"].map((name) => ({ name, intervalMs: 200 })),
      outcomes: this.outcomes.slice(since),
      ledger: {
        acknowledged: this.outcomes.length,
        lost: this.losses.length,
        duplicated: 0,
        reordered: 0,
        lastAcknowledgedAt: at,
        unsettled: 0,
        oldestUnsettledAt: null,
        losses: this.losses,
      },
    };
  }
}

const service = (name: string, kind: string, rest: { dependsOn?: string; replicas?: number } = {}) => `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  namespace: fleet
  labels: { switchyard.dev/kind: ${kind} }
  annotations: { switchyard.dev/depends-on: "${rest.dependsOn ?? ""}", switchyard.dev/owner: network }
spec:
  replicas: ${rest.replicas ?? 1}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} }, annotations: { prometheus.io/port: "8080" } }
    spec: { containers: [{ name: ${name}, image: "switchyard/${kind}:1.0.0" }] }
`;

let world: TestWorld;
let prober: Server;
let clients: Clients;
let aheadMs = 0;
let operator: Context & { nodePower: null };
let runner: DrillRunnerPass;

const began = Date.now();
/** Time passes only by `pass`, however busy the machine is. */
const now = () => began + aheadMs;
const prometheus = {
  rules: async () => [
    { name: "g", file: "f", rules: [{ type: "alerting", name: "ProbeInterrupted", query: "x", health: "ok" }] },
  ],
} as unknown as PrometheusClient;

const listPods = (app: string) => world.kubernetes.list<Pod>(paths.podsOf("fleet"), { labelSelector: `app=${app}` });
const isReady = ({ status }: Pod) => status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True");

beforeAll(async () => {
  world = await startTestWorld();
  await world.kubernetes.patch(paths.namespace("fleet"), [
    { op: "add", path: "/metadata/labels/switchyard.dev~1drills", value: "allowed" },
  ]);
  await world.cluster.create(
    [
      'apiVersion: v1\nkind: Node\nmetadata: { name: roomy, labels: { switchyard.dev/virtual: "true" } }\n',
      service("relay", "relay", { replicas: 2 }),
      service("hub", "hub", { replicas: 2 }),
      service("other", "edge"),
      service("prober", "prober", { dependsOn: "relay, hub" }),
    ].join("---\n"),
  );
  const pod = await until("the prober runs", async () => (await listPods("prober")).find(isReady));
  prober = createServer((request, response) => {
    const query = new URL(request.url ?? "", "http://prober").searchParams;
    const page = clients.page(query.get("target") ?? "", Number(query.get("since")), now());
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(page));
  });
  // A virtual pod runs nothing: its address is free.
  await new Promise<void>((resolve) => prober.listen(8080, pod.status?.podIP, resolve));
  const clock = () => new Date(now());
  operator = { ...world.context, prometheus, clock, nodePower: null };
});
afterAll(async () => {
  prober?.close();
  await world?.stop();
});
beforeEach(async () => {
  clients = new Clients();
  clients.pass(now() - 20_000, now());
  runner = new DrillRunnerPass(operator);
  await until("everything is well", async () => {
    const ready = (await Promise.all(["relay", "hub", "other"].map(listPods))).map((pods) => pods.filter(isReady).length);
    return ready.join() === "2,2,1";
  });
});
afterEach(async () => {
  await world.db.alertEpisode.updateMany({ data: { openKey: null, state: "resolved", endsAt: new Date(now()) } });
  await world.db.drill.updateMany({ data: { activeKey: null } });
  aheadMs += 600_000;
});

/** A second goes by, and a controller looks. */
async function pass(seconds = 1): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    const from = now();
    aheadMs += 1_000;
    clients.pass(from, now());
    await runner.pass();
  }
}

async function passUntil(id: string, what: string, isSo: (detail: Awaited<ReturnType<typeof getDrill>>) => boolean, most = 200) {
  for (let second = 0; second < most; second += 1) {
    const detail = await getDrill(operator, id);
    if (isSo(detail)) return detail;
    await pass();
  }
  throw new Error(`waited in vain until ${what}: ${JSON.stringify((await getDrill(operator, id)).drill)}`);
}

const ask = (scenario: string, over: object = {}) =>
  startDrill(operator, { scenario, subject: "fleet/relay", reason: "every quarter", ...over }, randomUUID());
const strike = (id: string) => passUntil(id, "it strikes", ({ drill }) => drill.faultAt !== null);
async function end(id: string) {
  await until("the relay has its instances", async () => (await listPods("relay")).filter(isReady).length === 2);
  return passUntil(id, "it ends", ({ drill }) => drill.finishedAt !== null, 600);
}
const fire = () =>
  storeAlert(world.db, {
    name: "ProbeInterrupted",
    severity: "warning",
    startsAt: new Date(now()),
    service: { namespace: "fleet", name: "relay" },
  });

test("an instance is killed once, its clients are measured until they are served, and its incident is a drill's", async () => {
  const before = (await listPods("relay")).map(({ metadata }) => metadata.uid);
  const { id } = await ask("instance");
  await expect(ask("instance")).rejects.toThrow("is not over yet");
  await strike(id);
  clients.away = [1];
  await pass(2);
  await fire();
  await pass(2);
  clients.away = [];
  const { drill, report, events } = await end(id);
  expect(drill).toMatchObject({ state: "completed", verdict: "met", lostWrites: 0, rpoMs: 0, errorMs: expect.any(Number) });
  expect(drill.rtoMs).toBe(4_200);
  const after = (await listPods("relay")).map(({ metadata }) => metadata.uid);
  expect(before.filter((uid) => !after.includes(uid))).toHaveLength(1);
  expect(events.map(({ kind }) => kind)).toEqual([
    "asked",
    "begun",
    "struck",
    ...["confirmed", "detected", "recovered", "cleaned", "ended"],
  ]);
  expect(report?.phases.map(({ name }) => name)).toEqual(["detect", "assess", "fail-over", "recover"]);
  const incident = await world.db.incident.findUniqueOrThrow({ where: { id: drill.incidentId ?? "" } });
  expect(incident).toMatchObject({ isDrill: true, origin: "drill", resolvedAt: expect.any(Date) });
  expect(drillMarkdown(await getDrill(operator, id))).toContain("| RTO | ");
});

test("a miss has an action item, which the same drill proves done", async () => {
  const { id } = await ask("instance");
  await strike(id);
  await fire();
  clients.losses.push([now() - 3_000, now() + 500]);
  const { drill } = await end(id);
  expect(drill).toMatchObject({ state: "completed", verdict: "missed", lostWrites: 1 });
  const item = await world.db.actionItem.findUniqueOrThrow({ where: { id: drill.actionItemId ?? "" } });
  expect(item).toMatchObject({ ownerName: "network", proof: { kind: "drill", drill: "instance fleet/relay" } });
  const close = () => closeItem(operator, item.id, { overrideReason: null, keyed: notKeyed });
  await expect(close()).rejects.toThrow("was not carried out since");
  await world.db.alertEpisode.updateMany({ data: { openKey: null, state: "resolved", endsAt: new Date(now()) } });
  clients.losses.length = 0;
  const again = await ask("instance");
  await strike(again.id);
  await fire();
  expect((await end(again.id)).drill.verdict).toBe("met");
  await world.db.alertEpisode.updateMany({ data: { openKey: null, state: "resolved", endsAt: new Date(now()) } });
  expect((await close()).state).toBe("done");
});

test("nobody being told is a miss, though clients were served again", async () => {
  const { id } = await ask("instance");
  const { drill } = await end(id);
  expect(drill).toMatchObject({ verdict: "missed", message: expect.stringContaining("No alert told anybody of it.") });
});

test("a controller that is killed before the deed has a successor that does it, to the same instance", async () => {
  const { id } = await ask("instance");
  const dying = { ...operator, kubernetes: failingOnce(world.kubernetes) };
  runner = new DrillRunnerPass(dying);
  const { drill } = await strike(id);
  expect((await listPods("relay")).filter(isReady)).toHaveLength(2);
  runner = new DrillRunnerPass(operator);
  await fire();
  expect((await end(id)).drill).toMatchObject({ verdict: "met", target: drill.target, faultAt: drill.faultAt });
});

/** The first pod that is to be removed is not: the process ends at that moment. */
function failingOnce(kubernetes: KubernetesClient): KubernetesClient {
  let hasFailed = false;
  return new Proxy(kubernetes, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (name !== "remove") return member.bind(target);
      return (...rest: unknown[]) => {
        if (hasFailed) return member.apply(target, rest);
        hasFailed = true;
        throw new Error("killed");
      };
    },
  });
}

test("a hub that was taken away is given back when a person aborts, also by another controller", async () => {
  const { id } = await ask("hub", { subject: "fleet/hub" });
  await strike(id);
  await pass();
  const path = paths.workload("Deployment", "fleet", "hub");
  expect((await world.kubernetes.get<Workload>(path)).spec.replicas).toBe(0);
  await abortDrill(operator, id, { reason: "customers call" });
  runner = new DrillRunnerPass(operator);
  const { drill } = await end(id);
  expect(drill).toMatchObject({ state: "aborted", verdict: "inconclusive", abortedBy: "olga" });
  expect((await world.kubernetes.get<Workload>(path)).spec.replicas).toBe(2);
  await expect(abortDrill(operator, id, { reason: "customers call" })).rejects.toThrow("is over already");
});

test("a service that the drill is not about becomes unhealthy: the drill is given up and cleaned up", async () => {
  const { id } = await ask("hub", { subject: "fleet/hub", settings: { awaySeconds: 600 } });
  await strike(id);
  const path = paths.workload("Deployment", "fleet", "other");
  await world.kubernetes.patch(path, [
    { op: "replace", path: "/spec/strategy", value: { type: "Recreate" } },
    { op: "add", path: "/spec/template/spec/nodeSelector", value: { no: "such" } },
  ]);
  // Virtual seconds go by faster than the cluster takes note.
  await until("it has no instance", async () => {
    const { status } = await world.kubernetes.get<Workload>(path);
    return !status?.readyReplicas;
  });
  const { drill } = await end(id);
  await world.kubernetes.patch(path, [{ op: "remove", path: "/spec/template/spec/nodeSelector" }]);
  expect(drill).toMatchObject({
    state: "aborted",
    message: expect.stringContaining("fleet/other, which the drill is not about"),
  });
  expect((await world.kubernetes.get<Workload>(paths.workload("Deployment", "fleet", "hub"))).spec.replicas).toBe(2);
});

test("without what has the power over nodes a node's loss is refused, and it says what to set", async () => {
  await expect(ask("node")).rejects.toThrow("SWITCHYARD_NODE_POWER");
});

test("a cluster that is not labelled wants an administrator's word, with a reason", async () => {
  const label = "/metadata/labels/switchyard.dev~1drills";
  await world.kubernetes.patch(paths.namespace("fleet"), [{ op: "remove", path: label }]);
  await expect(ask("instance")).rejects.toThrow("does not carry the label switchyard.dev/drills=allowed");
  await expect(ask("instance", { override: "the owner knows" })).rejects.toThrow("needs the role admin");
  const admin = { ...operator, actor: { ...operator.actor, role: "admin" as const } };
  const input = { scenario: "instance", subject: "fleet/relay", reason: "every quarter", override: "the owner knows" };
  const { id } = await startDrill(admin, input, randomUUID());
  await world.kubernetes.patch(paths.namespace("fleet"), [{ op: "add", path: label, value: "allowed" }]);
  await abortDrill(operator, id, { reason: "enough" });
  expect((await end(id)).drill).toMatchObject({ state: "aborted", faultAt: null });
});

test("a schedule asks for its drill once when it is due, and a freeze keeps it from beginning, which it says", async () => {
  const admin = { ...operator, actor: { ...operator.actor, role: "admin" as const } };
  const cron = "* * * * *";
  const schedule = await setDrillSchedule(admin, { scenario: "instance", subject: "fleet/relay", cron, reason: "every minute" });
  expect(schedule.nextAt).not.toBeNull();
  expect(await queueDueDrills(operator)).toBe(0);
  aheadMs += 61_000;
  clients.pass(now() - 61_000, now());
  const starts = await Promise.all([queueDueDrills(operator), queueDueDrills(operator)]);
  expect(starts.reduce((sum, one) => sum + one, 0)).toBe(1);
  await world.db.drillSchedule.update({ where: { id: schedule.id }, data: { isEnabled: false } });
  const at = new Date(now());
  const freeze = { reason: "christmas", startsAt: at, endsAt: new Date(now() + 3_600_000), createdAt: at, createdByName: "ada" };
  const { id } = await world.db.freezeWindow.create({ data: freeze });
  const row = await world.db.drill.findFirstOrThrow({ where: { scheduleId: schedule.id } });
  const { drill } = await end(row.id);
  await world.db.freezeWindow.delete({ where: { id } });
  expect(drill).toMatchObject({ state: "aborted", faultAt: null, message: expect.stringContaining("christmas") });
});
