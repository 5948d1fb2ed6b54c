import {
  type Counts,
  deploymentObject,
  eventObject,
  type PodState,
  podObject,
  replicaSetObject,
  type ServiceName,
} from "./fleet-objects.ts";

/** One line of a watch, by the resource that is watched. */
export type ChurnEvent = {
  resource: "pods" | "deployments" | "replicasets" | "events";
  type: "ADDED" | "MODIFIED" | "DELETED";
  object: object;
};

type Step = { atMs: number; run: () => void };

const perService = 100;

/**
 * A fleet in a normal busy hour: one service in ten rolls out, a tenth of a percent of its pods a second, each through all the
 * states that the scheduler, the kubelet and the controllers write; and one pod in 500 crashes again and again.
 */
export class Churn {
  readonly services: number;
  readonly #pods: number;
  readonly #tell: (event: ChurnEvent) => void;
  readonly #counts = new Map<number, Counts>();
  readonly #steps: Step[] = [];
  readonly #random: () => number;
  #resourceVersion: number;
  #nextPod: number;

  constructor(pods: number, tell: (event: ChurnEvent) => void) {
    this.#pods = pods;
    this.services = Math.max(1, Math.round(pods / perService));
    this.#tell = tell;
    this.#nextPod = pods;
    this.#resourceVersion = pods + 10_000_000;
    let state = 42;
    this.#random = () => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return state / 2_147_483_648;
    };
  }

  /** Tells of all that is there at the beginning. */
  begin(): void {
    for (let service = 0; service < this.services; service += 1) {
      const counts = { desired: perService, ready: perService, updated: perService, replicas: perService };
      this.#counts.set(service, counts);
      this.#say("deployments", "ADDED", deploymentObject({ service, revision: 1 }, this.#version(), counts));
      this.#say("replicasets", "ADDED", replicaSetObject({ service, revision: 1 }, this.#version(), perService));
    }
    for (let pod = 0; pod < this.#pods; pod += 1) this.#pod("ADDED", { service: pod % this.services, revision: 1 }, pod, {});
  }

  /** Plans what happens in so many milliseconds. */
  plan(durationMs: number): void {
    const rolling = Math.max(1, Math.round(this.services / 10));
    for (let service = 0; service < rolling; service += 1) this.#version();
    const replacements = Math.max(1, Math.round((this.#pods / 1000) * (durationMs / 1000)));
    for (let index = 0; index < replacements; index += 1) {
      const service = index % rolling;
      const old = service + this.services * Math.floor(index / rolling);
      this.#replace(service, old, this.#random() * durationMs * 0.7);
    }
    const crashing = Math.max(1, Math.round(this.#pods / 500));
    for (let index = 0; index < crashing; index += 1) {
      const pod = this.#pods - 1 - index * 3;
      for (let restarts = 1; restarts <= 2; restarts += 1)
        this.#crash(pod, restarts, (restarts - this.#random()) * (durationMs / 2));
    }
    this.#steps.sort((a, b) => a.atMs - b.atMs);
  }

  /** Tells of what was planned, in its time. */
  async run(): Promise<void> {
    const startedAt = performance.now();
    for (const { atMs, run } of this.#steps.splice(0)) {
      const waitMs = atMs - (performance.now() - startedAt);
      if (waitMs > 2) await new Promise((resolve) => setTimeout(resolve, waitMs));
      run();
    }
  }

  /** A pod of the old revision makes place for one of the new, as a Deployment with a surge does it. */
  #replace(service: number, old: number, atMs: number): void {
    const made = this.#nextPod;
    this.#nextPod += 1;
    const from = { service, revision: 1 };
    const to = { service, revision: 2 };
    const state =
      (change: Partial<PodState>, type: ChurnEvent["type"] = "MODIFIED") =>
      () =>
        this.#pod(type, to, made, change);
    const leaving =
      (change: Partial<PodState>, type: ChurnEvent["type"] = "MODIFIED") =>
      () =>
        this.#pod(type, from, old, { deleting: true, ...change });
    const event = (of: ServiceName, pod: number, reason: string) => () =>
      this.#say("events", "ADDED", eventObject(of, pod, this.#version(), reason));
    const pending: Partial<PodState> = { phase: "Pending", ready: false };
    this.#at(atMs, state({ ...pending, isScheduled: false }, "ADDED"), () => this.#count(service, { replicas: 1, updated: 1 }));
    this.#at(atMs + 20, event(to, made, "Scheduled"), state({ ...pending, isScheduled: false }));
    this.#at(atMs + 60, state({ ...pending, waiting: "ContainerCreating" }));
    this.#at(atMs + 400, event(to, made, "Pulled"), event(to, made, "Created"), event(to, made, "Started"));
    this.#at(atMs + 700, state({ phase: "Running", ready: false }));
    this.#at(atMs + 1500, state({ phase: "Running", ready: true }), () => this.#count(service, { ready: 1 }));
    this.#at(atMs + 1550, leaving({ ready: true }), event(from, old, "Killing"), () =>
      this.#count(service, { ready: -1, replicas: -1 }),
    );
    this.#at(atMs + 2300, leaving({ ready: false }), leaving({ ready: false }));
    this.#at(atMs + 2400, leaving({ ready: false }, "DELETED"));
  }

  #crash(pod: number, restarts: number, atMs: number): void {
    const of = { service: pod % this.services, revision: 1 };
    const event = (reason: string) => () => this.#say("events", "ADDED", eventObject(of, pod, this.#version(), reason));
    this.#at(
      atMs,
      () => this.#pod("MODIFIED", of, pod, { ready: false, restarts: restarts * 2 - 1, waiting: "CrashLoopBackOff" }),
      event("BackOff"),
    );
    this.#at(atMs + 1000, () => this.#pod("MODIFIED", of, pod, { ready: false, restarts: restarts * 2 }), event("Started"));
    this.#at(atMs + 2000, () => this.#pod("MODIFIED", of, pod, { ready: true, restarts: restarts * 2 }));
  }

  /** The Deployment's and the ReplicaSets' own words for a change of their pods. */
  #count(service: number, change: Partial<Counts>): void {
    const counts = this.#counts.get(service);
    if (!counts) return;
    for (const key of Object.keys(change) as (keyof Counts)[]) counts[key] += change[key] ?? 0;
    const to = { service, revision: 2 };
    this.#say("replicasets", "MODIFIED", replicaSetObject(to, this.#version(), counts.updated));
    this.#say("deployments", "MODIFIED", deploymentObject(to, this.#version(), counts));
  }

  #pod(type: ChurnEvent["type"], of: ServiceName, pod: number, change: Partial<PodState>): void {
    this.#say("pods", type, podObject(of, pod, this.#version(), { phase: "Running", ready: true, restarts: 0, ...change }));
  }

  #at(atMs: number, ...runs: (() => void)[]): void {
    for (const run of runs) this.#steps.push({ atMs, run });
  }

  #say(resource: ChurnEvent["resource"], type: ChurnEvent["type"], object: object): void {
    this.#tell({ resource, type, object });
  }

  #version(): number {
    this.#resourceVersion += 1;
    return this.#resourceVersion;
  }
}
