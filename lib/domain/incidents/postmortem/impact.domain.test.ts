import { strFromU8, unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toJson } from "#lib/database/storable.ts";
import type { PrometheusClient, PrometheusSample } from "#lib/prometheus/client.ts";
import { createTestDatabase } from "../../../../e2e/postgres.ts";
import { alertContext, minutesAgo, testNow } from "../../alerts/test-alerts.ts";
import type { ConsoleContext } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { formatUtc } from "../../times.ts";
import { createItem } from "../action-items/commands.ts";
import { indicatorsOf } from "../recovery/indicators.ts";
import { beginIndicator, type StoredRecovery } from "../recovery/recovery.ts";
import { addImage } from "../timeline/images.ts";
import { commandPostmortem, measurePostmortem, startPostmortem } from "./commands.ts";
import { exportPostmortem } from "./export.ts";
import { getPostmortemFacts } from "./facts.ts";
import { savePostmortem } from "./save.ts";
import { getPostmortem } from "./stored.ts";

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let olga: ConsoleContext;

beforeAll(async () => {
  database = await createTestDatabase();
  olga = { ...alertContext(database.database) } as unknown as ConsoleContext;
  await database.database.serviceObjective.create({
    data: {
      namespace: "fleet",
      service: "relay",
      availability: 0.999,
      latencyRatio: null,
      latencySeconds: null,
      windowDays: 30,
      updatedAt: testNow,
      updatedByName: "ada",
    },
  });
});
afterAll(() => database?.drop());

async function makeIncident(withRecovery = false): Promise<string> {
  const { id } = await database.database.incident.create({
    data: {
      title: "The relay is <slow>",
      severity: "P1",
      step: "document",
      origin: "alert",
      openedAt: minutesAgo(19),
      openedByName: "Switchyard",
      impactStartedAt: minutesAgo(20),
      detectedAt: minutesAgo(19),
      mitigatedAt: minutesAgo(10),
      resolvedAt: minutesAgo(5),
      ...(withRecovery && {
        recoveries: { create: { namespace: "fleet", service: "relay", lookedAt: testNow, state: toJson(recovery) } },
      }),
      impactStartSource: "alert",
      services: { create: { namespace: "fleet", service: "relay" } },
    },
  });
  return id;
}

const asked: { expr: string; at: string | undefined }[] = [];
const labels = { namespace: "fleet", service: "relay" };

/** A Prometheus that has 50 failures of 5,000 operations in the ten minutes, and 1,000,000 of the prober in 30 days. */
function prometheus(): PrometheusClient {
  const query = async (expr: string, { at }: { at?: Date } = {}): Promise<PrometheusSample[]> => {
    asked.push({ expr, at: at?.toISOString() });
    const isMonth = expr.includes("[2592000s]");
    if (expr.includes("max_over_time")) return [{ labels, value: 512 }];
    if (expr.includes("connections_active")) return [{ labels, value: 480 }];
    if (expr.includes("switchyard_probe_requests_total") && expr.includes("target")) {
      const of = (result: string, value: number) => ({ labels: { namespace: "fleet", target: "relay", result }, value });
      return isMonth ? [of("ok", 999_700), of("timeout", 300)] : [of("ok", 900), of("timeout", 100)];
    }
    if (expr.startsWith("histogram_quantile")) return [{ labels, value: expr.includes("[300s]") ? 0.012 : 0.8 }];
    if (expr.includes('increase(materi_operations_processed_total{status="error"}')) return [{ labels, value: 50 }];
    if (expr.includes("increase(materi_operations_processed_total")) return [{ labels, value: 5_000 }];
    return [];
  };
  const queryRange = async (expr: string, { from, to, stepSeconds }: { from: number; to: number; stepSeconds: number }) => {
    asked.push({ expr, at: `range ${stepSeconds}` });
    const points: [number, number][] = [];
    for (let at = from; at <= to; at += stepSeconds) points.push([at, at < minutesAgo(20).getTime() / 1000 ? 1 : 0.4]);
    return [{ labels: {}, points }];
  };
  return { query, queryRange } as unknown as PrometheusClient;
}

test("the impact is measured over the incident's time, and the budget against the objective's window", async () => {
  asked.length = 0;
  const id = await makeIncident();
  await startPostmortem({ ...olga, prometheus: prometheus() }, { id, body: {} });
  const { impact, charts } = await getPostmortemFacts(olga, id);
  expect(impact).toMatchObject({
    from: minutesAgo(20).toISOString(),
    to: minutesAgo(10).toISOString(),
    until: "mitigated",
  });
  expect(impact?.services).toEqual([
    {
      service: "fleet/relay",
      own: { bad: 50, all: 5_000 },
      probes: { bad: 100, all: 1_000 },
      connections: { before: 480, most: 512 },
      latencyP95: { before: 0.012, during: 0.8 },
      // 100 of the 1,000 that may fail of 1,000,000.
      budgets: [{ kind: "availability", target: 0.999, windowDays: 30, seenBy: "prober", spent: expect.closeTo(0.1, 9) }],
    },
  ]);
  expect(
    asked
      .filter(({ expr, at }) => expr.includes("increase(") && !at?.startsWith("range"))
      .every(({ at }) => at === minutesAgo(10).toISOString()),
  ).toBe(true);
  expect(asked.some(({ expr }) => expr.includes("[600s]"))).toBe(true);
  expect((await getPostmortem(olga, id)).postmortem?.text).toContain("50 operations failed (1 %)");
  // A service of no known kind has whether it answers; its points are kept from 15 minutes before until after the end.
  expect(charts).toMatchObject([
    {
      service: "fleet/relay",
      from: minutesAgo(35).toISOString(),
      stepSeconds: 15,
      values: { 0: 1, 59: 1, 60: 0.4, length: 141 },
    },
  ]);
});

const points = [20, 16, 12].map((minutes): [number, number] => [minutesAgo(minutes).getTime() / 1000, 0.1]);
const [latency] = indicatorsOf("relay", { namespace: "fleet", name: "relay" }, 30).filter(({ name }) => name === "latency-p95");
if (!latency) throw new Error("a relay has no latency");
const recoveredAt = minutesAgo(12).toISOString();
const recovery: StoredRecovery = {
  impactStartedAt: minutesAgo(20).toISOString(),
  windowSeconds: 30,
  named: [],
  soughtFrom: null,
  indicators: [
    {
      ...beginIndicator(latency, minutesAgo(20)),
      before: 0.012,
      during: 0.8,
      now: 0.013,
      after: 0.013,
      state: "good",
      goodSince: recoveredAt,
      recoveredAt,
      wasBad: true,
      wasKnown: true,
      points,
    },
  ],
};

test("it ends with the recovery by the data where that is known, and is measured again on demand", async () => {
  const id = await makeIncident(true);
  const fails = async () => Promise.reject(new DomainError("prometheus-unavailable", "Prometheus cannot be asked."));
  const silent = { query: fails, queryRange: fails } as unknown as PrometheusClient;
  await startPostmortem({ ...olga, prometheus: silent }, { id, body: {} });
  const facts = await getPostmortemFacts(olga, id);
  expect(facts).toMatchObject({ recoveredAt, recoveries: [{ service: "fleet/relay", during: 0.8 }], charts: [] });
  expect(facts.impact).toMatchObject({ until: "recovered", to: recoveredAt, problem: "Prometheus cannot be asked." });
  const before = (await getPostmortem(olga, id)).postmortem;
  await measurePostmortem({ ...olga, prometheus: prometheus() }, id);
  const measured = await getPostmortemFacts(olga, id);
  expect(measured.impact).toMatchObject({ problem: null, services: [{ own: { bad: 50, all: 5_000 } }] });
  expect(measured.charts).toHaveLength(1);
  expect((await getPostmortem(olga, id)).postmortem?.text).toBe(before?.text);
  expect(await database.database.auditEntry.findFirst({ where: { targetUid: id, verb: "measure-impact" } })).toMatchObject({
    before: { problem: "Prometheus cannot be asked." },
    after: { problem: null },
  });
});

test("it is known to be of other times once these have changed, and what Prometheus forgot stays", async () => {
  const id = await makeIncident(true);
  await startPostmortem({ ...olga, prometheus: prometheus() }, { id, body: {} });
  expect((await getPostmortemFacts(olga, id)).isImpactOutdated).toBe(false);
  await database.database.incident.update({ where: { id }, data: { impactStartedAt: minutesAgo(25) } });
  expect((await getPostmortemFacts(olga, id)).isImpactOutdated).toBe(true);
  const empty = { query: async () => [], queryRange: async () => [] } as unknown as PrometheusClient;
  await measurePostmortem({ ...olga, prometheus: empty }, id);
  const { impact, charts } = await getPostmortemFacts(olga, id);
  expect(impact?.services[0]?.own).toEqual({ bad: 50, all: 5_000 });
  expect(charts).toHaveLength(1);
});

test("it is not measured again once the postmortem is published", async () => {
  const id = await makeIncident(true);
  await startPostmortem(olga, { id, body: {} });
  const ada = { ...olga, actor: { ...olga.actor, name: "ada", role: "admin" as const } };
  await commandPostmortem(ada, { id, command: "publish", body: { override: { reason: "a test" } } });
  await expect(measurePostmortem({ ...olga, prometheus: prometheus() }, id)).rejects.toThrow("is published: reopen it");
});

test("the publication measures again what has changed since, and keeps that", async () => {
  const id = await makeIncident(true);
  await startPostmortem(olga, { id, body: {} });
  const ada = { ...olga, actor: { ...olga.actor, name: "ada", role: "admin" as const }, prometheus: prometheus() };
  await commandPostmortem(ada, { id, command: "publish", body: { override: { reason: "a test" } } });
  expect(await getPostmortemFacts(olga, id)).toMatchObject({ isFrozen: true, impact: { problem: null }, charts: { length: 1 } });
});

describe("an export", () => {
  const png = Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "base64",
  );
  const from = { baseUrl: "https://s.example", nonce: "abc" };
  let id: string;
  let image: string;

  beforeAll(async () => {
    id = await makeIncident(true);
    image = (await addImage(olga, id, png)).address;
    await startPostmortem({ ...olga, prometheus: prometheus() }, { id, body: {} });
    const text = `## Summary\n\n![the graph](${image})\n\n[a](/alerts/1)\n`;
    await savePostmortem(olga, id, { text, version: 1, saveId: "a-save-of-this-test" });
    await createItem(olga, { incidentId: id, title: "Test <latency>", type: "prevent", owner: "otto", dueOn: "2026-12-01" });
  });

  test("as Markdown is a zip of the text with its facts, charts and pictures, and links to them", async () => {
    const { name, body } = await exportPostmortem(olga, id, { input: { format: "markdown" }, ...from });
    expect(name).toMatch(/^postmortem-INC-\d+\.zip$/);
    const files = unzipSync(body);
    const picture = `pictures/${image.split("/").at(-1)}.png`;
    expect(Object.keys(files).toSorted()).toEqual([picture, "pictures/chart-1.svg", "postmortem.md"].toSorted());
    expect(Buffer.from(files[picture] ?? []).equals(png)).toBe(true);
    const text = strFromU8(files["postmortem.md"] ?? new Uint8Array());
    expect(text).toContain(`![the graph](${picture})`);
    expect(text).toMatch(/\| AI-\d+ \| Test \\<latency\\> \| Prevent \| otto \| 2026-12-01 \| open \|/);
    expect(text).toContain("[a](https://s.example/alerts/1)");
    expect(text).toContain(`**Recovered at ${formatUtc(recoveredAt)}**, by the data.`);
    expect(text).toMatch(/version 2, a draft\. Last written 2026-11-21 12:00 UTC/);
    expect(strFromU8(files["pictures/chart-1.svg"] ?? new Uint8Array())).toMatch(/^<svg xmlns/);
  });

  test("as a page holds all of that itself, without scripts", async () => {
    const { type, body } = await exportPostmortem(olga, id, { input: { format: "html" }, ...from });
    const text = strFromU8(body);
    expect(type).toBe("text/html");
    expect(text).toContain('<style nonce="abc">');
    expect(text).toContain(`<img src="data:image/png;base64,${png.toString("base64")}" alt="the graph">`);
    expect(text).toContain("<figcaption>Wanted instances that answer of fleet/relay");
    expect(text).toContain("The relay is &#60;slow&#62;");
    expect(text).toContain("Test &#60;latency&#62;");
    expect(text).not.toMatch(/<script|<slow>|<latency>/);
    await expect(exportPostmortem(olga, id, { input: { format: "pdf" }, ...from })).rejects.toMatchObject({
      code: "invalid-input",
    });
  });
});
