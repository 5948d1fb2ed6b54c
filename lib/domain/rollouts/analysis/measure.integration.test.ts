import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PrometheusClient } from "#lib/prometheus/client.ts";
import { samplesOf, startTestPrometheus, type TestPrometheus } from "../../../../e2e/prometheus.ts";
import { defaultAnalysis } from "../strategy.ts";
import { type MeasureInput, measure } from "./measure.ts";

const now = Math.floor(Date.now() / 60_000) * 60 - 300;
const range = { from: now - 600, to: now, stepSeconds: 5 };
const began = now - 300;
const operations = "materi_operations_processed_total";
const bounds = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "+Inf"];
/** Requests a second by bucket, cumulative. */
const quick = [2, 8, 9.8, 10, 10, 10, 10];
const slow = [0, 0, 0, 0, 0.5, 4, 4];

let prometheus: TestPrometheus;
let client: PrometheusClient;

beforeAll(async () => {
  prometheus = await startTestPrometheus(scraped());
  client = new PrometheusClient({ url: prometheus.url });
});
afterAll(() => prometheus?.stop());

/** Two stable instances, and for the last five minutes a candidate that is slow and fails every tenth request; it restarted once. */
function scraped(): string {
  const stable = ["relay-1", "relay-2"].map((pod) => ({ namespace: "fleet", service: "relay", kind: "relay", pod }));
  const candidate = { namespace: "fleet", service: "relay", kind: "relay", pod: "relay-candidate-1", track: "candidate" };
  const late = { ...range, from: began };
  const counted = (labels: Record<string, string>, times: typeof range, rates: { ok: number; error: number }) =>
    Object.entries(rates).flatMap(([status, rate]) =>
      samplesOf(operations, { ...labels, status }, times, (at) => (at - times.from) * rate),
    );
  const timed = (labels: Record<string, string>, times: typeof range, rates: number[]) =>
    bounds.flatMap((le, index) =>
      samplesOf(
        "materi_operation_latency_seconds_bucket",
        { ...labels, le },
        times,
        (at) => (at - times.from) * (rates[index] ?? 0),
      ),
    );
  const started = (labels: Record<string, string>, times: typeof range, at: (time: number) => number) =>
    samplesOf("process_start_time_seconds", labels, times, at);
  const probe = { namespace: "fleet", service: "prober", target: "relay", operation: "edit" };
  const typed = (name: string, kind: string, lines: string[]) => [`# TYPE ${name} ${kind}`, ...lines];
  return [
    ...typed("materi_operations_processed", "counter", [
      ...stable.flatMap((labels) => counted(labels, range, { ok: 10, error: 0 })),
      ...counted(candidate, late, { ok: 3.6, error: 0.4 }),
    ]),
    ...typed("materi_operation_latency_seconds", "histogram", [
      ...stable.flatMap((labels) => timed(labels, range, quick)),
      ...timed(candidate, late, slow),
    ]),
    ...typed("process_start_time_seconds", "gauge", [
      ...stable.flatMap((labels) => started(labels, range, () => range.from)),
      ...started(candidate, late, (at) => (at < now - 30 ? began : now - 30)),
    ]),
    ...typed("switchyard_probe_requests", "counter", [
      ...samplesOf("switchyard_probe_requests_total", { ...probe, result: "ok" }, range, (at) => (at - range.from) * 5),
      ...samplesOf("switchyard_probe_requests_total", { ...probe, result: "error" }, range, () => 0),
      ...samplesOf(
        "switchyard_probe_requests_total",
        { ...probe, operation: "token", result: "error" },
        range,
        (at) => at - now + 600,
      ),
    ]),
    "# EOF\n",
  ].join("\n");
}

function take(metric: string, changed: Partial<MeasureInput> = {}) {
  return measure({
    prometheus: client,
    kind: "relay",
    ref: { namespace: "fleet", name: "relay" },
    metric,
    settings: defaultAnalysis,
    track: "candidate",
    since: new Date(began * 1000),
    now: new Date(now * 1000),
    ...changed,
  });
}

describe("beside stable", () => {
  test("the candidate's errors are told from stable's", async () => {
    const measured = await take("error-ratio");
    expect(measured).toMatchObject({ metric: "error-ratio", verdict: "bad", limit: 0.01, stable: 0 });
    expect(measured.value).toBeCloseTo(0.1, 2);
    expect(measured.samples).toBeGreaterThan(450);
    expect(measured.stableSamples).toBeGreaterThan(2_200);
    expect(measured.detail.test?.pValue).toBeLessThan(0.001);
  });

  test("both p95 are the ones that Prometheus itself gives", async () => {
    const { value, stable, verdict } = await take("latency-p95");
    const p95 = async (matcher: string) => {
      const buckets = `materi_operation_latency_seconds_bucket{service="relay",${matcher}}`;
      const expr = `histogram_quantile(0.95, sum by (le) (rate(${buckets}[120s])))`;
      return (await client.query(expr, { at: new Date(now * 1000) }))[0]?.value ?? Number.NaN;
    };
    expect(verdict).toBe("bad");
    expect(value).toBeCloseTo(await p95('track="candidate"'), 3);
    expect(stable).toBeCloseTo(await p95('track=""'), 3);
  });

  test("a restart of the candidate since the analysis began is seen", async () => {
    expect(await take("restarts")).toMatchObject({ verdict: "bad", value: 1, samples: 1 });
    expect(await take("restarts", { now: new Date((now - 60) * 1000) })).toMatchObject({ verdict: "good", value: 0 });
  });

  test("the prober's success is that of all versions, without what the issuer failed", async () => {
    expect(await take("probe-success")).toMatchObject({ verdict: "good", value: 1, stable: null });
  });

  test("what was before the analysis began is not looked at", async () => {
    const { samples } = await take("error-ratio", { since: new Date((now - 30) * 1000) });
    expect(samples).toBeGreaterThan(80);
    expect(samples).toBeLessThan(160);
  });
});

test("of all instances together there is no stable version to compare with", async () => {
  const measured = await take("error-ratio", { track: "all" });
  expect(measured).toMatchObject({ verdict: "bad", stable: null, stableSamples: null, detail: { test: null } });
  expect(measured.samples).toBeGreaterThan(2_700);
});

test("a service without any series has no data", async () => {
  const ref = { namespace: "fleet", name: "other" };
  for (const metric of ["error-ratio", "latency-p95", "restarts"]) {
    expect(await take(metric, { ref })).toMatchObject({ verdict: "no-data", value: null });
  }
});

describe("an error, and not a bad version, is", () => {
  test("a Prometheus that is down", async () => {
    const down = new PrometheusClient({ url: "http://127.0.0.1:9" });
    expect(await take("error-ratio", { prometheus: down })).toMatchObject({
      verdict: "error",
      value: null,
      message: expect.stringContaining("Prometheus cannot be asked"),
    });
  });

  test("no Prometheus at all, and a metric that the kind does not have", async () => {
    expect(await take("error-ratio", { prometheus: null })).toMatchObject({ verdict: "error" });
    expect(await take("latency-p95", { kind: "issuer" })).toMatchObject({
      verdict: "error",
      message: "There is no metric latency-p95 for services of the kind issuer.",
    });
  });
});
