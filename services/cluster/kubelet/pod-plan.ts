/** What the kubelet knows of one container when it decides what to do next. */
export type ContainerView = {
  name: string;
  state: "new" | "running" | "exited";
  exitCode?: number;
  /** An init container that runs beside the others for as long as the pod does. */
  isSidecar?: boolean;
  /** Its startup probe, where it has one, has succeeded. */
  started?: boolean;
  /** A stop is under way. */
  stopping: boolean;
  /** Its liveness or startup probe, its postStart hook or a changed definition wants it ended. */
  condemned: boolean;
  /** It ended because its definition changed: it is started again whatever the restart policy says. */
  renew?: boolean;
  /** Not to be started before this time: back-off after a crash, a failed pull or a failed start. */
  retryAtMs?: number;
};

export type PodView = {
  deleting: boolean;
  /** Its deadline has passed or it was evicted: everything is ended and nothing is started any more. */
  failed?: boolean;
  /** The phase is final: nothing is started any more. */
  finished: boolean;
  /** Volumes and address are there. */
  prepared: boolean;
  /** The volumes are not tried again before this time. */
  prepareAtMs?: number;
  /** The pod fails when it is still active at this time. */
  deadlineAtMs?: number;
  /** All init containers have succeeded once in this sandbox. */
  initialized: boolean;
  restartPolicy: "Always" | "OnFailure" | "Never";
  initContainers: ContainerView[];
  containers: ContainerView[];
};

export type Step =
  | { type: "prepare" }
  | { type: "start"; name: string }
  | { type: "backoff"; name: string }
  | { type: "stop"; name: string }
  | { type: "initialized" }
  | { type: "exceeded" }
  | { type: "finish" };

export type Plan = { steps: Step[]; wakeAtMs?: number };

/** The next steps for a pod. Pure: the worker applies them and asks again when something has changed or `wakeAtMs` has come. */
export function planPod(pod: PodView, nowMs: number): Plan {
  if (pod.deleting) {
    const steps = planEnd(pod);
    return { steps: steps.length > 0 ? steps : [{ type: "finish" }] };
  }
  if (pod.failed || pod.finished) return { steps: planEnd(pod) };
  if (pod.deadlineAtMs === undefined) return planLife(pod, nowMs);
  if (pod.deadlineAtMs <= nowMs) return { steps: [{ type: "exceeded" }] };
  return merge([planLife(pod, nowMs), { steps: [], wakeAtMs: pod.deadlineAtMs }]);
}

function planLife(pod: PodView, nowMs: number): Plan {
  if (!pod.prepared) {
    if (pod.prepareAtMs !== undefined && pod.prepareAtMs > nowMs) return { steps: [], wakeAtMs: pod.prepareAtMs };
    return { steps: [{ type: "prepare" }] };
  }
  const { initContainers, containers, restartPolicy } = pod;
  if (!pod.initialized) {
    const next = initContainers.findIndex((container) => !hasDoneItsPart(container));
    if (next < 0) return { steps: [{ type: "initialized" }] };
    // Init containers run again after a failure unless the pod is never restarted; "Always" means OnFailure for them.
    const restarts = restartPolicy !== "Never";
    const reached = initContainers.slice(0, next + 1).filter((container, index) => container.isSidecar || index === next);
    return merge(reached.map((container) => planContainer(container, nowMs, () => container.isSidecar || restarts)));
  }
  const restarts = (exitCode: number) => restartsAfter(restartPolicy, exitCode);
  const plan = merge(containers.map((container) => planContainer(container, nowMs, restarts)));
  if (containers.every((container) => hasEnded(container, restarts))) return { ...plan, steps: planEnd(pod) };
  const sidecars = initContainers.filter(({ isSidecar }) => isSidecar);
  return merge([plan, ...sidecars.map((container) => planContainer(container, nowMs, () => true))]);
}

/** Whether a container with this restart policy is started again after it ended. */
export function restartsAfter(policy: PodView["restartPolicy"], exitCode: number): boolean {
  return policy === "Always" || (policy === "OnFailure" && exitCode !== 0);
}

function hasDoneItsPart({ isSidecar, state, started, exitCode }: ContainerView): boolean {
  return isSidecar ? state === "running" && started === true : state === "exited" && exitCode === 0;
}

function hasEnded({ state, exitCode, renew }: ContainerView, restarts: (exitCode: number) => boolean): boolean {
  return state === "exited" && !renew && !restarts(exitCode ?? 255);
}

/** Sidecars are ended when the others have, the last one first. Stops are repeated: a shorter grace may have come meanwhile. */
function planEnd({ initContainers, containers }: PodView): Step[] {
  const isRunning = (container: ContainerView) => container.state === "running";
  const others = [...initContainers.filter(({ isSidecar }) => !isSidecar), ...containers].filter(isRunning);
  const running = others.length > 0 ? others : initContainers.filter(isRunning).slice(-1);
  return running.map(({ name }) => ({ type: "stop", name }));
}

function planContainer(container: ContainerView, nowMs: number, restarts: (exitCode: number) => boolean): Plan {
  const { name, state, retryAtMs } = container;
  if (state === "running") {
    return { steps: container.condemned && !container.stopping ? [{ type: "stop", name }] : [] };
  }
  if (hasEnded(container, restarts)) return { steps: [] };
  if (retryAtMs !== undefined && retryAtMs > nowMs) return { steps: [{ type: "backoff", name }], wakeAtMs: retryAtMs };
  return { steps: [{ type: "start", name }] };
}

function merge(plans: Plan[]): Plan {
  const times = plans.flatMap((plan) => plan.wakeAtMs ?? []);
  return { steps: plans.flatMap((plan) => plan.steps), wakeAtMs: times.length > 0 ? Math.min(...times) : undefined };
}

const firstDelayMs = 10_000;
const longestDelayMs = 300_000;
const stableMs = 600_000;

/** How often a container was started again lately, and since when it may be started once more. */
export type CrashCount = { restarts: number };

/** The delay before the next start, in ms: none the first time, then 10 s doubling to 5 min; forgotten after a run of 10 min. */
export function crashDelay(count: CrashCount, ranForMs: number): { delayMs: number; count: CrashCount } {
  const restarts = ranForMs >= stableMs ? 0 : count.restarts;
  return { delayMs: doubling(restarts), count: { restarts: restarts + 1 } };
}

/** 0 for the first, then 10 s, 20 s, 40 s up to 5 min. */
export function doubling(attempt: number): number {
  return attempt === 0 ? 0 : Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(attempt - 1, 10));
}
