import { describe, expect, test } from "vitest";
import type { PrometheusClient, PrometheusSeries } from "#lib/prometheus/client.ts";
import { firstFiring, testRule } from "./rule-test.ts";

const started = new Date("2026-11-21T12:00:00Z");
const at = (seconds: number) => started.getTime() / 1000 + seconds;
const points = (...seconds: number[]): [number, number][] => seconds.map((second) => [at(second), 1]);
const series = (labels: Record<string, string>, ...seconds: number[]): PrometheusSeries => ({
  labels,
  points: points(...seconds),
});
const relay = { namespace: "fleet", service: "relay" };

describe("an alert would first have fired", () => {
  const first = (given: PrometheusSeries[], forSeconds = 0) => {
    const found = firstFiring(given, { services: ["fleet/relay"], forSeconds, stepSeconds: 10 });
    return found === null ? null : found - at(0);
  };

  test("as soon as its expression has a value, when it waits for nothing", () => {
    expect(first([series(relay, 20, 30)])).toBe(20);
  });

  test("once it was true for as long as it waits, without a gap", () => {
    expect(first([series(relay, 0, 10, 20, 30)], 30)).toBe(30);
    expect(first([series(relay, 0, 10, 20, 40, 50, 60, 70)], 30)).toBe(70);
    expect(first([series(relay, 0, 10, 20)], 30)).toBeNull();
  });

  test("of the series that are about one of the services, or about none", () => {
    expect(first([series({ namespace: "fleet", service: "hub" }, 0), series(relay, 40)])).toBe(40);
    expect(first([series({ cluster: "a" }, 30), series(relay, 40)])).toBe(30);
    const other = series({ namespace: "other", service: "relay" }, 0);
    expect(first([other])).toBeNull();
    expect(firstFiring([other], { services: [], forSeconds: 0, stepSeconds: 10 })).toBe(at(0));
  });
});

describe("the test of a rule", () => {
  const rule = { name: "RelayHighLatency", query: "latency > 0.05", forSeconds: 30, health: "ok" };
  const wanted = {
    rule: "RelayHighLatency",
    withinSeconds: 60,
    impactStartedAt: started,
    endedAt: new Date(started.getTime() + 600_000),
    services: ["fleet/relay"],
  };
  const asked: { expr: string; from: number; to: number }[] = [];
  const prometheus = (answer: PrometheusSeries[], heard = [series({}, 0, 600)]) =>
    ({
      queryRange: async (expr: string, { from, to }: { from: number; to: number }) => {
        asked.push({ expr, from, to });
        return expr === "count(up)" ? heard : answer;
      },
    }) as unknown as PrometheusClient;
  const slow = series(relay, 10, 15, 20, 25, 30, 35, 40);

  test("passes when it fires within the time, asking from its wait before the impact to the end", async () => {
    asked.length = 0;
    expect(await testRule(prometheus([slow]), [rule], wanted)).toEqual({
      verdict: "passed",
      message: "RelayHighLatency, as it is now, would have fired 40 s after the impact began, within the 1 m that are allowed.",
    });
    expect(asked.at(-1)).toEqual({ expr: "latency > 0.05", from: at(-30), to: at(600) });
  });

  test("fails when it fires later, or never", async () => {
    expect(await testRule(prometheus([slow]), [rule], { ...wanted, withinSeconds: 30 })).toEqual({
      verdict: "failed",
      message: "RelayHighLatency, as it is now, would have fired 40 s after the impact began: 30 s are allowed.",
    });
    expect(await testRule(prometheus([]), [rule], wanted)).toMatchObject({ verdict: "failed" });
  });

  test("fails of a rule that Prometheus has not or cannot evaluate", async () => {
    expect(await testRule(prometheus([slow]), [], wanted)).toEqual({
      verdict: "failed",
      message: "Prometheus has no alert rule RelayHighLatency.",
    });
    expect(await testRule(prometheus([slow]), [{ ...rule, health: "err" }], wanted)).toMatchObject({ verdict: "failed" });
  });

  test("proves nothing without a Prometheus, or without data of that time", async () => {
    expect(await testRule(null, [rule], wanted)).toMatchObject({ verdict: "unknown" });
    expect(await testRule(prometheus([], []), [rule], wanted)).toEqual({
      verdict: "unknown",
      message: "Prometheus has no data of the incident's time any more.",
    });
  });
});
