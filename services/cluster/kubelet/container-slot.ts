import { join } from "node:path";
import { timestamp } from "../timestamp.ts";
import { ContainerProcess } from "./container-process.ts";
import { ContainerRecord } from "./container-record.ts";
import type { Prepared } from "./container-spec.ts";
import type { EventType } from "./events.ts";
import { type HandlerTarget, runHandler } from "./handlers.ts";
import type { Image } from "./images.ts";
import { removeLog } from "./logs.ts";
import type { Container, ContainerStatus, Pod } from "./pod.ts";
import type { ContainerView } from "./pod-plan.ts";
import { ProbeSet } from "./probes.ts";
import { parseQuantity, qosClass } from "./resources.ts";
import type { Person } from "./sandbox.ts";
import type { Exit } from "./signals.ts";
import { StartRetries } from "./start-retries.ts";
import { Termination } from "./termination.ts";
import { terminationMessage } from "./termination-message.ts";
import type { RunningContainer } from "./usage.ts";

export type SlotOptions = {
  pod: Pod;
  container: Container;
  isInit: boolean;
  person: Person;
  podIP: () => string;
  hostIP: string;
  logFolder: string;
  pull: (reference: string) => Image;
  prepare: (container: Container, image: Image) => Promise<Prepared>;
  event: (type: EventType, reason: string, message: string) => void;
  /** Something changed: the pod is to be looked at again. */
  onChange: () => void;
  nowMs: () => number;
};

/** Why a container that runs is to be ended, and how much grace it has then, where that is said. */
type Condemned = { message: string; graceSeconds?: number; renew?: boolean };

const postStartTimeoutMs = 120_000;

/** One container of a pod through all its starts: its process, its probes and hooks, and its end. */
export class ContainerSlot {
  readonly #options: SlotOptions;
  readonly #record = new ContainerRecord();
  readonly #retries: StartRetries;
  #container: Container;
  #image: Image | undefined;
  #process: ContainerProcess | undefined;
  #messageFile = "";
  #probes: ProbeSet | undefined;
  #termination: Termination | undefined;
  #condemned: Condemned | undefined;
  #renew = false;
  #oomKills = 0;
  #isOutOfMemory = false;

  constructor(options: SlotOptions) {
    this.#options = options;
    this.#container = options.container;
    const { name, namespace, uid } = options.pod.metadata;
    this.#retries = new StartRetries({
      record: this.#record,
      name: this.name,
      image: () => this.#container.image,
      pod: `${name}_${namespace}(${uid})`,
      event: options.event,
      nowMs: options.nowMs,
    });
  }

  get name(): string {
    return this.#options.container.name;
  }

  get process(): ContainerProcess | undefined {
    return this.#process;
  }

  /** The grace that the probe which condemned the container gives it; undefined where the pod's own counts. */
  get condemnedGraceSeconds(): number | undefined {
    return this.#condemned?.graceSeconds;
  }

  /** What is measured of the container while it runs. */
  get running(): RunningContainer | undefined {
    const { pod } = this.#options;
    if (!this.#process) return undefined;
    const process = this.#process;
    const { id, startedAt } = process;
    return {
      id,
      namespace: pod.metadata.namespace,
      pod: pod.metadata.name,
      podUid: pod.metadata.uid,
      qosClass: qosClass([...pod.spec.containers, ...(pod.spec.initContainers ?? [])]),
      name: this.name,
      image: this.#container.image,
      startedAt,
      roots: () => process.roots,
      memoryLimitBytes: parseQuantity(this.#container.resources?.limits?.memory ?? "0"),
      oomKills: this.#oomKills,
      killForMemory: () => this.#killForMemory(),
    };
  }

  restore(status: ContainerStatus, forgetEnd: boolean): void {
    this.#record.restore(status, forgetEnd);
  }

  view(): ContainerView {
    return {
      name: this.name,
      state: this.#process ? "running" : this.#record.ended ? "exited" : "new",
      exitCode: this.#record.ended?.exitCode,
      isSidecar: this.#options.isInit && this.#container.restartPolicy === "Always",
      started: this.#record.started,
      stopping: this.#termination !== undefined,
      condemned: this.#condemned !== undefined,
      renew: this.#renew,
      retryAtMs: this.#retries.retryAtMs,
    };
  }

  status(initialized: boolean): ContainerStatus {
    return this.#record.status(this.#container, this.#process, { isInit: this.#options.isInit, initialized });
  }

  /** Takes a changed definition, of which the image is all that may change: a container that runs is started anew with it. */
  update(container: Container): void {
    if (container.image === this.#container.image) return;
    this.#container = container;
    this.#retries.forget();
    const message = `Container ${this.name} definition changed, will be restarted`;
    if (this.#process) this.#condemn(this.#process, { message, renew: true });
  }

  /** Starts the container once more. Never rejects: what went wrong is in the status and in events. False when it failed. */
  async start(): Promise<boolean> {
    const { event, pull, prepare, person } = this.#options;
    const container = this.#container;
    try {
      const image = pull(container.image);
      event("Normal", "Pulled", `Container image "${container.image}" already present on machine`);
      this.#retries.pulled();
      this.#image = image;
      this.#record.imageId = image.id;
      const { sandbox, env, messageFile } = await prepare(container, image);
      event("Normal", "Created", `Created container: ${container.name}`);
      const run = this.#record.nextRun;
      const process = await ContainerProcess.start(sandbox, env, this.#logPath(run), person);
      this.#messageFile = messageFile;
      this.#begin(process, run);
      return true;
    } catch (error) {
      this.#retries.failed(error);
      return false;
    }
  }

  /** Shows why the container is not started yet; gives the time when to call again. */
  showBackoff(): number | undefined {
    return this.#retries.show();
  }

  /** Ends the container: preStop, its signal, and SIGKILL when the grace is over. A second call can only shorten the grace. */
  stop(graceMs: number): void {
    const process = this.#process;
    if (!process) return;
    if (this.#termination) {
      this.#termination.shorten(graceMs);
      return;
    }
    const { event, nowMs } = this.#options;
    const hook = this.#container.lifecycle?.preStop;
    event("Normal", "Killing", this.#condemned?.message ?? `Stopping container ${this.name}`);
    this.#probes?.stopKilling();
    this.#termination = new Termination({
      graceMs,
      preStop: hook && ((timeoutMs) => this.#runPreStop(process, timeoutMs)),
      signal: () => process.terminate(this.#image?.stopSignal ?? "SIGTERM"),
      kill: () => process.kill(),
      nowMs,
    });
  }

  /** The log of the running or last run, or of the one before. */
  logPath(previous: boolean): string | undefined {
    const run = this.#record.runNumber(previous);
    return run === undefined ? undefined : this.#logPath(run);
  }

  #begin(process: ContainerProcess, run: number): void {
    const { event, onChange, isInit } = this.#options;
    const { startupProbe, readinessProbe, restartPolicy } = this.#container;
    if (run >= 2) removeLog(this.#logPath(run - 2));
    this.#process = process;
    this.#condemned = undefined;
    this.#renew = false;
    this.#retries.started();
    this.#record.begin(run, { started: !startupProbe, ready: !startupProbe && !readinessProbe });
    event("Normal", "Started", `Started container ${this.name}`);
    void process.exited.then((exit) => this.#exited(process, exit));
    if (!isInit || restartPolicy === "Always") this.#startProbes(process);
    void this.#runPostStart(process);
    onChange();
  }

  async #runPreStop(process: ContainerProcess, timeoutMs: number): Promise<void> {
    const hook = this.#container.lifecycle?.preStop;
    if (!hook) return;
    const { ok, message } = await runHandler(hook, this.#target(process), timeoutMs);
    if (!ok && process.running) this.#options.event("Warning", "FailedPreStopHook", `PreStopHook failed: ${message}`);
  }

  async #runPostStart(process: ContainerProcess): Promise<void> {
    const hook = this.#container.lifecycle?.postStart;
    if (!hook) return;
    const { ok, message } = await runHandler(hook, this.#target(process), postStartTimeoutMs);
    if (ok || !process.running) return;
    this.#options.event("Warning", "FailedPostStartHook", `PostStartHook failed: ${message}`);
    this.#condemn(process, { message: "FailedPostStartHook" });
  }

  #startProbes(process: ContainerProcess): void {
    const { event, onChange } = this.#options;
    const container = this.#container;
    const titles = { startup: "Startup", liveness: "Liveness", readiness: "Readiness" };
    this.#probes = new ProbeSet({
      container,
      target: this.#target(process),
      onFailure: (kind, message) => event("Warning", "Unhealthy", `${titles[kind]} probe failed: ${message}`),
      onVerdict: ({ kind, healthy }) => {
        if (kind === "readiness") this.#record.ready = healthy;
        else if (!healthy) {
          const message = `Container ${container.name} failed ${kind} probe, will be restarted`;
          this.#condemn(process, { message, graceSeconds: container[`${kind}Probe`]?.terminationGracePeriodSeconds });
        }
        if (kind === "startup" && healthy) {
          this.#record.started = true;
          this.#record.ready = !container.readinessProbe;
        }
        onChange();
      },
    });
    this.#probes.start();
  }

  #condemn(process: ContainerProcess, condemned: Condemned): void {
    if (this.#process !== process) return;
    this.#condemned ??= condemned;
    this.#renew ||= condemned.renew ?? false;
    this.#options.onChange();
  }

  #killForMemory(): void {
    if (!this.#process || this.#isOutOfMemory) return;
    this.#isOutOfMemory = true;
    this.#oomKills += 1;
    const limit = this.#container.resources?.limits?.memory;
    this.#options.event("Warning", "OOMKilled", `Container ${this.name} exceeded its memory limit of ${limit}`);
    this.#process.kill();
  }

  #exited(process: ContainerProcess, { exitCode, signal }: Exit): void {
    if (this.#process !== process) return;
    this.#probes?.stop();
    this.#termination?.finish();
    const reason = this.#isOutOfMemory ? "OOMKilled" : exitCode === 0 ? "Completed" : "Error";
    const message = terminationMessage(this.#container, exitCode, { message: this.#messageFile, log: process.log.path });
    this.#process = undefined;
    this.#probes = undefined;
    this.#termination = undefined;
    this.#condemned = undefined;
    this.#isOutOfMemory = false;
    this.#record.end({
      exitCode,
      ...(signal ? { signal } : {}),
      reason,
      ...(message ? { message } : {}),
      startedAt: timestamp(process.startedAt),
      finishedAt: timestamp(),
      containerID: `process://${process.id}`,
    });
    if (this.#renew) this.#retries.forget();
    else this.#retries.crashed(Date.now() - process.startedAt.getTime());
    this.#options.onChange();
  }

  #target(process: ContainerProcess): HandlerTarget {
    const { podIP, hostIP } = this.#options;
    const exec = (command: string[], timeoutMs: number) => process.exec(command, timeoutMs);
    return { container: this.#container, podIP: podIP(), localAddress: hostIP, exec };
  }

  #logPath(run: number): string {
    return join(this.#options.logFolder, this.name, `${run}.log`);
  }
}
