import { join } from "node:path";
import { ContainerProcess, StartFailure } from "./container-process.ts";
import { ConfigError } from "./environment.ts";
import type { EventType } from "./events.ts";
import { type HandlerTarget, runHandler } from "./handlers.ts";
import { type Image, ImageError } from "./images.ts";
import { removeLog } from "./logs.ts";
import type { Container, ContainerState, ContainerStatus, Pod, Terminated } from "./pod.ts";
import { type ContainerView, crashDelay, doubling } from "./pod-plan.ts";
import { ProbeSet } from "./probes.ts";
import { parseQuantity, qosClass } from "./resources.ts";
import type { Person, Sandbox } from "./sandbox.ts";
import type { Exit } from "./signals.ts";
import type { RunningContainer } from "./usage.ts";
import { MountError } from "./volumes.ts";

export type SlotOptions = {
  pod: Pod;
  container: Container;
  isInit: boolean;
  person: Person;
  podIP: () => string;
  hostIP: string;
  logFolder: string;
  pull: (reference: string) => Image;
  prepare: (container: Container, image: Image) => Promise<{ sandbox: Sandbox; env: Record<string, string> }>;
  event: (type: EventType, reason: string, message: string) => void;
  /** Something changed: the pod is to be looked at again. */
  onChange: () => void;
  nowMs: () => number;
};

type Stopping = { deadlineMs: number; timer: NodeJS.Timeout };

const configRetryMs = 5_000;
const apiRetryMs = 2_000;
const failureShownMs = 1_000;

/** One container of a pod through all its starts: its process, its probes, and what its status says. */
export class ContainerSlot {
  readonly #options: SlotOptions;
  #process: ContainerProcess | undefined;
  #probes: ProbeSet | undefined;
  #waiting: { reason: string; message?: string } | undefined;
  #ended: Terminated | undefined;
  #last: Terminated | undefined;
  #image: Image | undefined;
  #restartCount = 0;
  #hasRun = false;
  #started = false;
  #ready = false;
  #condemned: string | undefined;
  #stopping: Stopping | undefined;
  #retryAtMs: number | undefined;
  #blocked: "pull" | "crash" | "other" | undefined;
  #failureShownUntilMs = 0;
  #pulls = 0;
  #failures = 0;
  #crashes = { restarts: 0 };
  #oomKills = 0;
  #isOutOfMemory = false;

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.container.name;
  }

  get process(): ContainerProcess | undefined {
    return this.#process;
  }

  /** What is measured of the container while it runs. */
  get running(): RunningContainer | undefined {
    const { container, pod } = this.#options;
    if (!this.#process) return undefined;
    const { id, startedAt, roots } = this.#process;
    return {
      id,
      namespace: pod.metadata.namespace,
      pod: pod.metadata.name,
      podUid: pod.metadata.uid,
      qosClass: qosClass([...pod.spec.containers, ...(pod.spec.initContainers ?? [])]),
      name: container.name,
      image: container.image,
      startedAt,
      roots,
      memoryLimitBytes: parseQuantity(container.resources?.limits?.memory ?? "0"),
      oomKills: this.#oomKills,
      killForMemory: () => this.#killForMemory(),
    };
  }

  /** Takes up what an earlier kubelet reported. A container that it left running has ended with it. */
  restore(status: ContainerStatus, forgetEnd: boolean): void {
    const { state, lastState } = status;
    this.#restartCount = status.restartCount;
    this.#hasRun = state.running !== undefined || state.terminated !== undefined || lastState.terminated !== undefined;
    const lost = state.running && {
      exitCode: 255,
      reason: "Unknown",
      message: "The kubelet was restarted and its containers ended with it.",
      startedAt: state.running.startedAt,
      finishedAt: timestamp(),
      containerID: status.containerID,
    };
    this.#ended = lost ?? state.terminated ?? lastState.terminated;
    if (!forgetEnd) return;
    this.#last = this.#ended;
    this.#ended = undefined;
  }

  view(): ContainerView {
    return {
      name: this.name,
      state: this.#process ? "running" : this.#ended ? "exited" : "new",
      exitCode: this.#ended?.exitCode,
      stopping: this.#stopping !== undefined,
      condemned: this.#condemned !== undefined,
      retryAtMs: this.#retryAtMs,
    };
  }

  status(initialized: boolean): ContainerStatus {
    const { container, isInit } = this.#options;
    const containerID = this.#process ? `process://${this.#process.id}` : (this.#ended ?? this.#last)?.containerID;
    return {
      name: container.name,
      ...this.#states(initialized),
      ready: isInit ? this.#ended?.exitCode === 0 : this.#ready,
      started: this.#started,
      restartCount: this.#restartCount,
      image: container.image,
      imageID: this.#image?.id ?? "",
      ...(containerID ? { containerID } : {}),
    };
  }

  #states(initialized: boolean): { state: ContainerState; lastState: ContainerState } {
    const terminated = (end: Terminated | undefined): ContainerState => (end ? { terminated: end } : {});
    if (this.#process) {
      return { state: { running: { startedAt: timestamp(this.#process.startedAt) } }, lastState: terminated(this.#last) };
    }
    if (this.#waiting) return { state: { waiting: this.#waiting }, lastState: terminated(this.#ended ?? this.#last) };
    if (this.#ended) return { state: { terminated: this.#ended }, lastState: terminated(this.#last) };
    const reason = initialized || this.#options.isInit ? "ContainerCreating" : "PodInitializing";
    return { state: { waiting: { reason } }, lastState: terminated(this.#last) };
  }

  /** Starts the container once more. Never rejects: what went wrong is in the status and in events. False when it failed. */
  async start(): Promise<boolean> {
    const { container, event, pull, prepare, person } = this.#options;
    try {
      const image = pull(container.image);
      if (this.#pulls > 0 || !this.#image)
        event("Normal", "Pulled", `Container image "${container.image}" already present on machine`);
      this.#image = image;
      this.#pulls = 0;
      const { sandbox, env } = await prepare(container, image);
      event("Normal", "Created", `Created container: ${container.name}`);
      const count = this.#hasRun ? this.#restartCount + 1 : 0;
      const process = await ContainerProcess.start(sandbox, env, this.#logPath(count), person);
      this.#running(process, count);
      return true;
    } catch (error) {
      this.#startFailed(error);
      return false;
    }
  }

  #running(process: ContainerProcess, count: number): void {
    const { container, event, onChange } = this.#options;
    this.#restartCount = count;
    if (count >= 2) removeLog(this.#logPath(count - 2));
    this.#hasRun = true;
    this.#process = process;
    this.#last = this.#ended ?? this.#last;
    this.#ended = undefined;
    this.#waiting = undefined;
    this.#retryAtMs = undefined;
    this.#blocked = undefined;
    this.#condemned = undefined;
    this.#failures = 0;
    this.#started = !container.startupProbe;
    this.#ready = !container.readinessProbe && this.#started;
    event("Normal", "Started", `Started container ${container.name}`);
    void process.exited.then((exit) => this.#exited(process, exit));
    if (!this.#options.isInit) this.#startProbes(process);
    void this.#postStart(process);
    onChange();
  }

  #startFailed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof ImageError) this.#pullFailed(message);
    else if (error instanceof StartFailure && error.kind === "command") this.#commandFailed(message);
    else if (error instanceof ConfigError) {
      this.#waiting = { reason: "CreateContainerConfigError", message };
      this.#options.event("Warning", "Failed", `Error: ${message}`);
      this.#retryIn(configRetryMs, "other");
    } else {
      this.#failures += 1;
      this.#waiting = { reason: "ContainerCreating" };
      const what = error instanceof StartFailure ? "the container's file system cannot be set up on this machine: " : "";
      const isMount = error instanceof StartFailure || error instanceof MountError;
      if (isMount) this.#options.event("Warning", "FailedMount", `${what}${message}`);
      else this.#options.event("Warning", "FailedSync", `error syncing pod, skipping: ${message}`);
      this.#retryIn(isMount ? Math.min(60_000, doubling(this.#failures)) : apiRetryMs, "other");
    }
  }

  #pullFailed(message: string): void {
    const { container, event } = this.#options;
    this.#pulls += 1;
    const text = `Failed to pull image "${container.image}": ${message}`;
    this.#waiting = { reason: "ErrImagePull", message: text };
    event("Warning", "Failed", text);
    event("Warning", "Failed", "Error: ErrImagePull");
    this.#failureShownUntilMs = this.#options.nowMs() + failureShownMs;
    this.#retryIn(doubling(this.#pulls), "pull");
  }

  #commandFailed(message: string): void {
    const text = `failed to create containerd task: failed to create shim task: ${message}: unknown`;
    this.#options.event("Warning", "Failed", `Error: ${text}`);
    this.#restartCount = this.#hasRun ? this.#restartCount + 1 : 0;
    this.#hasRun = true;
    const startedAt = "1970-01-01T00:00:00Z";
    this.#end({ exitCode: 128, reason: "StartError", message: text, startedAt, finishedAt: timestamp() }, 0);
  }

  #retryIn(delayMs: number, blocked: "pull" | "other"): void {
    this.#retryAtMs = this.#options.nowMs() + delayMs;
    this.#blocked = blocked;
  }

  /**
   * Shows why the container is not started yet. Safe to repeat: the event is written once for each wait. A failed pull is shown
   * for a second before its back-off is; the time when to call again is then returned.
   */
  showBackoff(): number | undefined {
    const { container, event, pod, nowMs } = this.#options;
    if (this.#blocked === "pull" && this.#waiting?.reason !== "ImagePullBackOff") {
      if (nowMs() < this.#failureShownUntilMs) return this.#failureShownUntilMs;
      const message = `Back-off pulling image "${container.image}"`;
      this.#waiting = { reason: "ImagePullBackOff", message: `${message}: ErrImagePull: ${this.#waiting?.message ?? ""}` };
      event("Normal", "BackOff", message);
      event("Warning", "Failed", "Error: ImagePullBackOff");
    }
    if (this.#blocked === "crash" && !this.#waiting) {
      const { name, namespace, uid } = pod.metadata;
      const seconds = Math.round(doubling(this.#crashes.restarts - 1) / 1000);
      const whose = `${name}_${namespace}(${uid})`;
      const wait = seconds >= 60 ? `${Math.floor(seconds / 60)}m${seconds % 60}s` : `${seconds}s`;
      const message = `back-off ${wait} restarting failed container=${container.name} pod=${whose}`;
      this.#waiting = { reason: "CrashLoopBackOff", message };
      event("Warning", "BackOff", `Back-off restarting failed container ${container.name} in pod ${whose}`);
    }
    return undefined;
  }

  /** Ends the container: preStop, SIGTERM, and SIGKILL when the grace is over. A second call can only shorten the grace. */
  stop(graceMs: number, message = this.#condemned ?? `Stopping container ${this.name}`): void {
    const process = this.#process;
    if (!process) return;
    const { event, nowMs } = this.#options;
    const deadlineMs = nowMs() + graceMs;
    if (this.#stopping && this.#stopping.deadlineMs <= deadlineMs) return;
    const isFirst = !this.#stopping;
    clearTimeout(this.#stopping?.timer);
    this.#stopping = { deadlineMs, timer: setTimeout(() => process.kill(), graceMs) };
    if (!isFirst) return;
    event("Normal", "Killing", message);
    void this.#preStop(process, graceMs).then(() => process.terminate(this.#image?.stopSignal ?? "SIGTERM"));
  }

  /** The log of the running or last run, or of the one before. */
  logPath(previous: boolean): string | undefined {
    const count = previous ? this.#restartCount - 1 : this.#restartCount;
    return this.#hasRun && count >= 0 ? this.#logPath(count) : undefined;
  }

  async #preStop(process: ContainerProcess, graceMs: number): Promise<void> {
    const hook = this.#options.container.lifecycle?.preStop;
    if (!hook || graceMs <= 0) return;
    if (hook.sleep) return pause(Math.min(graceMs, hook.sleep.seconds * 1000));
    const { ok, message } = await runHandler(hook, this.#target(process), graceMs);
    if (!ok && process.running) this.#options.event("Warning", "FailedPreStopHook", `PreStopHook failed: ${message}`);
  }

  async #postStart(process: ContainerProcess): Promise<void> {
    const hook = this.#options.container.lifecycle?.postStart;
    if (!hook) return;
    const { ok, message } = await runHandler(hook, this.#target(process), 120_000);
    if (ok || !process.running) return;
    this.#options.event("Warning", "FailedPostStartHook", `PostStartHook failed: ${message}`);
    this.#condemn(process, `FailedPostStartHook`);
  }

  #killForMemory(): void {
    if (!this.#process || this.#isOutOfMemory) return;
    this.#isOutOfMemory = true;
    this.#oomKills += 1;
    const { container, event } = this.#options;
    event(
      "Warning",
      "OOMKilled",
      `Container ${container.name} exceeded its memory limit of ${container.resources?.limits?.memory}`,
    );
    this.#process.kill();
  }

  #startProbes(process: ContainerProcess): void {
    const { container, event, onChange } = this.#options;
    const titles = { startup: "Startup", liveness: "Liveness", readiness: "Readiness" };
    const probes = new ProbeSet({
      container,
      target: this.#target(process),
      onFailure: (kind, message) => event("Warning", "Unhealthy", `${titles[kind]} probe failed: ${message}`),
      onVerdict: ({ kind, healthy }) => {
        if (kind === "readiness") this.#ready = healthy;
        else if (!healthy) this.#condemn(process, `Container ${container.name} failed ${kind} probe, will be restarted`);
        if (kind === "startup" && healthy) {
          this.#started = true;
          this.#ready = !container.readinessProbe;
        }
        onChange();
      },
    });
    this.#probes = probes;
    probes.start();
  }

  #condemn(process: ContainerProcess, message: string): void {
    if (this.#process !== process) return;
    this.#condemned = message;
    this.#options.onChange();
  }

  #exited(process: ContainerProcess, { exitCode, signal }: Exit): void {
    if (this.#process !== process) return;
    this.#probes?.stop();
    clearTimeout(this.#stopping?.timer);
    this.#process = undefined;
    this.#probes = undefined;
    this.#stopping = undefined;
    this.#condemned = undefined;
    const reason = this.#isOutOfMemory ? "OOMKilled" : exitCode === 0 ? "Completed" : "Error";
    this.#isOutOfMemory = false;
    const end: Terminated = {
      exitCode,
      ...(signal ? { signal } : {}),
      reason,
      startedAt: timestamp(process.startedAt),
      finishedAt: timestamp(),
      containerID: `process://${process.id}`,
    };
    this.#end(end, Date.now() - process.startedAt.getTime());
    this.#options.onChange();
  }

  #end(end: Terminated, ranForMs: number): void {
    this.#last = this.#ended ?? this.#last;
    this.#ended = end;
    this.#waiting = undefined;
    this.#ready = false;
    this.#started = false;
    const { delayMs, count } = crashDelay(this.#crashes, ranForMs);
    this.#crashes = count;
    this.#retryAtMs = this.#options.nowMs() + delayMs;
    this.#blocked = "crash";
  }

  #target(process: ContainerProcess): HandlerTarget {
    const { container, podIP, hostIP } = this.#options;
    return { container, podIP: podIP(), localAddress: hostIP, exec: (command, timeoutMs) => process.exec(command, timeoutMs) };
  }

  #logPath(count: number): string {
    return join(this.#options.logFolder, this.name, `${count}.log`);
  }
}

function timestamp(date = new Date()): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
