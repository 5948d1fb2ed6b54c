/** What the kubelet knows of one container when it decides what to do next. */
export type ContainerView = {
  name: string;
  state: "new" | "running" | "exited";
  exitCode?: number;
  /** A stop is under way. */
  stopping: boolean;
  /** Its liveness or startup probe, or its postStart hook, wants it ended. */
  condemned: boolean;
  /** Not to be started before this time: back-off after a crash, a failed pull or a failed start. */
  retryAtMs?: number;
};

export type PodView = {
  deleting: boolean;
  /** The phase is final: nothing is started any more. */
  finished: boolean;
  /** Volumes and address are there. */
  prepared: boolean;
  /** The volumes are not tried again before this time. */
  prepareAtMs?: number;
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
  | { type: "finish" };

export type Plan = { steps: Step[]; wakeAtMs?: number };

/** The next steps for a pod. Pure: the worker applies them and asks again when something has changed or `wakeAtMs` has come. */
export function planPod(pod: PodView, nowMs: number): Plan {
  if (pod.deleting) return planDeletion(pod);
  if (pod.finished) return { steps: [] };
  if (!pod.prepared) {
    if (pod.prepareAtMs !== undefined && pod.prepareAtMs > nowMs) return { steps: [], wakeAtMs: pod.prepareAtMs };
    return { steps: [{ type: "prepare" }] };
  }
  if (!pod.initialized) {
    const next = pod.initContainers.find((container) => container.state !== "exited" || container.exitCode !== 0);
    if (!next) return { steps: [{ type: "initialized" }] };
    // Init containers run again after a failure unless the pod is never restarted; "Always" means OnFailure for them.
    const restarts = pod.restartPolicy !== "Never";
    return merge([planContainer(next, nowMs, () => restarts)]);
  }
  return merge(
    pod.containers.map((container) => planContainer(container, nowMs, (code) => restartsAfter(pod.restartPolicy, code))),
  );
}

/** Whether a container with this restart policy is started again after it ended. */
export function restartsAfter(policy: PodView["restartPolicy"], exitCode: number): boolean {
  return policy === "Always" || (policy === "OnFailure" && exitCode !== 0);
}

function planDeletion({ initContainers, containers }: PodView): Plan {
  const running = [...initContainers, ...containers].filter((container) => container.state === "running");
  if (running.length === 0) return { steps: [{ type: "finish" }] };
  // The stop is asked for again on every pass: a shorter grace may have come meanwhile.
  return { steps: running.map(({ name }) => ({ type: "stop", name })) };
}

function planContainer(container: ContainerView, nowMs: number, restarts: (exitCode: number) => boolean): Plan {
  const { name, state, retryAtMs } = container;
  if (state === "running") {
    return { steps: container.condemned && !container.stopping ? [{ type: "stop", name }] : [] };
  }
  if (state === "exited" && !restarts(container.exitCode ?? 255)) return { steps: [] };
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
