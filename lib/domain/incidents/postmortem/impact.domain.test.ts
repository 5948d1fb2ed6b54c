import { afterAll, beforeAll, expect, test } from "vitest";
import type { PrometheusClient, PrometheusSample } from "#lib/prometheus/client.ts";
import { createTestDatabase } from "../../../../e2e/postgres.ts";
import { alertContext, minutesAgo, testNow } from "../../alerts/test-alerts.ts";
import type { ConsoleContext } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { createItem } from "../action-items/commands.ts";
import type { Recovery } from "../schemas.ts";
import { measurePostmortem, startPostmortem } from "./commands.ts";
import { exportPostmortem } from "./export.ts";
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

async function makeIncident(recovery?: object): Promise<string> {
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
      recovery: recovery ?? undefined,
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
  return { query } as unknown as PrometheusClient;
}

test("the impact is measured over the incident's time, and the budget against the objective's window", async () => {
  asked.length = 0;
  const id = await makeIncident();
  await startPostmortem({ ...olga, prometheus: prometheus() }, { id, body: {} });
  const { postmortem } = await getPostmortem(olga, id);
  expect(postmortem?.impact).toMatchObject({
    from: minutesAgo(20).toISOString(),
    to: minutesAgo(10).toISOString(),
    until: "mitigated",
  });
  expect(postmortem?.impact?.services).toEqual([
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
  expect(asked.filter(({ expr }) => expr.includes("increase(")).every(({ at }) => at === minutesAgo(10).toISOString())).toBe(
    true,
  );
  expect(asked.some(({ expr }) => expr.includes("[600s]"))).toBe(true);
  expect(postmortem?.text).toContain("| Affected connections | at most 512; 480 when it began |");
});

const recovery: Recovery = {
  service: "fleet/relay",
  indicator: { name: "latency-p95", title: "Latency, p95", unit: "seconds", limit: 0.05, bad: "above" },
  windowSeconds: 30,
  before: 0.012,
  during: 0.8,
  now: 0.013,
  after: 0.013,
  state: "good",
  goodSince: minutesAgo(12).toISOString(),
  recoveredAt: minutesAgo(12).toISOString(),
  points: [20, 16, 12].map((minutes) => ({ at: minutesAgo(minutes).toISOString(), value: 0.1 })),
};

test("it ends with the recovery by the data where that is known, and is measured again on demand", async () => {
  const id = await makeIncident(recovery);
  const silent = { query: async () => Promise.reject(new DomainError("prometheus-unavailable", "Prometheus cannot be asked.")) };
  await startPostmortem({ ...olga, prometheus: silent as unknown as PrometheusClient }, { id, body: {} });
  const before = (await getPostmortem(olga, id)).postmortem;
  expect(before?.impact).toMatchObject({
    until: "recovered",
    to: minutesAgo(12).toISOString(),
    problem: "Prometheus cannot be asked.",
  });
  await measurePostmortem({ ...olga, prometheus: prometheus() }, id);
  const after = (await getPostmortem(olga, id)).postmortem;
  expect(after?.impact).toMatchObject({ problem: null, services: [{ own: { bad: 50, all: 5_000 } }] });
  expect(after?.text).toBe(before?.text);
});

test("an export has the text with its action items, as Markdown and as a page without scripts", async () => {
  const id = await makeIncident(recovery);
  await startPostmortem(olga, { id, body: {} });
  await createItem(olga, { incidentId: id, title: "Test <latency>", type: "prevent", owner: "otto", dueOn: "2026-12-01" });
  const get = (format: string) => exportPostmortem(olga, id, { input: { format }, baseUrl: "https://s.example", nonce: "abc" });
  const markdown = await get("markdown");
  expect(markdown.name).toMatch(/^postmortem-INC-\d+\.md$/);
  expect(markdown.text).toMatch(/\| AI-\d+ \| Test <latency> \| Prevent \| otto \| 2026-12-01 \| open \|/);
  expect(markdown.text).toMatch(/version 1, a draft\. Last written 2026-11-21 12:00 UTC/);
  const page = await get("html");
  expect(page.text).toContain('<style nonce="abc">');
  expect(page.text).toContain("<figcaption>Latency, p95 of fleet/relay; limit 50 ms; recovered 2026-11-21 11:48:00 UTC.");
  expect(page.text).toContain("The relay is &#60;slow&#62;");
  expect(page.text).toContain("Test &#60;latency&#62;");
  expect(page.text).not.toMatch(/<script|<slow>|<latency>/);
  await expect(get("pdf")).rejects.toMatchObject({ code: "invalid-input" });
});
