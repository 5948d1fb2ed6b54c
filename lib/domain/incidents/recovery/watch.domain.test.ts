import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { PrometheusClient } from "#lib/prometheus/client.ts";
import { serviceYaml, startTestWorld, type TestWorld } from "../../actions/test-fleet.ts";
import { reportIncident } from "../opening/report.ts";
import { storeAlert } from "../test-happenings.ts";
import type { StoredRecovery } from "./recovery.ts";
import { listResolveBlockers } from "./resolve-gate.ts";
import { watchRecoveries } from "./watch.ts";

let world: TestWorld;
let server: Server;
let prometheus: PrometheusClient;
let now: Date;
let service: { namespace: string; name: string };
/** What the indicator was at a time, in seconds after the impact; null for nothing. */
let latencyAt: (seconds: number) => number | null;
let errorsAt: (seconds: number) => number | null;
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
        const value = (query.includes("histogram_quantile") ? latencyAt : errorsAt)(at - impact.getTime() / 1000);
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
  now = late(20);
  isDown = false;
  service = { namespace: "fleet", name: `relay-${randomUUID().slice(0, 8)}` };
  await world.cluster.create(serviceYaml(service.name));
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
  const { recovery, events } = await world.db.incident.findUniqueOrThrow({
    where: { id },
    select: { recovery: true, events: { where: { kind: "recovery" }, orderBy: { at: "asc" } } },
  });
  return { recovery: recovery as StoredRecovery | null, rows: events };
};

test("the indicator behind the alert is followed from before the impact to the recovery, which the timeline tells once", async () => {
  const id = await report();
  await look();
  const during = await read(id);
  expect(during.recovery).toMatchObject({
    service: `fleet/${service.name}`,
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

test("a change of its state raises the version once, newer points alone every ten seconds, and the same look does not", async () => {
  const id = await report();
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
  expect((await read(id)).recovery?.lookedAt).toBe(late(94).toISOString());
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
    now = late(60);
    await look();
    expect((await read(id)).recovery).toMatchObject({ indicator: { name: "latency-p95" } });
  });

  test("is the one that is bad now where the first one has recovered, and the alert's where none was bad", async () => {
    const id = await report("RelayHighErrorRate");
    latencyAt = () => 0.004;
    await look();
    expect((await read(id)).recovery).toMatchObject({ indicator: { name: "error-ratio" }, state: "good", wasBad: false });
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
    expect((await read(id)).rows.map(({ at }) => at)).toEqual([late(30), late(46)]);
  });

  test("is looked at from the beginning when the start of the impact is moved", async () => {
    const id = await report();
    await look();
    await world.db.incident.update({ where: { id }, data: { impactStartedAt: late(-120) } });
    await look();
    expect((await read(id)).recovery).toMatchObject({ impactStartedAt: late(-120).toISOString(), during: 0.4 });
  });
});

describe("a resolve", () => {
  const blockersOf = async (id: string) => (await listResolveBlockers(world.db, id, now)).map(({ id: blocker }) => blocker);
  const withoutAlert = async () => {
    const id = await report();
    await world.db.incidentLink.deleteMany({ where: { incidentId: id } });
    latencyAt = (seconds) => (seconds >= 0 && seconds < 30 ? 0.4 : 0.004);
    return id;
  };

  test("waits for a measurement, for it to be good, and for it to have been so for long enough", async () => {
    const id = await report();
    expect(await blockersOf(id)).toEqual(["alert-fires", "indicator-unknown"]);
    await look();
    expect(await blockersOf(id)).toEqual(["alert-fires", "indicator-bad"]);
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
