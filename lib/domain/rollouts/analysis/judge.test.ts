import { describe, expect, test } from "vitest";
import { judgeSample } from "./judge.ts";
import type { Bucket } from "./statistics.ts";
import { findMetric, type MetricTemplate } from "./templates.ts";

const settings = { minimumSamples: 50, windowSeconds: 120 };

function relay(name: string): MetricTemplate {
  const template = findMetric("relay", name);
  if (!template) throw new Error(`A relay has no ${name}.`);
  return template;
}

function errors(candidate: [number, number] | null, stable: [number, number] | null = null) {
  const counts = (pair: [number, number] | null) => pair && { bad: pair[0], all: pair[1] };
  return judgeSample(
    relay("error-ratio"),
    { metric: "error-ratio", candidate: counts(candidate), stable: counts(stable) },
    settings,
  );
}

describe("the error ratio", () => {
  test("within the limit and not worse than stable's is good", () => {
    expect(errors([2, 400], [20, 4_000])).toMatchObject({
      verdict: "good",
      value: 0.005,
      limit: 0.01,
      stable: 0.005,
      samples: 400,
      stableSamples: 4_000,
      test: { name: "Fisher's exact test", effectName: "difference of shares" },
    });
  });

  test("over the limit is bad, in numbers", () => {
    const { verdict, message } = errors([32, 400], [20, 4_000]);
    expect(verdict).toBe("bad");
    expect(message).toBe(
      "8 % of 400 requests failed within 2 m, over the limit of 1 %; worse than stable: 0.5 % of 4,000 requests; " +
        "Fisher's exact test, p < 0.001, 7.5 points more, 95 % interval 5.21 points to 10.6 points.",
    );
  });

  test("over the limit is bad only when that is hardly chance, and has no verdict while it is doubtful", () => {
    expect(errors([1, 60])).toMatchObject({ verdict: "good", value: 1 / 60 });
    expect(errors([1, 60]).message).toContain("over the limit of 1 %; as chance may have it (exact binomial test, p = 0.45)");
    expect(errors([3, 60])).toMatchObject({ verdict: "no-data", value: 0.05 });
    expect(errors([3, 60]).message).toContain("it may be chance, so there is no verdict (exact binomial test, p = 0.022)");
    expect(errors([5, 60]).verdict).toBe("bad");
  });

  test("within the limit is bad when it is worse than stable's by what matters, and not by less", () => {
    expect(errors([90, 10_000], [10, 100_000])).toMatchObject({ verdict: "bad" });
    expect(errors([40, 10_000], [10, 100_000])).toMatchObject({ verdict: "good" });
  });

  test("that is worse than stable's is bad although the limit alone would leave it open, and the sentence says which", () => {
    const { verdict, message } = errors([3, 60], [4, 40_000]);
    expect(verdict).toBe("bad");
    expect(message).toMatch(/^5 % of 60 requests failed within 2 m, over the limit of 1 %; worse than stable: 0.01 % of 40,000/);
  });

  test("of both versions over the limit is no verdict on the new one, and says to look elsewhere", () => {
    const { verdict, message } = errors([20, 400], [200, 4_000]);
    expect(verdict).toBe("no-data");
    expect(message).toContain("stable is over the limit, too, so that there is no verdict: look for a cause outside");
    expect(errors([80, 400], [200, 4_000])).toMatchObject({ verdict: "bad" });
  });

  test("of too few requests has no verdict, whatever they say", () => {
    expect(errors([49, 49], [0, 4_000])).toMatchObject({ verdict: "no-data", value: null, samples: 49 });
    expect(errors([49, 49]).message).toBe("Only 49 requests within 2 m: a verdict needs 50.");
    expect(errors(null)).toMatchObject({ verdict: "no-data", message: "No requests within 2 m: a verdict needs 50." });
  });

  test("is held to the limit alone while stable has too few requests", () => {
    const judged = errors([1, 400], [0, 12]);
    expect(judged).toMatchObject({ verdict: "good", test: null, stableSamples: 12 });
    expect(judged.message).toContain("not compared with stable, which had 12 requests where 50 are needed");
  });
});

const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, Number.POSITIVE_INFINITY];

function histogram(counts: number[]): Bucket[] {
  return bounds.map((le, index) => ({ le, count: counts[index] ?? 0 }));
}

function times(candidate: number[], stable: number[] | null, template = relay("latency-p95")) {
  const sample = {
    metric: "latency-p95",
    candidate: histogram(candidate),
    stable: stable && histogram(stable),
  } as const;
  return judgeSample(template, sample, settings);
}

describe("the latency", () => {
  test("like stable's and within the limit is good", () => {
    const judged = times([100, 80, 20], [1_000, 800, 200]);
    expect(judged).toMatchObject({ verdict: "good", limit: 0.05, samples: 200, test: { name: "Mann-Whitney U test" } });
    expect(judged.test?.effect).toBeCloseTo(0, 2);
    expect(judged.value).toBeCloseTo(judged.stable ?? 0, 12);
  });

  test("with a p95 over the limit is bad, in numbers", () => {
    const { verdict, message } = times([0, 0, 0, 0, 30, 170], [1_000, 800, 200]);
    expect(verdict).toBe("bad");
    expect(message).toMatch(
      /^The p95 of 200 requests within 2 m is 241 ms, over the limit of 50 ms; worse than stable: 17.5 ms of 2,000 requests; Mann-Whitney U test, p < 0.001, Cliff's delta 1.00\.$/,
    );
  });

  test("within the limit is bad when the version is slower as a whole, by what matters", () => {
    expect(times([0, 20, 100, 80], [1_000, 800, 200])).toMatchObject({ verdict: "bad", test: { effectName: "Cliff's delta" } });
  });

  test("that is surely slower, but by little, is good", () => {
    // p95 8.75 ms against 10 ms: a fifth of the limit, 10 ms, would matter.
    expect(times([2_000, 8_000, 0], [10_000, 10_000, 0])).toMatchObject({ verdict: "good" });
  });

  test("with a heavier tail is bad although most requests are as quick as stable's", () => {
    const judged = times([500, 400, 0, 95, 5], [5_000, 4_900, 90, 10]);
    expect(judged).toMatchObject({ verdict: "bad", test: { name: "Fisher's exact test" } });
    expect(judged.message).toContain("points more");
  });

  test("over the limit is bad only when that is hardly chance", () => {
    expect(times([50, 5, 0, 0, 4], null)).toMatchObject({ verdict: "good" });
    expect(times([50, 5, 0, 0, 7], null)).toMatchObject({ verdict: "no-data" });
    expect(times([50, 5, 0, 0, 12], null)).toMatchObject({ verdict: "bad" });
  });

  test("beyond the histogram's highest bound is known to be more", () => {
    expect(times([0, 0, 0, 0, 0, 20, 80], null).message).toContain("is more than 250 ms, over the limit of 50 ms");
    expect(times([0, 0, 0, 0, 0, 100], null).message).toContain("is 243 ms, over");
  });

  test("without a limit is compared with stable alone", () => {
    const connector = findMetric("connector", "latency-p95");
    if (!connector) throw new Error("A connector has no latency.");
    expect(times([0, 0, 0, 0, 0, 100], [0, 0, 0, 0, 0, 900], connector)).toMatchObject({ verdict: "good", limit: null });
    expect(times([0, 0, 0, 0, 0, 100], [900], connector)).toMatchObject({ verdict: "bad" });
  });
});

describe("the prober's success", () => {
  const probes = (bad: number, all: number) =>
    judgeSample(relay("probe-success"), { metric: "probe-success", candidate: { bad, all } }, settings);

  test("is bad below its limit", () => {
    expect(probes(0, 300)).toMatchObject({ verdict: "good", value: 1, limit: 0.99 });
    expect(probes(24, 300)).toMatchObject({ verdict: "bad", value: 0.92 });
    expect(probes(24, 300).message).toBe("92 % of 300 operations of the prober succeeded within 2 m, below the limit of 99 %.");
  });

  test("has no verdict on too few operations", () => {
    expect(probes(3, 20)).toMatchObject({ verdict: "no-data" });
    expect(probes(4, 300)).toMatchObject({ verdict: "good", message: expect.stringContaining("as chance may have it") });
  });
});

test("a restart is bad, and instances that were never scraped tell nothing", () => {
  const restarts = (candidate: { restarts: number; instances: number } | null) =>
    judgeSample(relay("restarts"), { metric: "restarts", candidate }, settings);
  expect(restarts({ restarts: 0, instances: 3 })).toMatchObject({ verdict: "good", value: 0, limit: 0, samples: 3 });
  expect(restarts({ restarts: 2, instances: 3 })).toMatchObject({ verdict: "bad", value: 2 });
  expect(restarts({ restarts: 2, instances: 3 }).message).toBe("2 restarts of 3 instances since the analysis began, 0 allowed.");
  expect(restarts(null)).toMatchObject({ verdict: "no-data", value: null });
});
