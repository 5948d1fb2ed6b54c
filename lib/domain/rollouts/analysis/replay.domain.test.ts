import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Database } from "#lib/database/client.ts";
import { PrometheusClient } from "#lib/prometheus/client.ts";
import { createTestDatabase } from "../../../../e2e/postgres.ts";
import { samplesOf, startTestPrometheus, type TestPrometheus } from "../../../../e2e/prometheus.ts";
import type { ConsoleContext } from "../../context.ts";
import { defaultAnalysis } from "../strategy.ts";
import { replayAnalysis } from "./replay.ts";

const now = Math.floor(Date.now() / 60_000) * 60 - 300;
const minute = 60;
const ref = { namespace: "fleet", name: "relay" };
/** Each version with the minutes ago when it came and went, and its share of errors. */
const lives = [
  { version: "2.0.0", came: 120, went: 89, errorRatio: 0.001 },
  { version: "2.1.0", came: 90, went: 49, errorRatio: 0.001 },
  { version: "2.2.0", came: 50, went: 39, errorRatio: 0.08 },
  { version: "2.1.0", came: 40, went: 0, errorRatio: 0.001 },
];
const releases = [
  { minutesAgo: 20 * 24 * 60, verb: "image", from: "1.9.0", to: "2.0.0", rollout: true },
  { minutesAgo: 90, verb: "image", from: "2.0.0", to: "2.1.0", rollout: true },
  { minutesAgo: 70, verb: "restart", from: "2.1.0", to: "2.1.0", rollout: true },
  { minutesAgo: 50, verb: "image", from: "2.1.0", to: "2.2.0", rollout: false },
  { minutesAgo: 40, verb: "rollback", from: "2.2.0", to: "2.1.0", rollout: true },
];

let db: Database;
let drop: () => Promise<void>;
let prometheus: TestPrometheus;
let context: ConsoleContext;

beforeAll(async () => {
  ({ database: db, drop } = await createTestDatabase());
  prometheus = await startTestPrometheus(scraped());
  for (const release of releases) await record(release);
  context = {
    actor: { kind: "user", id: null, name: "vera", role: "viewer" },
    db,
    prometheus: new PrometheusClient({ url: prometheus.url }),
    clock: () => new Date(now * 1000),
    fleet: { findKind: (id: string) => (id === "fleet/relay" ? "relay" : null) },
    surroundings: { outside: { get: async () => ({ value: [], at: null, problem: null }) } },
  } as unknown as ConsoleContext;
});
afterAll(async () => {
  await prometheus?.stop();
  await drop?.();
});

function scraped(): string {
  const lines = lives.flatMap(({ version, came, went, errorRatio }) => {
    const range = { from: now - came * minute, to: now - went * minute, stepSeconds: 15 };
    const labels = { ...{ namespace: "fleet", service: "relay", kind: "relay" }, version, pod: `relay-${came}` };
    return Object.entries({ ok: 10 * (1 - errorRatio), error: 10 * errorRatio }).flatMap(([status, rate]) =>
      samplesOf("materi_operations_processed_total", { ...labels, status }, range, (at) => (at - range.from) * rate),
    );
  });
  return ["# TYPE materi_operations_processed counter", ...lines, "# EOF\n"].join("\n");
}

async function record({ minutesAgo, verb, from, to, rollout }: (typeof releases)[number]): Promise<void> {
  const at = new Date((now - minutesAgo * minute) * 1000);
  const followed = {
    namespace: ref.namespace,
    service: ref.name,
    workloadUid: randomUUID(),
    change: verb,
    fromVersion: from,
    toVersion: to,
    targetGeneration: 1,
    state: "complete",
    message: "Complete.",
    startedAt: at,
  } as const;
  await db.auditEntry.create({
    data: {
      at,
      actorKind: "user",
      actorName: "olga",
      verb,
      targetKind: "service",
      targetNamespace: ref.namespace,
      targetName: ref.name,
      before: { version: from },
      after: { intended: { version: to }, message: "", generation: 1 },
      outcome: "succeeded",
      requestId: randomUUID(),
      rollout: rollout ? { create: followed } : undefined,
    },
  });
}

test("a gate is tried on the releases of the past: which it would have stopped, when and why", async () => {
  const analysis = { ...defaultAnalysis, metrics: ["error-ratio"] };
  const answer = await replayAnalysis(context, ref, { analysis });
  expect(answer).toMatchObject({ count: { stopped: 1, paused: 0, "let-through": 2, unknown: 1 }, leftOut: [] });
  expect(answer.releases.map(({ toVersion, outcome, comparedBy }) => [toVersion, outcome, comparedBy])).toEqual([
    ["2.1.0", "let-through", "version"],
    ["2.2.0", "stopped", "version"],
    ["2.1.0", "let-through", "version"],
    ["2.0.0", "unknown", "version"],
  ]);
  const [, bad] = answer.releases;
  expect(bad).toMatchObject({
    verb: "image",
    actor: "olga",
    rolloutId: null,
    state: null,
    fromVersion: "2.1.0",
    afterSeconds: 120,
  });
  expect(bad?.message).toMatch(/^Error ratio: 8 % of [\d,]+ requests failed .* Bad in 2 of 2 measurements, 1 is allowed\./);
  expect(bad?.message).toContain("worse than stable: 0.15 % of 675 requests");
});

test("a gate that bears more lets the bad release through until the next one came", async () => {
  const analysis = { ...defaultAnalysis, metrics: ["error-ratio"], failureLimit: 20 };
  const { releases: tried } = await replayAnalysis(context, ref, { analysis });
  expect(tried[1]).toMatchObject({ outcome: "let-through", metrics: [{ metric: "error-ratio", good: 0, bad: 10, noData: 0 }] });
});

test("nothing is said where Prometheus has nothing, and what the kind does not have is left out", async () => {
  const answer = await replayAnalysis(context, ref, { analysis: { ...defaultAnalysis, metrics: ["probe-success", "uptime"] } });
  expect(answer.leftOut).toEqual(["uptime"]);
  expect(answer.count.unknown).toBe(4);
});

test("what cannot be tried is refused in words", async () => {
  const analysis = { ...defaultAnalysis, metrics: ["uptime"] };
  await expect(replayAnalysis(context, ref, { analysis })).rejects.toMatchObject({ code: "invalid-input" });
  await expect(replayAnalysis(context, { namespace: "fleet", name: "none" }, { analysis })).rejects.toMatchObject({
    code: "not-found",
  });
  const analysed = { analysis: { ...defaultAnalysis, metrics: ["error-ratio"] } };
  await expect(replayAnalysis({ ...context, prometheus: null }, ref, analysed)).rejects.toMatchObject({
    code: "prometheus-unavailable",
  });
});
