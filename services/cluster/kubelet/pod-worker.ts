import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { timestamp } from "../timestamp.ts";
import { ContainerSlot } from "./container-slot.ts";
import type { EventType } from "./events.ts";
import { findUnsupported } from "./features.ts";
import { pullImage } from "./images.ts";
import type { NodeContext } from "./node-context.ts";
import { Passes } from "./passes.ts";
import { type Container, graceSecondsOf, type Pod, type PodStatus } from "./pod.ts";
import { PodMaterials } from "./pod-materials.ts";
import { planPod, type Step } from "./pod-plan.ts";
import { writeRecord } from "./pod-record.ts";
import { buildStatus } from "./pod-status.ts";
import { removePod, writeStatus } from "./status-writer.ts";

const longestMountRetryMs = 30_000;
/** What a sidecar has at least when the others have used up the grace. */
const leastGraceMs = 2_000;

/** Runs one pod: looks, plans, acts and reports in passes that never overlap. Ends when the pod is gone. */
export class PodWorker {
  readonly uid: string;
  readonly #context: NodeContext;
  readonly #materials: PodMaterials;
  readonly #folder: string;
  readonly #passes: Passes;
  readonly #inits: ContainerSlot[];
  readonly #mains: ContainerSlot[];
  readonly #startTime = timestamp();
  #pod: Pod;
  #mountFailures = 0;
  #prepareAtMs: number | undefined;
  #initialized: boolean;
  #failure: { reason: string; message: string } | undefined;
  #endingSinceMs: number | undefined;
  #removed = false;
  #gone = false;

  constructor(context: NodeContext, pod: Pod) {
    this.uid = pod.metadata.uid;
    this.#context = context;
    this.#pod = pod;
    this.#folder = join(context.podsFolder, this.uid);
    mkdirSync(this.#folder, { recursive: true });
    this.#passes = new Passes({
      pass: () => this.#pass(),
      onError: (error) =>
        context.logger.warn({ pod: this.#label(), err: String(error) }, "a pass over a pod failed; trying again"),
      nowMs: () => this.#now(),
    });
    this.#materials = new PodMaterials(context, () => this.#pod, this.#folder);
    this.#inits = (pod.spec.initContainers ?? []).map((container) => this.#slot(container, true));
    this.#mains = pod.spec.containers.map((container) => this.#slot(container, false));
    this.#initialized = this.#inits.length === 0 || this.#isFinished();
    const unsupported = this.#isFinished() ? undefined : findUnsupported(pod);
    if (unsupported) this.#fail("PodFeatureUnsupported", `The local cluster cannot run a pod with ${unsupported}`);
    for (const status of pod.status?.initContainerStatuses ?? []) this.#find(status.name)?.restore(status, !this.#initialized);
    for (const status of pod.status?.containerStatuses ?? []) this.#find(status.name)?.restore(status, false);
  }

  get pod(): Pod {
    return this.#pod;
  }

  get podIP(): string | undefined {
    return this.#materials.podIP;
  }

  get slots(): ContainerSlot[] {
    return [...this.#inits, ...this.#mains];
  }

  update(pod: Pod): void {
    // The watch may bring a version that this worker's own status write has already replaced.
    if (Number(pod.metadata.resourceVersion) < Number(this.#pod.metadata.resourceVersion)) return;
    this.#take(pod);
    this.wake();
  }

  /** The object is gone from the API: what still runs is ended. */
  remove(): void {
    this.#removed = true;
    this.wake();
  }

  /** Brings the files of the pod's volumes up to date. */
  async refreshVolumes(): Promise<void> {
    if (this.#gone || this.#removed || this.#isFinished()) return;
    await this.#materials.refresh().catch((error: unknown) => this.#event("Warning", "FailedMount", messageOf(error)));
  }

  /** Evicts the pod when it has written more into an emptyDir volume than that may hold. */
  async checkVolumes(): Promise<void> {
    if (this.#gone || this.#removed || this.#failure || this.#isFinished()) return;
    const overfull = await this.#materials.findOverfull();
    if (!overfull) return;
    const message = `Usage of EmptyDir volume "${overfull.name}" exceeds the limit "${overfull.sizeLimit}". `;
    this.#fail("Evicted", message);
    this.wake();
  }

  wake(): void {
    this.#passes.wake();
  }

  /** Ends all containers within the grace and reports it once; the pod itself stays and starts again with the next kubelet. */
  async shutdown(graceMs: number): Promise<void> {
    await this.#passes.stop();
    const running = this.slots.flatMap((slot) => slot.process ?? []);
    for (const slot of this.slots) slot.stop(Math.min(graceMs, graceSecondsOf(this.#pod) * 1000));
    const killing = setTimeout(() => running.forEach((process) => void process.kill()), graceMs);
    await Promise.all(running.map((process) => process.exited));
    clearTimeout(killing);
    if (running.length > 0) await this.#report().catch(() => {});
  }

  async #pass(): Promise<void> {
    const { steps, wakeAtMs } = planPod(
      {
        deleting: this.#isDeleting(),
        failed: this.#failure !== undefined,
        finished: this.#isFinished(),
        prepared: this.#materials.areReady,
        prepareAtMs: this.#prepareAtMs,
        deadlineAtMs: this.#deadlineAtMs(),
        initialized: this.#initialized,
        restartPolicy: this.#pod.spec.restartPolicy ?? "Always",
        initContainers: this.#inits.map((slot) => slot.view()),
        containers: this.#mains.map((slot) => slot.view()),
      },
      this.#now(),
    );
    this.#passes.wakeAt(wakeAtMs);
    if (steps.some(({ type }) => type === "start")) await this.#report();
    for (const step of steps) await this.#apply(step);
    if (!this.#gone) await this.#report();
    if (this.#isFinished() && !this.slots.some((slot) => slot.process)) this.#materials.releaseAddress();
  }

  async #apply(step: Step): Promise<void> {
    switch (step.type) {
      case "prepare":
        return this.#prepare();
      case "initialized":
        this.#initialized = true;
        this.#passes.wake();
        return;
      case "start": {
        const isStarted = await this.#find(step.name)?.start();
        if (isStarted) this.#remember();
        else this.#passes.wake();
        return;
      }
      case "backoff":
        this.#passes.wakeAt(this.#find(step.name)?.showBackoff());
        return;
      case "stop":
        this.#find(step.name)?.stop(this.#graceMsFor(step.name));
        return;
      case "exceeded":
        this.#fail("DeadlineExceeded", "Pod was active on the node longer than the specified deadline");
        this.#passes.wake();
        return;
      case "finish":
        return this.#finish();
    }
  }

  /** The pod's grace is one for all its containers: those that end last have what the others left. */
  #graceMsFor(name: string): number {
    const { spec } = this.#pod;
    // Nobody waits for what was deleted without grace: another one may have its place already.
    if (this.#removed) return 0;
    if (!this.#isDeleting() && !this.#failure) {
      return (this.#find(name)?.condemnedGraceSeconds ?? spec.terminationGracePeriodSeconds ?? 30) * 1000;
    }
    this.#endingSinceMs ??= this.#now();
    const graceMs = graceSecondsOf(this.#pod) * 1000;
    const isSidecar = this.#inits.some((slot) => slot.name === name && slot.view().isSidecar);
    const usedMs = this.#now() - this.#endingSinceMs;
    return isSidecar ? Math.max(Math.min(leastGraceMs, graceMs), graceMs - usedMs) : graceMs;
  }

  async #prepare(): Promise<void> {
    try {
      this.#materials.takeAddress();
      this.#remember();
      await this.#materials.prepare();
      this.#mountFailures = 0;
    } catch (error) {
      const delayMs = Math.min(longestMountRetryMs, 500 * 2 ** Math.min(this.#mountFailures, 10));
      this.#mountFailures += 1;
      this.#prepareAtMs = this.#now() + delayMs;
      this.#event("Warning", "FailedMount", messageOf(error));
    }
    this.#passes.wake();
  }

  #fail(reason: string, message: string): void {
    this.#failure = { reason, message };
    this.#event("Warning", reason, message);
  }

  async #finish(): Promise<void> {
    if (!this.#removed) {
      await this.#report();
      await removePod(this.#context.client, this.#pod);
    }
    this.#gone = true;
    void this.#passes.stop();
    this.#materials.release();
    this.#context.onGone(this.uid);
  }

  async #report(): Promise<void> {
    if (this.#removed) return;
    const pod = await writeStatus(this.#context.client, this.#pod, (current) => this.#statusOf(current));
    if (pod) {
      this.#take(pod);
      return;
    }
    this.#removed = true;
    this.#passes.wake();
  }

  #take(pod: Pod): void {
    this.#pod = pod;
    for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
      this.#find(container.name)?.update(container);
    }
  }

  #statusOf(pod: Pod): PodStatus {
    const initialized = this.#initialized;
    return buildStatus({
      pod,
      hostIP: this.#context.hostIP,
      podIP: this.podIP,
      startTime: this.#startTime,
      prepared: this.#materials.areReady,
      initialized,
      initContainers: this.#inits.map((slot) => slot.status(initialized)),
      containers: this.#mains.map((slot) => slot.status(initialized)),
      failure: this.#failure,
      now: timestamp(),
    });
  }

  #slot(container: Container, isInit: boolean): ContainerSlot {
    const { person, hostIP, imagesDir } = this.#context;
    const kind = isInit ? "initContainers" : "containers";
    return new ContainerSlot({
      pod: this.#pod,
      container,
      isInit,
      person,
      hostIP,
      podIP: () => this.podIP ?? "",
      logFolder: join(this.#folder, "logs"),
      pull: (reference) => pullImage(imagesDir, reference),
      prepare: (spec, image) => this.#materials.prepareContainer(spec, image),
      event: (type, reason, message) => this.#event(type, reason, message, `spec.${kind}{${container.name}}`),
      onChange: () => this.wake(),
      nowMs: () => this.#now(),
    });
  }

  #event(type: EventType, reason: string, message: string, fieldPath?: string): void {
    const { name, namespace, uid, resourceVersion } = this.#pod.metadata;
    const target = { apiVersion: "v1", kind: "Pod", name, namespace, uid, resourceVersion, fieldPath };
    this.#context.events.record(target, type, reason, message);
  }

  #remember(): void {
    const supervisors = this.slots.flatMap((slot) => {
      const id = slot.process?.supervisor;
      return id ? [[slot.name, id] as const] : [];
    });
    const { name, namespace } = this.#pod.metadata;
    writeRecord(this.#folder, { namespace, name, podIP: this.podIP, supervisors: Object.fromEntries(supervisors) });
  }

  #find(name: string): ContainerSlot | undefined {
    return this.slots.find((slot) => slot.name === name);
  }

  #isDeleting(): boolean {
    return this.#removed || this.#pod.metadata.deletionTimestamp !== undefined;
  }

  #isFinished(): boolean {
    const phase = this.#pod.status?.phase;
    return phase === "Succeeded" || phase === "Failed";
  }

  #deadlineAtMs(): number | undefined {
    const seconds = this.#pod.spec.activeDeadlineSeconds;
    if (seconds === undefined) return undefined;
    const startedMs = Date.parse(this.#pod.status?.startTime ?? this.#startTime);
    return this.#now() + startedMs + seconds * 1000 - Date.now();
  }

  #now(): number {
    return performance.now();
  }

  #label(): string {
    return `${this.#pod.metadata.namespace}/${this.#pod.metadata.name}`;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
