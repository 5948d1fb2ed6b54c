import type { PrometheusSample } from "#lib/prometheus/client.ts";
import type { Bucket, Counts } from "./statistics.ts";
import type { MetricTemplate } from "./templates.ts";

/** The label that tells the candidate's series from stable's. */
export type Split = { label: string; candidate: string; stable: string };

/** What was counted of the candidate and of stable in one window; null for what has no series. */
export type Sample =
  | { metric: "error-ratio"; candidate: Counts | null; stable: Counts | null }
  | { metric: "latency-p95"; candidate: Bucket[] | null; stable: Bucket[] | null }
  | { metric: "probe-success"; candidate: Counts | null }
  | { metric: "restarts"; candidate: { restarts: number; instances: number } | null };

/** The answers to a template's expressions, under the same names. */
export type Answers = Record<string, readonly PrometheusSample[]>;

type Part = "candidate" | "stable";

/** Puts the answers to a template's expressions together. Without a split everything is the candidate's. */
export function readSample(template: MetricTemplate, answers: Answers, split: Split | null): Sample {
  const of = (name: string, part: Part) => partOf(answers[name] ?? [], split, part);
  const counts = (part: Part) => readCounts(of("bad", part), of("all", part));
  switch (template.name) {
    case "error-ratio":
      return { metric: template.name, candidate: counts("candidate"), stable: counts("stable") };
    case "probe-success":
      return { metric: template.name, candidate: readCounts(answers.bad ?? [], answers.all ?? []) };
    case "latency-p95":
      return {
        metric: template.name,
        candidate: readBuckets(of("buckets", "candidate")),
        stable: readBuckets(of("buckets", "stable")),
      };
    case "restarts": {
      const instances = sum(of("instances", "candidate"));
      const restarts = Math.round(sum(of("restarts", "candidate")));
      return { metric: template.name, candidate: instances === 0 ? null : { restarts, instances } };
    }
  }
}

function partOf(samples: readonly PrometheusSample[], split: Split | null, part: Part): readonly PrometheusSample[] {
  if (split === null) return part === "candidate" ? samples : [];
  return samples.filter(({ labels }) => (labels[split.label] ?? "") === split[part]);
}

/** increase() gives fractions of whole requests, for it fills the ends of its window up. */
function readCounts(bad: readonly PrometheusSample[], all: readonly PrometheusSample[]): Counts | null {
  if (all.length === 0) return null;
  const count = Math.round(sum(all));
  return { bad: Math.min(count, Math.round(sum(bad))), all: count };
}

/** The buckets of a Prometheus histogram are cumulative; what each holds alone is what is compared. */
function readBuckets(samples: readonly PrometheusSample[]): Bucket[] | null {
  const byBound = new Map<number, number>();
  for (const { labels, value } of samples) {
    const le = labels.le === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels.le);
    if (Number.isNaN(le)) continue;
    byBound.set(le, (byBound.get(le) ?? 0) + (value ?? 0));
  }
  if (byBound.size === 0) return null;
  let before = 0;
  return [...byBound]
    .toSorted(([a], [b]) => a - b)
    .map(([le, cumulative]) => {
      const upTo = Math.max(before, Math.round(cumulative));
      const bucket = { le, count: upTo - before };
      before = upTo;
      return bucket;
    });
}

function sum(samples: readonly PrometheusSample[]): number {
  return samples.reduce((total, { value }) => total + (value ?? 0), 0);
}
