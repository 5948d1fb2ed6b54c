import { timestamp } from "../timestamp.ts";
import { StartFailure } from "./container-process.ts";
import type { ContainerRecord } from "./container-record.ts";
import { ConfigError } from "./environment.ts";
import type { EventType } from "./events.ts";
import { ImageError } from "./images.ts";
import { crashDelay, doubling } from "./pod-plan.ts";
import { MountError } from "./volumes.ts";

export type RetryOptions = {
  record: ContainerRecord;
  name: string;
  image: () => string;
  /** The pod as events name it: NAME_NAMESPACE(UID). */
  pod: string;
  event: (type: EventType, reason: string, message: string) => void;
  nowMs: () => number;
};

const configRetryMs = 5_000;
const apiRetryMs = 2_000;
const failureShownMs = 1_000;
const longestMountRetryMs = 60_000;

/** Why a container is not running and when it is tried again: failed pulls and starts, and the back-off after crashes. */
export class StartRetries {
  readonly #options: RetryOptions;
  #retryAtMs: number | undefined;
  #blocked: "pull" | "crash" | "other" | undefined;
  #failureShownUntilMs = 0;
  #pulls = 0;
  #failures = 0;
  #crashes = { restarts: 0 };

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  get retryAtMs(): number | undefined {
    return this.#retryAtMs;
  }

  started(): void {
    this.#retryAtMs = undefined;
    this.#blocked = undefined;
    this.#failures = 0;
  }

  pulled(): void {
    this.#pulls = 0;
  }

  /** The container was given another definition: nothing that failed before counts. */
  forget(): void {
    this.started();
    this.#pulls = 0;
    this.#crashes = { restarts: 0 };
  }

  crashed(ranForMs: number): void {
    const { delayMs, count } = crashDelay(this.#crashes, ranForMs);
    this.#crashes = count;
    this.#retryIn(delayMs, "crash");
  }

  /** Takes the error of a start: it is in the status and in events afterwards. */
  failed(error: unknown): void {
    const { record, event } = this.#options;
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof ImageError) this.#pullFailed(message);
    else if (error instanceof StartFailure && error.kind === "command") this.#commandFailed(message);
    else if (error instanceof ConfigError) {
      record.waiting = { reason: "CreateContainerConfigError", message };
      event("Warning", "Failed", `Error: ${message}`);
      this.#retryIn(configRetryMs, "other");
    } else {
      this.#failures += 1;
      record.waiting = { reason: "ContainerCreating" };
      const what = error instanceof StartFailure ? "the container's file system cannot be set up on this machine: " : "";
      const isMount = error instanceof StartFailure || error instanceof MountError;
      if (isMount) event("Warning", "FailedMount", `${what}${message}`);
      else event("Warning", "FailedSync", `error syncing pod, skipping: ${message}`);
      this.#retryIn(isMount ? Math.min(longestMountRetryMs, doubling(this.#failures)) : apiRetryMs, "other");
    }
  }

  /**
   * Shows why the container is not started yet. Safe to repeat: the event is written once for each wait. A failed pull is shown
   * for a second before its back-off is; the time when to call again is then returned.
   */
  show(): number | undefined {
    const { record, name, image, pod, event, nowMs } = this.#options;
    if (this.#blocked === "pull" && record.waiting?.reason !== "ImagePullBackOff") {
      if (nowMs() < this.#failureShownUntilMs) return this.#failureShownUntilMs;
      const message = `Back-off pulling image "${image()}"`;
      record.waiting = { reason: "ImagePullBackOff", message: `${message}: ErrImagePull: ${record.waiting?.message ?? ""}` };
      event("Normal", "BackOff", message);
      event("Warning", "Failed", "Error: ImagePullBackOff");
    }
    if (this.#blocked === "crash" && !record.waiting) {
      const seconds = Math.round(doubling(this.#crashes.restarts - 1) / 1000);
      const wait = seconds >= 60 ? `${Math.floor(seconds / 60)}m${seconds % 60}s` : `${seconds}s`;
      record.waiting = { reason: "CrashLoopBackOff", message: `back-off ${wait} restarting failed container=${name} pod=${pod}` };
      event("Warning", "BackOff", `Back-off restarting failed container ${name} in pod ${pod}`);
    }
    return undefined;
  }

  #pullFailed(message: string): void {
    const { record, image, event, nowMs } = this.#options;
    this.#pulls += 1;
    const text = `Failed to pull image "${image()}": ${message}`;
    record.waiting = { reason: "ErrImagePull", message: text };
    event("Warning", "Failed", text);
    event("Warning", "Failed", "Error: ErrImagePull");
    this.#failureShownUntilMs = nowMs() + failureShownMs;
    this.#retryIn(doubling(this.#pulls), "pull");
  }

  #commandFailed(message: string): void {
    const { record, event } = this.#options;
    const text = `failed to create containerd task: failed to create shim task: ${message}: unknown`;
    event("Warning", "Failed", `Error: ${text}`);
    const startedAt = "1970-01-01T00:00:00Z";
    record.endBeforeStart({ exitCode: 128, reason: "StartError", message: text, startedAt, finishedAt: timestamp() });
    this.crashed(0);
  }

  #retryIn(delayMs: number, blocked: "pull" | "crash" | "other"): void {
    this.#retryAtMs = this.#options.nowMs() + delayMs;
    this.#blocked = blocked;
  }
}
