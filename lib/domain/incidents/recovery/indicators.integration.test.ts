import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PrometheusClient } from "#lib/prometheus/client.ts";
import { samplesOf, startTestPrometheus, type TestPrometheus } from "../../../../e2e/prometheus.ts";
import type { ServiceRef } from "../../fleet/schemas.ts";
import { type Indicator, type IndicatorName, indicatorsOf } from "./indicators.ts";
import { beginIndicator, type Point, takePoints } from "./recovery.ts";

const now = Math.floor(Date.now() / 60_000) * 60 - 300;
const stepSeconds = 5;
const range = { from: now - 900, to: now, stepSeconds };
const impact = now - 300;
const over = now - 120;

const relay: ServiceRef = { namespace: "fleet", name: "relay" };
const hub: ServiceRef = { namespace: "fleet", name: "hub" };
const edge: ServiceRef = { namespace: "fleet", name: "edge" };
const issuer: ServiceRef = { namespace: "fleet", name: "issuer" };

let prometheus: TestPrometheus;
let client: PrometheusClient;

beforeAll(async () => {
  prometheus = await startTestPrometheus(scraped());
  client = new PrometheusClient({ url: prometheus.url });
});
afterAll(() => prometheus?.stop());

/** Seconds until then in which the relay was harmed. */
const harmed = (at: number) => Math.max(0, Math.min(at, over) - impact);
const elapsed = (at: number) => at - range.from;

/**
 * The relay's operations are slow from the impact until it is over; the hub's fail meanwhile. The prober speaks of neither before it
 * first fails, nor of the edge, whose own counters have no error yet; one of two issuers is down now.
 */
function scraped(): string {
  const prober = { namespace: "fleet", service: "prober", kind: "prober" };
  const ofRelay = { ...prober, target: "relay", operation: "insert" };
  const ofHub = { ...prober, target: "hub", operation: "message" };
  const bucket = (le: string, count: (at: number) => number) =>
    samplesOf("switchyard_probe_latency_seconds_bucket", { ...ofRelay, le }, range, count);
  const requests = (labels: Record<string, string>, count: (at: number) => number) =>
    samplesOf("switchyard_probe_requests_total", labels, range, count);
  const typed = (name: string, kind: string, lines: string[]) => [`# TYPE ${name} ${kind}`, ...lines];
  return [
    ...typed("switchyard_probe_latency_seconds", "histogram", [
      ...bucket("0.005", (at) => 10 * (elapsed(at) - harmed(at))),
      ...bucket("0.05", (at) => 10 * (elapsed(at) - harmed(at))),
      ...bucket("0.5", (at) => 10 * elapsed(at)),
      ...bucket("+Inf", (at) => 10 * elapsed(at)),
      ...samplesOf("switchyard_probe_latency_seconds_count", ofRelay, range, (at) => 10 * elapsed(at)),
    ]),
    ...typed("switchyard_probe_requests", "counter", [
      ...requests({ ...ofRelay, result: "ok" }, (at) => 10 * elapsed(at)),
      ...requests({ ...ofRelay, operation: "token", result: "error" }, (at) => 10 * elapsed(at)),
      ...requests({ ...ofHub, result: "ok" }, (at) => 2 * elapsed(at) - harmed(at)),
      ...requests({ ...ofHub, result: "error" }, harmed),
    ]),
    ...typed(
      "messages_received",
      "gauge",
      samplesOf("messages_received", { namespace: "fleet", service: "edge", kind: "edge" }, range, (at) => 5 * elapsed(at)),
    ),
    ...typed("up", "gauge", [
      ...samplesOf("up", { namespace: "fleet", service: "issuer", pod: "issuer-1" }, range, () => 1),
      ...samplesOf("up", { namespace: "fleet", service: "issuer", pod: "issuer-2" }, range, (at) => (at < now - 60 ? 1 : 0)),
    ]),
    "# EOF\n",
  ].join("\n");
}

function indicatorOf(kind: string, ref: ServiceRef, name: IndicatorName): Indicator {
  const found = indicatorsOf(kind, ref, 30, { desired: 2 }).find((one) => one.name === name);
  if (!found) throw new Error(`${kind} has no ${name}`);
  return found;
}

/** The points of an indicator, as a watch reads them. */
async function read({ expr }: Indicator): Promise<Point[]> {
  const span = { from: range.from + 60, to: now, stepSeconds };
  const [series] = await client.queryRange(expr, span);
  const values = new Map(series?.points);
  const times = Array.from({ length: (span.to - span.from) / stepSeconds + 1 }, (_, index) => span.from + index * stepSeconds);
  return times.map((at) => ({ at: at * 1000, value: values.get(at) ?? null }));
}
const valueAt = async (indicator: Indicator, at: number) =>
  (await read(indicator)).find((point) => point.at === at * 1000)?.value;

const impactAt = new Date(impact * 1000);
const follow = async (indicator: Indicator) =>
  takePoints(
    beginIndicator(indicator, impactAt),
    { impactStartedAt: impactAt.toISOString(), windowSeconds: 30 },
    await read(indicator),
  );

describe("the recovery that is read from Prometheus", () => {
  test.each([
    ["slow operations", () => indicatorOf("relay", relay, "latency-p95")],
    ["failed operations", () => indicatorOf("hub", hub, "error-ratio")],
  ])("of %s is the one that happened, to two scrapes", async (_, indicator) => {
    const { indicator: recovery, news } = await follow(indicator());
    expect(news.map(({ kind }) => kind)).toEqual(["recovered"]);
    const error = Date.parse(recovery.recoveredAt ?? "") / 1000 - over;
    expect(Math.abs(error)).toBeLessThanOrEqual(2 * stepSeconds);
    expect(recovery).toMatchObject({ state: "good", wasBad: true });
    expect(recovery.before).toBeLessThan(recovery.limit);
    expect(recovery.during).toBeGreaterThan(recovery.limit);
    expect(recovery.after).toBeLessThan(recovery.limit);
  });
});

describe("an indicator", () => {
  test("is 0 where nothing failed, also where failures have no series yet, and leaves tokens out", async () => {
    expect(await valueAt(indicatorOf("relay", relay, "error-ratio"), now)).toBe(0);
    expect(await valueAt(indicatorOf("edge", edge, "error-ratio"), now)).toBe(0);
  });

  test("has no value where nothing is measured, or too little to say anything", async () => {
    expect(await valueAt(indicatorOf("edge", edge, "latency-p95"), now)).toBeNull();
    expect(await valueAt(indicatorOf("connector", { ...relay, name: "connector" }, "error-ratio"), now)).toBeNull();
  });

  test("is the share of wanted instances that answered in the window for what nothing else is known of", async () => {
    const up = indicatorOf("issuer", issuer, "up");
    expect([await valueAt(up, now - 120), await valueAt(up, now)]).toEqual([1, 0.5]);
    const [ofFour] = indicatorsOf("issuer", issuer, 30, { desired: 4 });
    expect(ofFour && (await valueAt(ofFour, now - 120))).toBe(0.5);
    const [gone] = indicatorsOf("issuer", { ...issuer, name: "gone" }, 30, { desired: 2 });
    expect(gone && (await valueAt(gone, now))).toBeNull();
  });
});
