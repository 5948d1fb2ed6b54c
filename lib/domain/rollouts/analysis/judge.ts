import { formatDuration } from "../../duration.ts";
import type { MeasurementView } from "../schemas.ts";
import type { Analysis } from "../strategy.ts";
import { formatCount, formatPoints, formatProbability, formatSeconds, formatShare } from "./figure-texts.ts";
import type { Sample } from "./samples.ts";
import {
  type Bucket,
  type Comparison,
  type Counts,
  compareShares,
  compareTimes,
  countAll,
  countSlower,
  differenceInterval,
  limitTest,
  quantile,
} from "./statistics.ts";
import type { MetricTemplate } from "./templates.ts";
import type { Verdict } from "./verdict.ts";

/** What a measurement says, as it is kept. */
export type Judged = Pick<
  MeasurementView,
  "value" | "limit" | "stable" | "samples" | "stableSamples" | "verdict" | "message" | "test"
>;

/**
 * Below this a difference is no chance. Far below the usual level: an hour of measurements looks sixty times, and two windows that
 * overlap see the same accident. What it comes to is drawn at random in calibration.test.ts.
 */
const comparedAlpha = 0.001;
/** A limit is crossed when so many bad requests are less likely than `bad` at the limit itself; down to `doubtful` it is left open. */
const limitAlpha = { bad: 0.005, doubtful: 0.05 };
/** Smaller differences do not matter: this part of the limit, and for times also of what stable takes. */
const relevantPart = { share: 0.5, seconds: 0.2 };
/** Cliff's delta up to which an effect counts as negligible (Romano et al. 2006). */
const negligibleDelta = 0.147;
/** A p95 is over a limit when more than this share of requests is slower than the limit. */
const beyondP95 = 0.05;

/** Judges one measurement. Pure. */
export function judgeSample(
  { limit }: Pick<MetricTemplate, "limit">,
  sample: Sample,
  settings: Pick<Analysis, "minimumSamples" | "windowSeconds">,
): Judged {
  switch (sample.metric) {
    case "error-ratio":
      return judgeShares(limit ?? 1, sample, settings);
    case "latency-p95":
      return judgeTimes(limit, sample, settings);
    case "probe-success":
      return judgeProbes(limit ?? 0, sample.candidate, settings);
    case "restarts":
      return judgeRestarts(limit ?? 0, sample.candidate);
  }
}

type Needs = Pick<Analysis, "minimumSamples" | "windowSeconds">;
type Kinds<M extends Sample["metric"]> = Omit<Extract<Sample, { metric: M }>, "metric">;

function judgeShares(limit: number, { candidate, stable }: Kinds<"error-ratio">, needs: Needs): Judged {
  const base = { ...nothing, limit, samples: candidate?.all ?? null, stableSamples: stable?.all ?? null };
  if (!candidate || candidate.all < needs.minimumSamples) return tooFew(base, "requests", candidate?.all ?? 0, needs);
  const value = candidate.bad / candidate.all;
  const excess = excessOf(candidate, limit);
  const test = stable && stable.all >= needs.minimumSamples ? compareShares(candidate, stable) : null;
  const isWorse = test !== null && test.pValue < comparedAlpha && test.effect >= limit * relevantPart.share;
  const isShared = test !== null && !isWorse && excess.verdict === "bad" && (stable?.bad ?? 0) / (stable?.all ?? 1) > limit;
  const message = sentence(
    `${formatShare(value)} of ${formatCount(candidate.all, "request")} failed within ${windowOf(needs)}, ${excess.text} ${formatShare(limit)}`,
    isWorse ? null : excess.chance,
    describeStable(stable, needs, {
      isWorse,
      describe: ({ bad, all }) => `${formatShare(bad / all)} of ${formatCount(all, "request")}`,
    }),
    test && stable ? `${describeTest(test)}, ${describeDifference(candidate, stable)}` : null,
    isShared ? elsewhere : null,
  );
  return {
    ...base,
    value,
    stable: stable && stable.all > 0 ? stable.bad / stable.all : null,
    verdict: isWorse ? "bad" : isShared ? "no-data" : excess.verdict,
    message,
    test,
  };
}

function judgeTimes(limit: number | null, { candidate, stable }: Kinds<"latency-p95">, needs: Needs): Judged {
  const all = candidate ? countAll(candidate) : 0;
  const ofStable = stable && { buckets: stable, all: countAll(stable), p95: quantile(stable, 0.95) };
  const base = { ...nothing, limit, samples: candidate && all, stableSamples: ofStable?.all ?? null };
  const value = candidate && quantile(candidate, 0.95);
  if (!candidate || value === null || all < needs.minimumSamples) return tooFew(base, "requests", all, needs);
  const excess = limit === null ? null : excessOf(floored(countSlower(candidate, limit)), beyondP95);
  const compared =
    ofStable && ofStable.p95 !== null && ofStable.all >= needs.minimumSamples
      ? compareP95(candidate, { ...ofStable, p95: ofStable.p95 }, { value, limit })
      : null;
  const isShared =
    compared !== null && !compared.isWorse && excess?.verdict === "bad" && limit !== null && (ofStable?.p95 ?? 0) > limit;
  const against = limit === null ? "no limit is set for it" : `${excess?.text} ${formatSeconds(limit)}`;
  const message = sentence(
    `The p95 of ${formatCount(all, "request")} within ${windowOf(needs)} is ${describeP95(candidate, value)}, ${against}`,
    compared?.isWorse ? null : (excess?.chance ?? null),
    describeStable(ofStable, needs, {
      isWorse: compared?.isWorse ?? false,
      describe: ({ buckets, p95, all: count }) => `${describeP95(buckets, p95 ?? 0)} of ${formatCount(count, "request")}`,
    }),
    compared && describeTest(compared.test),
    isShared ? elsewhere : null,
  );
  return {
    ...base,
    value,
    stable: ofStable?.p95 ?? null,
    verdict: compared?.isWorse ? "bad" : isShared ? "no-data" : (excess?.verdict ?? "good"),
    message,
    test: compared?.test ?? null,
  };
}

/**
 * Slower on the whole, or in the tail: a rank test does not see that a tenth of the requests takes ten times as long. Either way the
 * p95 must be larger by what matters.
 */
function compareP95(
  candidate: readonly Bucket[],
  stable: { buckets: readonly Bucket[]; p95: number },
  { value, limit }: { value: number; limit: number | null },
): { test: Comparison; isWorse: boolean } {
  const times = compareTimes(candidate, stable.buckets);
  const slower = (buckets: readonly Bucket[]) => floored(countSlower(buckets, stable.p95));
  const tail = { ...compareShares(slower(candidate), slower(stable.buckets)), effectName: "more slower than stable's p95" };
  const matters = value - stable.p95 >= relevantPart.seconds * Math.max(limit ?? 0, stable.p95);
  const isSlower = times.pValue < comparedAlpha && times.effect >= negligibleDelta;
  const hasTail = tail.pValue < comparedAlpha;
  return { test: !isSlower && hasTail && matters ? tail : times, isWorse: matters && (isSlower || hasTail) };
}

function judgeProbes(limit: number, counts: Counts | null, needs: Needs): Judged {
  const base = { ...nothing, limit, samples: counts?.all ?? null };
  if (!counts || counts.all < needs.minimumSamples) return tooFew(base, "operations of the prober", counts?.all ?? 0, needs);
  const value = 1 - counts.bad / counts.all;
  const excess = excessOf(counts, 1 - limit, { over: "below the limit of", within: "at least" });
  const what = `${formatShare(value)} of ${formatCount(counts.all, "operation")} of the prober succeeded within ${windowOf(needs)}`;
  return {
    ...base,
    value,
    verdict: excess.verdict,
    message: sentence(`${what}, ${excess.text} ${formatShare(limit)}`, excess.chance),
  };
}

function judgeRestarts(limit: number, counts: { restarts: number; instances: number } | null): Judged {
  if (!counts) return { ...nothing, limit, message: "No instance was scraped: nothing is known of restarts." };
  const { restarts, instances } = counts;
  return {
    ...nothing,
    limit,
    value: restarts,
    samples: instances,
    verdict: restarts > limit ? "bad" : "good",
    message: `${formatCount(restarts, "restart")} of ${formatCount(instances, "instance")} since the analysis began, ${limit} allowed.`,
  };
}

const nothing: Judged = {
  value: null,
  limit: null,
  stable: null,
  samples: null,
  stableSamples: null,
  verdict: "no-data",
  message: "",
  test: null,
};

/** What troubles both says nothing of the new version: it is neither taken further nor given up for it. */
const elsewhere = "stable is over the limit, too, so that there is no verdict: look for a cause outside the new version";

function tooFew(base: Judged, what: string, all: number, { minimumSamples, windowSeconds }: Needs): Judged {
  const found = all === 0 ? `No ${what}` : `Only ${all} ${what}`;
  const span = formatDuration(windowSeconds * 1000);
  return { ...base, verdict: "no-data", message: `${found} within ${span}: a verdict needs ${minimumSamples}.` };
}

type Excess = { verdict: Verdict; text: string; chance: string | null };

/** Whether a share is over its limit, by more than chance explains: one of 60 requests is no sign of more than 1 %. */
function excessOf(counts: Counts, limit: number, words = { over: "over the limit of", within: "within the limit of" }): Excess {
  if (counts.bad / counts.all <= limit * (1 + 1e-9)) return { verdict: "good", text: words.within, chance: null };
  const pValue = limitTest(counts, limit);
  if (pValue < limitAlpha.bad) return { verdict: "bad", text: words.over, chance: null };
  const isOpen = pValue < limitAlpha.doubtful;
  const chance = `${isOpen ? "it may be chance, so there is no verdict" : "as chance may have it"} (exact binomial test, ${formatProbability(pValue)})`;
  return { verdict: isOpen ? "no-data" : "good", text: words.over, chance };
}

/** Buckets give fractions of requests; what is counted as bad is never rounded up. */
function floored({ bad, all }: Counts): Counts {
  return { bad: Math.floor(bad + 1e-9), all };
}

function windowOf({ windowSeconds }: Needs): string {
  return formatDuration(windowSeconds * 1000);
}

function describeStable<S extends { all: number }>(
  stable: S | null,
  { minimumSamples }: Needs,
  { isWorse, describe }: { isWorse: boolean; describe: (stable: S) => string },
): string | null {
  if (!stable) return null;
  if (stable.all >= minimumSamples) return `${isWorse ? "worse than stable" : "stable"}: ${describe(stable)}`;
  return `not compared with stable, which had ${formatCount(stable.all, "request")} where ${minimumSamples} are needed`;
}

/** Beyond the highest bound of its histogram a quantile is known to be more, and no more than that. */
function describeP95(buckets: readonly Bucket[], p95: number): string {
  const isBeyond = countSlower(buckets, p95).bad > countAll(buckets) * beyondP95 * (1 + 1e-9);
  return `${isBeyond ? "more than " : ""}${formatSeconds(p95)}`;
}

function describeTest({ name, pValue, effect, effectName }: Comparison): string {
  const size = effectName === "Cliff's delta" ? `${effectName} ${effect.toFixed(2)}` : formatDifference(effect);
  return `${name}, ${formatProbability(pValue)}, ${size}`;
}

function formatDifference(effect: number): string {
  return `${formatPoints(effect)} ${effect < 0 ? "less" : "more"}`;
}

function describeDifference(candidate: Counts, stable: Counts): string {
  const { from, to } = differenceInterval(candidate, stable);
  const signed = (value: number) => `${value < 0 ? "−" : ""}${formatPoints(value)}`;
  return `95 % interval ${signed(from)} to ${signed(to)}`;
}

function sentence(...parts: (string | null)[]): string {
  return `${parts.filter((part) => part !== null).join("; ")}.`;
}
