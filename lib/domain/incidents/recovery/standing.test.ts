import { expect, test } from "vitest";
import type { Indicator } from "./indicators.ts";
import { beginIndicator, type StoredRecovery, takePoints } from "./recovery.ts";
import { standingBy, standingOf } from "./standing.ts";

const impact = new Date("2026-03-01T12:00:00Z");
const at = (seconds: number) => new Date(impact.getTime() + seconds * 1000).toISOString();
const latency: Indicator = {
  name: "latency-p95",
  title: "p95",
  short: "p95",
  unit: "seconds",
  limit: 0.05,
  bad: "above",
  expr: "p95",
  standsInFor: null,
};
const errors: Indicator = { ...latency, name: "error-ratio", title: "errors", short: "errors", unit: "ratio", expr: "errors" };

/** A service of which these values were seen, each at so many seconds after the impact began. */
function watched(seen: Partial<Record<"latency-p95" | "error-ratio", [seconds: number, value: number][]>>): StoredRecovery {
  const watch = { impactStartedAt: impact.toISOString(), windowSeconds: 30 };
  const indicators = [latency, errors].map((indicator) => {
    const points = (seen[indicator.name as keyof typeof seen] ?? []).map(([seconds, value]) => ({
      at: impact.getTime() + seconds * 1000,
      value,
    }));
    return takePoints(beginIndicator(indicator, impact), watch, points).indicator;
  });
  return { ...watch, indicators, named: [], soughtFrom: null };
}

test("a recovery stays where it was when something goes bad after the resolution", () => {
  const service = watched({
    "latency-p95": [
      [0, 0.2],
      [60, 0.01],
      [300, 0.3],
    ],
    "error-ratio": [
      [0, 0],
      [60, 0],
      [300, 0.4],
    ],
  });
  expect(standingOf(service).recoveredAt).toBeNull();
  expect(standingBy(service, at(200))).toEqual({ wasBad: true, recoveredAt: at(30) });
  expect(standingBy(service, at(400)).recoveredAt).toBeNull();
});

test("what was resolved too early recovered when it first did", () => {
  const service = watched({
    "latency-p95": [
      [0, 0.2],
      [60, 0.2],
      [120, 0.01],
      [180, 0.3],
      [240, 0.01],
    ],
  });
  expect(standingBy(service, at(40))).toEqual({ wasBad: true, recoveredAt: at(90) });
  expect(standingBy(service, at(400)).recoveredAt).toBe(at(210));
});
