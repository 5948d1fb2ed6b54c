import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { PrometheusClient } from "#lib/prometheus/client.ts";
import { namespaceYaml, serviceYaml, startTestWorld, type TestWorld } from "../../actions/test-fleet.ts";
import { commandIncident } from "../commands.ts";
import { reportIncident } from "../opening/report.ts";
import { storeAction, storeAlert } from "../test-happenings.ts";
import { listResolveBlockers } from "./resolve-gate.ts";
import { recoveredAtOf, viewRecoveries } from "./stored.ts";
import { listVerdicts } from "./verdicts.ts";
import { watchRecoveries } from "./watch.ts";

let world: TestWorld;
let server: Server;
let prometheus: PrometheusClient;
let now: Date;
let service: { namespace: string; name: string };
/** What the indicator was at a time, in seconds after the impact; null for nothing. */
let latencyAt: (seconds: number) => number | null;
let errorsAt: (seconds: number) => number | null;
let latencyOfOther: (seconds: number) => number | null;
let isDown = false;

const impact = new Date("2026-11-21T03:00:00Z");
const late = (seconds: number) => new Date(impact.getTime() + seconds * 1000);

beforeAll(async () => {
  world = await startTestWorld();
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { query = "", start, end, step } = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
      const values: [number, string][] = [];
      for (let at = Number(start); at <= Number(end); at += Number(step)) {
        const latency = query.includes('service="relay-eu"') ? latencyOfOther : latencyAt;
        const valueAt = query.includes("histogram_quantile") ? latency : query.includes("_lost_total") ? () => 0 : errorsAt;
        const value = valueAt(at - impact.getTime() / 1000);
        if (value !== null) values.push([at, `${value}`]);
      }
      response.statusCode = isDown ? 503 : 200;
      response.end(
        isDown ? "" : JSON.stringify({ status: "success", data: { resultType: "matrix", result: [{ metric: {}, values }] } }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  prometheus = new PrometheusClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
afterAll(async () => {
  await new Promise((resolve) => server?.close(resolve));
  await world?.stop();
});
beforeEach(async () => {
  await world.db.incident.updateMany({ data: { resolvedAt: late(-7_200) } });
  now = late(20);
  isDown = false;
  // The only one of its kind in its namespace, so that it is the one that the prober uses.
  service = { namespace: `fleet-${randomUUID().slice(0, 8)}`, name: "relay" };
  await world.cluster.create(namespaceYaml.replace("fleet", service.namespace));
  await world.cluster.create(serviceYaml("relay").replace("namespace: fleet", `namespace: ${service.namespace}`));
  // Slow from the impact on, and rolled back 60 s later.
  latencyAt = (seconds) => (seconds >= 0 && seconds < 90 ? 0.4 : 0.004);
  errorsAt = () => 0;
});

const context = () => ({ ...world.context, prometheus, clock: () => now });
/** Two controllers at once. */
const look = () =>
  Promise.all([watchRecoveries(context(), { scrapeSeconds: 2 }), watchRecoveries(context(), { scrapeSeconds: 2 })]);
const report = async (alert: string | null = "RelayHighLatency") => {
  const links =
    alert === null
      ? []
      : [{ kind: "alert" as const, targetId: await storeAlert(world.db, { name: alert, startsAt: impact, service }) }];
  const input = { title: "The relay is slow", severity: "P2", services: [service], impactStartedAt: impact.toISOString(), links };
  const { id } = await reportIncident(context(), input, randomUUID());
  return id;
};
const read = async (id: string) => {
  const { recoveries, services, events } = await world.db.incident.findUniqueOrThrow({
    where: { id },
    include: {
      recoveries: true,
      services: true,
      events: { where: { kind: "recovery", hiddenAt: null }, orderBy: { at: "asc" } },
    },
  });
  const refs = services.map(({ namespace, service: name }) => ({ namespace, name }));
  const all = viewRecoveries(recoveries, refs);
  return { recovery: all[0] ?? null, all, recoveredAt: recoveredAtOf(recoveries, refs), rows: events };
};

test("the indicator behind the alert is followed from before the impact to the recovery, which the timeline tells once", async () => {
  const id = await report();
  await look();
  const during = await read(id);
  expect(during.recovery).toMatchObject({
    service: `${service.namespace}/relay`,
    indicator: { name: "latency-p95", unit: "seconds", limit: 0.05, bad: "above" },
    windowSeconds: 30,
    before: 0.004,
    during: 0.4,
    now: 0.4,
    after: null,
    state: "bad",
    recoveredAt: null,
  });
  expect(during.rows).toEqual([]);
  for (now = late(25); now <= late(120); now = new Date(now.getTime() + 5_000)) await look();
  const { recovery, rows } = await read(id);
  expect(recovery).toMatchObject({
    state: "good",
    before: 0.004,
    during: 0.4,
    after: 0.004,
    recoveredAt: late(60).toISOString(),
  });
  expect(rows).toMatchObject([
    {
      at: late(60),
      by: "Switchyard",
      service: service.name,
      message: `Recovered, from the data. ${service.name}, p95 latency of operations as the prober sees them: good for 30 s (before 4 ms, at worst 400 ms, after 4 ms, limit 50 ms).`,
    },
  ]);
});

test("what is resolved without a word of its mitigation was mitigated when it was measured to be good", async () => {
  const id = await report(null);
  await commandIncident(context(), { id, command: "acknowledge", body: {} });
  for (; now <= late(200); now = new Date(now.getTime() + 5_000)) await look();
  await commandIncident(context(), { id, command: "resolve", body: {} });
  const { recoveredAt } = await read(id);
  expect(recoveredAt).not.toBeNull();
  const { mitigatedAt, events } = await world.db.incident.findUniqueOrThrow({ where: { id }, include: { events: true } });
  expect(mitigatedAt).toEqual(recoveredAt);
  expect(events.map(({ message }) => message)).toContain(
    `Resolved by ${context().actor.name}. Nobody had said when it was mitigated: the recovery that was measured counts.`,
  );
});

test("a change of its state raises the version once, newer points alone every ten seconds, and the same look does not", async () => {
  const id = await report();
  await world.db.incident.update({ where: { id }, data: { impactStartSource: "reported" } });
  const versionOf = async () => (await world.db.incident.findUniqueOrThrow({ where: { id } })).version;
  const first = await versionOf();
  const versions: number[] = [];
  for (const seconds of [20, 20, 26, 34, 36, 96]) {
    now = late(seconds);
    await look();
    versions.push((await versionOf()) - first);
  }
  // What is a scrape old is looked at: 18, 18, 24, 32, 34 and 94 s after the impact.
  expect(versions).toEqual([1, 1, 2, 3, 3, 4]);
  expect((await read(id)).recovery?.points.at(-1)?.at).toBe(late(94).toISOString());
});

test("what happened while nobody looked is found afterwards", async () => {
  const id = await report();
  now = late(300);
  await look();
  expect(await read(id)).toMatchObject({ recovery: { recoveredAt: late(60).toISOString() }, rows: [{ at: late(60) }] });
});

describe("the indicator", () => {
  test("is the one that was bad where no alert names one", async () => {
    errorsAt = (seconds) => (seconds >= 40 ? 0.2 : 0);
    latencyAt = () => 0.004;
    const id = await report(null);
    await look();
    expect((await read(id)).recovery).toMatchObject({ indicator: { name: "error-ratio" }, state: "good" });
    latencyAt = (seconds) => (seconds >= 30 ? 0.2 : 0.004);
    now = late(35);
    await look();
    expect((await read(id)).recovery).toMatchObject({ indicator: { name: "latency-p95" }, state: "bad", during: 0.2 });
    expect((await read(id)).recovery?.others.map(({ indicator, state }) => [indicator.name, state])).toEqual([
      ["error-ratio", "good"],
      ["data-loss", "good"],
    ]);
  });

  test("is the one that is bad now where the first one has recovered, and the alert's where none was bad", async () => {
    const id = await report("RelayHighErrorRate");
    latencyAt = () => 0.004;
    await look();
    expect((await read(id)).recovery).toMatchObject({ indicator: { name: "error-ratio" }, state: "good", recoveredAt: null });
    latencyAt = (seconds) => (seconds >= 20 && seconds < 60 ? 0.3 : 0.004);
    now = late(40);
    await look();
    expect((await read(id)).recovery).toMatchObject({ indicator: { name: "latency-p95" }, state: "bad" });
    errorsAt = (seconds) => (seconds >= 70 && seconds < 75 ? 0.5 : 0);
    now = late(70);
    await look();
    expect((await read(id)).recovery).toMatchObject({ indicator: { name: "latency-p95" }, recoveredAt: late(30).toISOString() });
    now = late(75);
    await look();
    expect((await read(id)).recovery).toMatchObject({ indicator: { name: "error-ratio" }, state: "bad", during: 0.5 });
    now = late(120);
    await look();
    expect((await read(id)).rows.map(({ at, message }) => [at, message.slice(0, 9)])).toEqual([
      [late(30), "Recovered"],
      [late(46), "Recovered"],
    ]);
  });

  test("is looked at from the beginning when the start of the impact is moved", async () => {
    const id = await report();
    await look();
    await world.db.incident.update({ where: { id }, data: { impactStartedAt: late(-120) } });
    await look();
    expect(await read(id)).toMatchObject({ recovery: { during: 0.4 } });
    const { state } = await world.db.incidentRecovery.findFirstOrThrow({ where: { incidentId: id } });
    expect(state).toMatchObject({ impactStartedAt: late(-120).toISOString() });
  });
});

test("what was told of another start of the impact is hidden, and shown again to whoever follows where it is so again", async () => {
  const id = await report();
  now = late(120);
  await look();
  const moveTo = async (seconds: number) => {
    await world.db.incident.update({ where: { id }, data: { impactStartedAt: late(seconds) } });
    await look();
    const { version } = await world.db.incident.findUniqueOrThrow({ where: { id } });
    return (await world.db.incidentEvent.findMany({ where: { incidentId: id, kind: "recovery" } })).map((row) => [
      row.hiddenAt !== null,
      row.version === version,
    ]);
  };
  expect(await moveTo(100)).toEqual([[true, true]]);
  expect(await moveTo(0)).toEqual([[false, true]]);
});

describe("a rollback during the incident", () => {
  const verdictsOf = async (id: string) => (await read(id)).rows.filter(({ source }) => source?.startsWith("verdict/"));

  test("is verified by the data, and told once with the seconds from the click", async () => {
    const id = await report();
    await look();
    const actionId = await storeAction(world.db, { at: late(50), service, verb: "rollback" });
    for (const seconds of [80, 95, 100]) {
      now = late(seconds);
      await look();
    }
    expect(await verdictsOf(id)).toMatchObject([
      {
        at: late(90),
        by: "Switchyard",
        message: "Rollback of relay verified: p95 over 30 s is 4 ms, was 400 ms; 40 s after the click",
        detail: { actionId, verdict: "recovered", seconds: 40, before: 0.4, after: 0.004 },
      },
    ]);
  });

  test("is said not to have helped, and one that came with no harm to prove nothing", async () => {
    latencyAt = (seconds) => (seconds >= 0 && seconds < 400 ? 0.4 : 0.004);
    const id = await report();
    await storeAction(world.db, { at: late(50), service, verb: "restart" });
    now = late(260);
    await look();
    now = late(500);
    await look();
    await storeAction(world.db, { at: late(505), service, verb: "scale" });
    await storeAction(world.db, { at: late(506), service, verb: "rollback" });
    now = late(515);
    await look();
    expect((await verdictsOf(id)).map(({ message }) => message)).toEqual([
      "Restart of relay did not help: p95 over 30 s is 400 ms (limit 50 ms), was 400 ms; 180 s after the click",
      "Rollback of relay: whether it helped is not known. No indicator was bad when it was done.",
    ]);
  });

  test("is shown as being verified until then", async () => {
    const id = await report();
    await look();
    const actionId = await storeAction(world.db, { at: late(50), service, verb: "rollback" });
    const pendingOf = async () => {
      const row = await world.db.incident.findUniqueOrThrow({ where: { id }, include: { recoveries: true } });
      const verdicts = await listVerdicts(world.db, { ...row, services: [{ ...service, dependsOn: [] }] }, now);
      return verdicts.map(({ verdict, message, actionId: of }) => ({ verdict, message, isSame: of === actionId }));
    };
    now = late(70);
    await look();
    expect(await pendingOf()).toEqual([
      {
        verdict: "pending",
        message: "Rollback of relay is not verified yet: p95 over 30 s is 400 ms (limit 50 ms).",
        isSame: true,
      },
    ]);
    now = late(95);
    await look();
    expect(await pendingOf()).toMatchObject([{ verdict: "recovered", isSame: true }]);
  });

  test("is not the change before the impact, nor an autoscaler's", async () => {
    const id = await report();
    await storeAction(world.db, { at: late(-5), service, verb: "image" });
    await storeAction(world.db, { at: late(10), service, verb: "scale", actorKind: "external", actorName: "autoscaler relay" });
    now = late(300);
    await look();
    expect(await verdictsOf(id)).toEqual([]);
  });
});

describe("the start of the impact", () => {
  const clockOf = async (id: string) => {
    const { impactStartedAt, impactStartSource } = await world.db.incident.findUniqueOrThrow({ where: { id } });
    return { impactStartedAt, impactStartSource };
  };
  const from = async (source: string) => {
    const id = await report();
    await world.db.incident.update({ where: { id }, data: { impactStartSource: source } });
    return id;
  };

  test("is the first bad point that reaches the alert's start without a gap, set once", async () => {
    latencyAt = (seconds) => ((seconds >= -40 && seconds < 90) || (seconds >= -300 && seconds < -100) ? 0.4 : 0.004);
    const id = await from("alert");
    await look();
    expect(await clockOf(id)).toEqual({ impactStartedAt: late(-40), impactStartSource: "measured" });
    await look();
    const changed = await world.db.incidentEvent.findMany({ where: { incidentId: id, kind: "changed" } });
    expect(changed).toMatchObject([
      {
        at: late(-40),
        message:
          "The impact began at 02:59:20 UTC, measured. relay, p95 latency of operations as the prober sees them: above the limit of 50 ms without a gap until the alert's start at 03:00:00 UTC.",
      },
    ]);
    expect(await world.db.auditEntry.findMany({ where: { targetUid: id, verb: "change" } })).toMatchObject([
      { actorKind: "system", before: { impactStartSource: "alert" }, after: { impactStartedAt: late(-40).toISOString() } },
    ]);
    expect((await read(id)).recovery).toMatchObject({ before: 0.004, during: 0.4 });
  });

  test.each([
    ["a change of the service that only noise preceded", -40, -24],
    ["no change of the service when the harm had been there for a whole window before it", -56, -56],
  ])("does not reach back over %s", async (_, badFrom, expected) => {
    latencyAt = (seconds) => (seconds >= badFrom && seconds < 90 ? 0.4 : 0.004);
    await storeAction(world.db, { at: late(-25), service, verb: "image" });
    const id = await from("alert");
    await look();
    expect(await clockOf(id)).toEqual({ impactStartedAt: late(expected), impactStartSource: "measured" });
  });

  test("is sought further back than the look does, and found where it is", async () => {
    latencyAt = (seconds) => (seconds >= -5_000 && seconds < 90 ? 0.4 : 0.004);
    const id = await from("alert");
    await look();
    expect(await clockOf(id)).toEqual({ impactStartedAt: late(-5_000), impactStartSource: "measured" });
  });

  test.each(["reported", "edited"])("stays where it was %s", async (source) => {
    latencyAt = (seconds) => (seconds >= -40 && seconds < 90 ? 0.4 : 0.004);
    const id = await from(source);
    await look();
    expect(await clockOf(id)).toEqual({ impactStartedAt: impact, impactStartSource: source });
  });

  test("stays unknown where nothing was bad when somebody noticed", async () => {
    latencyAt = (seconds) => (seconds < -60 ? 0.4 : 0.004);
    const id = await from("unknown");
    await look();
    expect(await clockOf(id)).toEqual({ impactStartedAt: impact, impactStartSource: "unknown" });
  });
});

test("of several services each is watched by itself, and the incident has recovered when the last has", async () => {
  const other = { namespace: service.namespace, name: "relay-eu" };
  await world.cluster.create(serviceYaml(other.name).replace("namespace: fleet", `namespace: ${service.namespace}`));
  const id = await report();
  await world.db.incidentService.create({ data: { incidentId: id, namespace: other.namespace, service: other.name } });
  latencyOfOther = (seconds) => (seconds >= 0 && seconds < 120 ? 0.2 : 0.004);
  now = late(115);
  await look();
  expect(await read(id)).toMatchObject({
    recoveredAt: null,
    all: [
      { service: `${service.namespace}/relay-eu`, state: "bad", recoveredAt: null },
      { service: `${service.namespace}/relay`, state: "good", recoveredAt: late(60).toISOString() },
    ],
  });
  expect((await listResolveBlockers(world.db, id, now)).map(({ message }) => message).join()).toContain("relay-eu, p95 latency");
  now = late(125);
  await look();
  expect((await read(id)).recoveredAt).toEqual(late(90));
});

test("a relapse within the hour after it was resolved is told, and nothing of it later", async () => {
  const id = await report();
  now = late(120);
  await look();
  await world.db.incident.update({ where: { id }, data: { resolvedAt: late(130) } });
  latencyAt = (seconds) => (seconds >= 200 ? 0.5 : 0.004);
  now = late(210);
  await look();
  const { rows, recovery } = await read(id);
  expect(rows.at(-1)?.message).toContain("Bad again after it was resolved, from the data.");
  // It was 0.4 at its worst while the incident was open.
  expect(recovery?.during).toBe(0.4);
  await storeAction(world.db, { at: late(140), service, verb: "rollback" });
  now = late(240);
  await look();
  expect((await read(id)).rows.filter(({ source }) => source?.startsWith("verdict/"))).toEqual([]);
  now = late(130 + 3_601);
  await look();
  expect((await read(id)).recovery?.points.at(-1)?.at).toBe(late(238).toISOString());
});

test("after a long absence of the controller all that happened is found, three hours with each look", async () => {
  const id = await report();
  now = late(5 * 3_600);
  await look();
  expect(await read(id)).toMatchObject({ recovery: { during: 0.4, recoveredAt: late(60).toISOString() } });
  expect((await listResolveBlockers(world.db, id, now)).map(({ id: blocker }) => blocker)).toContain("indicator-unknown");
  await look();
  expect((await read(id)).recovery?.points.at(-1)?.at).toBe(late(5 * 3_600 - 2).toISOString());
});

describe("a resolve", () => {
  const blockersOf = async (id: string) => (await listResolveBlockers(world.db, id, now)).map(({ id: blocker }) => blocker);
  const withoutAlert = async () => {
    const id = await report();
    await world.db.alertEpisode.updateMany({
      where: { namespace: service.namespace },
      data: { state: "resolved", endsAt: late(-400) },
    });
    latencyAt = (seconds) => (seconds >= 0 && seconds < 30 ? 0.4 : 0.004);
    return id;
  };

  test("waits for a measurement, for it to be good, and for it to have been so for long enough", async () => {
    const id = await report();
    expect(await blockersOf(id)).toEqual(["alert-fires", "indicator-unknown"]);
    await look();
    expect(await blockersOf(id)).toEqual(["alert-fires", "indicator-bad"]);
  });

  test("waits for every alert that fires on its services, also for one that nobody has linked", async () => {
    const id = await withoutAlert();
    now = late(80);
    await look();
    expect(await blockersOf(id)).toEqual([]);
    await storeAlert(world.db, { name: "RelayConnectionDrop", startsAt: late(70), service });
    expect(await blockersOf(id)).toEqual(["alert-fires"]);
  });

  test("is free once the indicator has recovered, and not while it is not measured any more", async () => {
    const id = await withoutAlert();
    await look();
    now = late(80);
    await look();
    expect(await blockersOf(id)).toEqual([]);
    isDown = true;
    now = late(160);
    await look();
    expect(await blockersOf(id)).toEqual(["indicator-unknown"]);
    isDown = false;
    latencyAt = () => null;
    await look();
    expect(await blockersOf(id)).toEqual(["indicator-unknown"]);
  });
});
