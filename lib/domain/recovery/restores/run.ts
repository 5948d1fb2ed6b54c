import type { PostgresFacts } from "../sources/postgres-facts.ts";
import type { RestoreMode, RestoreStep } from "./schemas.ts";

/** What a restore does, step by step. Each step can be repeated: what is done is not done again. */
export type StepKey =
  | "check"
  | "prove"
  | "save"
  | "recover"
  | "stop"
  | "objects"
  | "postgres"
  | "redis"
  | "compare"
  | "take-back"
  | "start"
  | "clean";

const titles: Record<StepKey, string> = {
  check: "Read the archive from beginning to end",
  prove: "Restore into scratch, ask the same questions, remove it",
  save: "Back up the present",
  recover: "Recover PostgreSQL to the instant, in a server of its own",
  stop: "Stop what writes",
  objects: "Restore the Kubernetes objects",
  postgres: "Restore PostgreSQL",
  redis: "Restore Redis",
  compare: "Hold what was restored against the backup",
  "take-back": "Take back what was restored",
  start: "Start what was stopped",
  clean: "Let the former data go",
};

export type RunStep = Omit<RestoreStep, "name"> & { key: StepKey };

/** A workload that is stopped while data are restored, and how many instances it is to have afterwards. */
export type Stopped = { kind: "Deployment" | "StatefulSet"; namespace: string; name: string; replicas: number };

/** Where a restore is: a process that takes it over goes on from here. */
export type RestoreRun = {
  steps: RunStep[];
  /** Whether it goes on when the present cannot be saved. */
  isPresentLost: boolean;
  /** The instant that PostgreSQL is restored to; null, and absent in old ones, for that of the backup. */
  untilTime?: string | null;
  /** What PostgreSQL answered as of that instant; absent before it was recovered. */
  recovered?: PostgresFacts;
  /** Null before it was looked for. Written before anything is stopped. */
  stopped: Stopped[] | null;
  /** Why it goes back; null while it goes forward. */
  problem: { message: string; isCancelled: boolean } | null;
  /** How many processes have begun the step under way. */
  tries: number;
};

/** Steps that change the present. */
const writing: ReadonlySet<StepKey> = new Set(["objects", "postgres", "redis"]);

type Plan = { mode: RestoreMode; parts: readonly string[]; isPresentLost: boolean; untilTime?: string | null };

/** A new run. Data go first: what fails there leaves the objects alone; but where nothing is left objects come before their data. */
export function planRun({ mode, parts, isPresentLost, untilTime = null }: Plan): RestoreRun {
  const steps = stepsOf({ mode, parts, isPresentLost, untilTime }).map(waiting);
  return { steps, isPresentLost, untilTime, stopped: null, problem: null, tries: 0 };
}

function stepsOf({ mode, parts, isPresentLost, untilTime }: Plan): StepKey[] {
  const recovery = untilTime ? (["recover"] as const) : [];
  if (mode === "scratch") return untilTime ? ["check", ...recovery] : ["prove"];
  const data = (["postgres", "redis"] as const).filter((key) => parts.includes(key));
  const objects = (["objects"] as const).filter((key) => parts.includes(key));
  const restored = mode === "namespace" || isPresentLost ? [...objects, ...data] : [...data, ...objects];
  const hasData = data.length > 0;
  if (mode === "namespace")
    return ["check", ...restored, "compare", ...(hasData && objects.length > 0 ? (["start"] as const) : [])];
  const around = (key: "stop" | "start" | "clean") => (hasData ? [key] : []);
  return ["check", "save", ...recovery, ...around("stop"), ...restored, "compare", ...around("start"), ...around("clean")];
}

function waiting(key: StepKey): RunStep {
  return { key, state: "waiting", message: null, startedAt: null, finishedAt: null };
}

/** The step that is to be done now: the first that is not over; null when all are. */
export function nextStep({ steps }: RestoreRun): RunStep | null {
  return steps.find(({ state }) => state === "waiting" || state === "running") ?? null;
}

/** Those that have changed the present, or may have, the last one first. */
export function touchedSteps({ steps }: RestoreRun): StepKey[] {
  return steps
    .filter(({ key, state }) => writing.has(key) && state !== "waiting" && state !== "skipped")
    .map(({ key }) => key)
    .toReversed();
}

/**
 * The run from now on back: the step under way has failed, what was still to come is left out, and what was restored over the present
 * is taken back before what was stopped is started again. Into another namespace nothing is taken back, and nothing started.
 */
export function goBack(run: RestoreRun, mode: RestoreMode, problem: NonNullable<RestoreRun["problem"]>, at: Date): RestoreRun {
  const end = { finishedAt: at.toISOString() };
  const steps = run.steps.map((step): RunStep => {
    if (step.state === "running") return { ...step, ...end, state: "failed", message: problem.message };
    const isKept = step.key === "start" && mode === "in-place" && (run.stopped ?? []).length > 0;
    return step.state === "waiting" && !isKept ? { ...step, state: "skipped" } : step;
  });
  if (mode !== "in-place" || touchedSteps({ ...run, steps }).length === 0) return { ...run, steps, problem };
  const at_ = steps.findIndex(({ key }) => key === "start");
  return { ...run, steps: steps.toSpliced(at_ < 0 ? steps.length : at_, 0, waiting("take-back")), problem };
}

/** The run with one step written anew. */
export function withStep(run: RestoreRun, key: StepKey, change: Partial<RunStep>): RestoreRun {
  return { ...run, steps: run.steps.map((step) => (step.key === key ? { ...step, ...change } : step)) };
}

/** The steps as pages show them. */
export function viewSteps({ steps }: RestoreRun): RestoreStep[] {
  return steps.map(({ key, ...step }) => ({ name: titles[key], ...step }));
}

/** What a restore says of itself while a step is under way. */
export function titleOf(key: StepKey): string {
  return titles[key];
}
