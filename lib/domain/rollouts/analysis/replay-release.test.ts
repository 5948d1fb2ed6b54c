import { expect, test } from "vitest";
import type { PrometheusSeries } from "#lib/prometheus/client.ts";
import { defaultAnalysis } from "../strategy.ts";
import { type MetricSeries, replayRelease } from "./replay-release.ts";
import { findMetric } from "./templates.ts";

const settings = { ...defaultAnalysis, metrics: ["error-ratio"] };
const split = { label: "version", candidate: "2.2.0", stable: "2.0.0" };
const from = 1_000_000;
const times = Array.from({ length: 10 }, (_, index) => from + (index + 1) * 60);

/** What both versions did each minute: 600 requests, and as many errors of the new one as told; null where it has no series. */
function errors(ofCandidate: (number | null)[]): MetricSeries[] {
  const template = findMetric("relay", "error-ratio");
  if (!template) throw new Error("A relay has no error ratio.");
  const points = (values: (number | null)[]) =>
    values.flatMap((value, index): [number, number][] => (value === null ? [] : [[times[index] ?? 0, value]]));
  const series = (version: string, values: (number | null)[]): PrometheusSeries => ({
    labels: { version },
    points: points(values),
  });
  const requests = ofCandidate.map((value) => (value === null ? null : 600));
  return [
    {
      template,
      series: {
        bad: [
          series("2.2.0", ofCandidate),
          series(
            "2.0.0",
            ofCandidate.map(() => 1),
          ),
        ],
        all: [
          series("2.2.0", requests),
          series(
            "2.0.0",
            ofCandidate.map(() => 600),
          ),
        ],
      },
    },
  ];
}

test("a bad release would have been stopped at its second bad measurement, and why is told in numbers", async () => {
  const replayed = await replayRelease(settings, errors([0, 0, 50, 60, 60, 60]), split, { from, times });
  expect(replayed).toMatchObject({
    outcome: "stopped",
    stoppedAt: new Date((from + 240) * 1000).toISOString(),
    afterSeconds: 240,
    metrics: [{ metric: "error-ratio", good: 2, bad: 2, noData: 0, worst: { value: 0.1 } }],
  });
  expect(replayed.message).toMatch(/^Error ratio: 10 % of 600 requests failed .* Bad in 2 of 4 measurements, 1 is allowed\.$/);
});

test("a good release would have been let through", async () => {
  const replayed = await replayRelease(settings, errors(Array(10).fill(1)), split, { from, times });
  expect(replayed).toMatchObject({ outcome: "let-through", stoppedAt: null, metrics: [{ good: 10, bad: 0, noData: 0 }] });
});

test("a release whose data end would have been paused", async () => {
  const replayed = await replayRelease(settings, errors([0, 0, null, null, null, null, null, null, null, null]), split, {
    from,
    times,
  });
  expect(replayed).toMatchObject({ outcome: "paused", afterSeconds: 480 });
});

test("nothing is said of a release that Prometheus has no data of", async () => {
  const replayed = await replayRelease(settings, errors(Array(10).fill(null)), split, { from, times });
  expect(replayed).toMatchObject({ outcome: "unknown", stoppedAt: null });
  expect(await replayRelease(settings, errors([]), split, { from, times: [] })).toMatchObject({ outcome: "unknown" });
});

test("with a count the analysis ends when it is reached, and what comes later is not looked at", async () => {
  const counted = { ...settings, count: 3 };
  const replayed = await replayRelease(counted, errors([0, 0, 0, 60, 60, 60]), split, { from, times });
  expect(replayed).toMatchObject({ outcome: "let-through", metrics: [{ good: 3, bad: 0 }] });
});
