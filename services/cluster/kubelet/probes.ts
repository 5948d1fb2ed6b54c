import { type HandlerTarget, runHandler } from "./handlers.ts";
import type { Container, Probe } from "./pod.ts";

export type ProbeKind = "startup" | "liveness" | "readiness";

export type ProbeReport = { kind: ProbeKind; healthy: boolean };

export type ProbeOptions = {
  container: Container;
  target: HandlerTarget;
  /** A probe's verdict changed. */
  onVerdict: (report: ProbeReport) => void;
  /** One try failed. */
  onFailure: (kind: ProbeKind, message: string) => void;
};

/** Counts results until enough of one kind in a row make the verdict. Undefined while there is none. */
export class Verdict {
  readonly #successThreshold: number;
  readonly #failureThreshold: number;
  #last: boolean | undefined;
  #inARow = 0;
  value: boolean | undefined;

  constructor({ successThreshold = 1, failureThreshold = 3 }: Pick<Probe, "successThreshold" | "failureThreshold">) {
    this.#successThreshold = successThreshold;
    this.#failureThreshold = failureThreshold;
  }

  /** Takes a result; tells whether the verdict changed by it. */
  take(ok: boolean): boolean {
    this.#inARow = this.#last === ok ? this.#inARow + 1 : 1;
    this.#last = ok;
    if (this.#inARow < (ok ? this.#successThreshold : this.#failureThreshold)) return false;
    const changed = this.value !== ok;
    this.value = ok;
    return changed;
  }
}

/** Runs a container's probes for as long as the container runs: startup first, then liveness and readiness. */
export class ProbeSet {
  readonly #options: ProbeOptions;
  readonly #startedAtMs = performance.now();
  readonly #timers = new Map<ProbeKind, NodeJS.Timeout>();
  readonly #stopped = new Set<ProbeKind>();

  constructor(options: ProbeOptions) {
    this.#options = options;
  }

  start(): void {
    const { startupProbe } = this.#options.container;
    if (!startupProbe) {
      this.#startOthers();
      return;
    }
    this.#run("startup", startupProbe, (healthy) => {
      if (healthy) this.#startOthers();
      return false;
    });
  }

  stop(): void {
    this.stopKilling();
    this.#stop("readiness");
  }

  /** The container is being ended: only whether it is ready still matters. */
  stopKilling(): void {
    this.#stop("startup");
    this.#stop("liveness");
  }

  #stop(kind: ProbeKind): void {
    this.#stopped.add(kind);
    clearTimeout(this.#timers.get(kind));
  }

  #startOthers(): void {
    const { livenessProbe, readinessProbe } = this.#options.container;
    if (livenessProbe) this.#run("liveness", livenessProbe, (healthy) => healthy);
    if (readinessProbe) this.#run("readiness", readinessProbe, () => true);
  }

  /** Probes until `goesOn` says no after a changed verdict. */
  #run(kind: ProbeKind, probe: Probe, goesOn: (healthy: boolean) => boolean): void {
    const { target, onVerdict, onFailure } = this.#options;
    const { initialDelaySeconds = 0, periodSeconds = 10, timeoutSeconds = 1 } = probe;
    const verdict = new Verdict(probe);
    const round = async () => {
      const began = performance.now();
      const { ok, message } = await runHandler(probe, target, timeoutSeconds * 1000);
      if (this.#stopped.has(kind)) return;
      if (!ok) onFailure(kind, message);
      if (verdict.take(ok)) {
        onVerdict({ kind, healthy: ok });
        if (!goesOn(ok)) return;
      }
      this.#after(kind, began + periodSeconds * 1000 - performance.now(), round);
    };
    this.#after(kind, this.#startedAtMs + initialDelaySeconds * 1000 - performance.now(), round);
  }

  #after(kind: ProbeKind, delayMs: number, run: () => Promise<void>): void {
    if (this.#stopped.has(kind)) return;
    this.#timers.set(
      kind,
      setTimeout(() => void run(), Math.max(0, delayMs)),
    );
  }
}
