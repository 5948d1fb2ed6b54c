import type { AnalysisState } from "../analysis/verdict.ts";
import type { Analysis } from "../strategy.ts";

/**
 * Where a rollout with a strategy is: what the controller keeps between two passes. Everything else it reads from the cluster.
 * All strategies are the same few steps over two workloads: the service's own (stable), and beside it a second Deployment with the
 * new template (the candidate).
 */

/** One step; its pass is repeated until the cluster is as the step wants it. */
export type Step =
  /** The candidate exists with so many available instances; null: as many as stable. `weight`: ceil(total x weight) of them. */
  | { kind: "candidate"; replicas: number | null; weight: number | null }
  /** So many percent of the traffic go to the candidate. */
  | { kind: "weight"; percent: number }
  /** Waits; null: until it is promoted. */
  | { kind: "pause"; seconds: number | null }
  /** Waits for the analysis' last measurement. */
  | { kind: "analysis"; name: string }
  /** The Service's selector goes to the candidate (100) or back to stable (0) at once. */
  | { kind: "switch"; to: "candidate" | "stable" }
  /** Stable takes the new template; `pauseAfter` so many updated instances, null: never. */
  | { kind: "update"; pauseAfter: number | null }
  /** Traffic is as before the rollout, the candidate and everything else that was made for the rollout is gone. */
  | { kind: "clean" };

/** Why it stands still. A person, or the end of the cause, lets it go on. */
export type Hold = {
  cause: "person" | "foreign-change" | "inconclusive" | "autoscaler" | "failed";
  /** One sentence. */
  message: string;
  since: string;
};

/** How the candidate gets its traffic: by weights of a route, by the share of instances, by the Service's selector, or there is none. */
export type TrafficBy = "route" | "replicas" | "selector" | "none";

/** An analysis from the step in which it begins to the step `until`, inclusive. */
export type RunAnalysis = {
  step: number;
  until: number;
  name: string;
  settings: Analysis;
  state: AnalysisState;
  /** Passed, or a person skipped it: nothing more is measured. */
  isOver: boolean;
};

/** The route as it was, so that it can be put back. */
export type SavedRoute = { kind: "VirtualService" | "HTTPRoute"; name: string; rules: unknown[] };

export type RolloutRun = {
  steps: Step[];
  /** The step that is carried out; steps.length when all are done. */
  index: number;
  stepStartedAt: string;
  /** The last pass, to within a few seconds; null while nothing waits for a time. What no controller saw counts for no deadline. */
  lookedAt: string | null;
  /** By step: when it began, and whether it was left out. */
  history: { startedAt: string; isSkipped: boolean }[];
  /** null until the cluster was looked at for the first time; nothing is written before. */
  by: TrafficBy | null;
  analyses: RunAnalysis[];
  hold: Hold | null;
  /** Set once: from then on only stable is restored and everything else removed. */
  abort: { message: string; by: string; at: string } | null;
  /** A promotion that a person asked for: ends the pause of this step. */
  promoted: number | null;
  /** A person asked for the end: no more pauses, analyses or weights. */
  skips: boolean;
  /** Percent of the traffic that the candidate has now. */
  weight: number;
  /** The best counts of the workloads that are waited for, by their templates, and since when they are no better. */
  progress: { templates: string; best: number[][]; since: string } | null;
  /** Evidence by which a foreign change is told from our own: digests of stable's and the candidate's template as we left them. */
  seen: { stable: string; candidate: string | null };
  /** What was there before, so that it can be put back: the Service's selector, the route's destinations, stable's replicas. */
  before: { service: string | null; selector: Record<string, string> | null; route: SavedRoute | null; replicas: number };
};

/** On the candidate Deployment, its pods and its Service: the service that it stands beside. */
export const candidateOfLabel = "switchyard.dev/candidate-of";
/** On everything that a rollout made or changed: the rollout's id. */
export const rolloutAnnotation = "switchyard.dev/rollout";
/** The candidate's Deployment and Service. */
export const candidateName = (service: string) => `${service}-candidate`;
