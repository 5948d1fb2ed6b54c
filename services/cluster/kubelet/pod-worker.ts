import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "#lib/runtime/logger.ts";
import { type ApiClient, ApiError } from "../api-client.ts";
import type { AddressPool } from "./addresses.ts";
import { configurationOf } from "./configuration.ts";
import { ContainerSlot } from "./container-slot.ts";
import { identityOf, ownerOf, prepareContainer } from "./container-spec.ts";
import { type ServiceForEnv, serviceEnvironment } from "./environment.ts";
import type { EventRecorder, EventType } from "./events.ts";
import { type Image, pullImage } from "./images.ts";
import { type Container, graceSecondsOf, type Pod } from "./pod.ts";
import { planPod, type Step } from "./pod-plan.ts";
import { buildStatus, isSameStatus } from "./pod-status.ts";
import type { ProcessId } from "./process-table.ts";
import type { Person } from "./sandbox.ts";
import { prepareVolumes } from "./volumes.ts";

/** What a pod worker uses of its node. */
export type NodeContext = {
  client: ApiClient;
  events: EventRecorder;
  logger: Logger;
  person: Person;
  hostIP: string;
  capacity: { cpu: string; memory: string };
  addresses: AddressPool;
  imagesDir: string;
  appDir: string;
  hiddenInApp: string[];
  rootFolder: string;
  podsFolder: string;
  services: () => Iterable<ServiceForEnv>;
  /** Writes the namespace's hosts file and gives its path. */
  hostsFile: (namespace: string) => string;
  /** The pod is gone: from this node, and from the API. */
  onGone: (uid: string) => void;
};

/** What stays on disk of a pod, for the kubelet that comes after a kill. */
export type PodRecord = { namespace: string; name: string; podIP?: string; supervisors: Record<string, ProcessId> };

const retryMs = 2_000;
const longestMountRetryMs = 30_000;

/** Runs one pod: looks, plans, acts and reports in passes that never overlap. Ends when the pod is gone. */
export class PodWorker {
  readonly uid: string;
  readonly #context: NodeContext;
  readonly #folder: string;
  readonly #inits: ContainerSlot[];
  readonly #mains: ContainerSlot[];
  readonly #startTime = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  #pod: Pod;
  #podIP: string | undefined;
  #volumes: Map<string, string> | undefined;
  #mountFailures = 0;
  #prepareAtMs: number | undefined;
  #initialized: boolean;
  #removed = false;
  #shuttingDown = false;
  #gone = false;
  #wakeAtMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #woken = false;
  #passing: Promise<void> | undefined;

  constructor(context: NodeContext, pod: Pod) {
    this.uid = pod.metadata.uid;
    this.#context = context;
    this.#pod = pod;
    this.#folder = join(context.podsFolder, this.uid);
    mkdirSync(this.#folder, { recursive: true });
    this.#inits = (pod.spec.initContainers ?? []).map((container) => this.#slot(container, true));
    this.#mains = pod.spec.containers.map((container) => this.#slot(container, false));
    this.#initialized = this.#inits.length === 0 || this.#isFinished();
    for (const status of pod.status?.initContainerStatuses ?? []) this.#find(status.name)?.restore(status, !this.#initialized);
    for (const status of pod.status?.containerStatuses ?? []) this.#find(status.name)?.restore(status, false);
  }

  get pod(): Pod {
    return this.#pod;
  }

  get podIP(): string | undefined {
    return this.#podIP;
  }

  get slots(): ContainerSlot[] {
    return [...this.#inits, ...this.#mains];
  }

  update(pod: Pod): void {
    // The watch may bring a version that this worker's own status write has already replaced.
    if (Number(pod.metadata.resourceVersion) < Number(this.#pod.metadata.resourceVersion)) return;
    this.#pod = pod;
    this.wake();
  }

  /** The object is gone from the API: what still runs is ended. */
  remove(): void {
    this.#removed = true;
    this.wake();
  }

  /** Brings the files of ConfigMap and Secret volumes up to date. */
  async refreshVolumes(): Promise<void> {
    if (this.#volumes && !this.#gone && !this.#removed && !this.#isFinished()) await this.#makeVolumes();
  }

  wake(): void {
    this.#woken = true;
    if (this.#passing || this.#gone || this.#shuttingDown) return;
    clearTimeout(this.#timer);
    this.#passing = this.#passes().finally(() => {
      this.#passing = undefined;
      if (this.#woken) this.wake();
    });
  }

  /** Ends all containers within the grace and reports it once; the pod itself stays and starts again with the next kubelet. */
  async shutdown(graceMs: number): Promise<void> {
    this.#shuttingDown = true;
    clearTimeout(this.#timer);
    await this.#passing;
    const running = this.slots.flatMap((slot) => slot.process ?? []);
    for (const slot of this.slots) slot.stop(Math.min(graceMs, graceSecondsOf(this.#pod) * 1000));
    await Promise.all(running.map((process) => process.exited));
    if (running.length > 0) await this.#report().catch(() => {});
  }

  async #passes(): Promise<void> {
    while (this.#woken && !this.#gone && !this.#shuttingDown) {
      this.#woken = false;
      try {
        await this.#pass();
      } catch (error) {
        this.#context.logger.warn({ pod: this.#label(), err: String(error) }, "a pass over a pod failed; trying again");
        this.#wakeAt(this.#now() + retryMs);
      }
    }
    if (this.#gone || this.#shuttingDown || this.#wakeAtMs === undefined) return;
    const delayMs = Math.max(0, this.#wakeAtMs - this.#now());
    this.#timer = setTimeout(() => this.wake(), Math.min(delayMs, 2 ** 31 - 1));
  }

  async #pass(): Promise<void> {
    this.#wakeAtMs = undefined;
    const { steps, wakeAtMs } = planPod(
      {
        deleting: this.#removed || this.#pod.metadata.deletionTimestamp !== undefined,
        finished: this.#isFinished(),
        prepared: this.#volumes !== undefined,
        prepareAtMs: this.#prepareAtMs,
        initialized: this.#initialized,
        restartPolicy: this.#pod.spec.restartPolicy ?? "Always",
        initContainers: this.#inits.map((slot) => slot.view()),
        containers: this.#mains.map((slot) => slot.view()),
      },
      this.#now(),
    );
    this.#wakeAt(wakeAtMs);
    if (steps.some(({ type }) => type === "start")) await this.#report();
    for (const step of steps) await this.#apply(step);
    if (!this.#gone) await this.#report();
  }

  async #apply(step: Step): Promise<void> {
    switch (step.type) {
      case "prepare":
        return this.#prepare();
      case "initialized":
        this.#initialized = true;
        this.#woken = true;
        return;
      case "start": {
        const isStarted = await this.#find(step.name)?.start();
        if (isStarted) this.#remember();
        else this.#woken = true;
        return;
      }
      case "backoff":
        this.#wakeAt(this.#find(step.name)?.showBackoff());
        return;
      case "stop":
        this.#find(step.name)?.stop(this.#graceMsFor(step.name));
        return;
      case "finish":
        return this.#finish();
    }
  }

  #graceMsFor(name: string): number {
    const { metadata, spec } = this.#pod;
    if (this.#removed || metadata.deletionTimestamp !== undefined) return graceSecondsOf(this.#pod) * 1000;
    const container = spec.containers.find((entry) => entry.name === name);
    const seconds = container?.livenessProbe?.terminationGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30;
    return seconds * 1000;
  }

  async #prepare(): Promise<void> {
    const { context, pod } = { context: this.#context, pod: this.#pod };
    try {
      const known = this.#podIP ?? readRecord(this.#folder)?.podIP ?? pod.status?.podIP;
      this.#podIP = pod.spec.hostNetwork ? context.hostIP : context.addresses.take(this.uid, known);
      this.#remember();
      this.#volumes = await this.#makeVolumes();
      this.#mountFailures = 0;
    } catch (error) {
      const delayMs = Math.min(longestMountRetryMs, 500 * 2 ** Math.min(this.#mountFailures, 10));
      this.#mountFailures += 1;
      this.#prepareAtMs = this.#now() + delayMs;
      this.#event("Warning", "FailedMount", error instanceof Error ? error.message : String(error));
    }
    this.#woken = true;
  }

  #makeVolumes(): Promise<Map<string, string>> {
    const { capacity, client, hostIP, imagesDir, person } = this.#context;
    const { metadata, spec } = this.#pod;
    const [first] = spec.containers;
    let owner: ReturnType<typeof ownerOf>;
    try {
      owner = first && ownerOf(identityOf(first, this.#pod, pullImage(imagesDir, first.image), person), person);
    } catch {
      owner = undefined;
    }
    const folder = join(this.#folder, "volumes");
    mkdirSync(folder, { recursive: true });
    return prepareVolumes({
      pod: this.#pod,
      network: { podIP: this.#podIP ?? "", hostIP },
      capacity,
      folder,
      fsGroup: person.uid === 0 ? spec.securityContext?.fsGroup : undefined,
      owner,
      lookup: configurationOf(client, metadata.namespace),
    });
  }

  async #prepareContainer(container: Container, image: Image) {
    const { capacity, client, hostIP, person, services, appDir, hiddenInApp, rootFolder } = this.#context;
    const { namespace } = this.#pod.metadata;
    return prepareContainer({
      container,
      image,
      person,
      appDir,
      hiddenInApp,
      rootFolder,
      podFolder: this.#folder,
      // Secrets and ConfigMaps may have changed since the container ran last.
      volumes: await this.#makeVolumes(),
      hostsFile: this.#context.hostsFile(namespace),
      sources: {
        pod: this.#pod,
        network: { podIP: this.#podIP ?? "", hostIP },
        serviceEnv: serviceEnvironment(services(), namespace, this.#pod.spec.enableServiceLinks ?? true),
        capacity,
        lookup: configurationOf(client, namespace),
      },
    });
  }

  async #finish(): Promise<void> {
    if (!this.#removed) {
      await this.#report();
      const { metadata } = this.#pod;
      const preconditions = { uid: this.uid };
      const json = { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds: 0, preconditions };
      await this.#context.client
        .send(`/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`, { method: "DELETE", json })
        .catch((error: unknown) => {
          if (!(error instanceof ApiError && (error.code === 404 || error.code === 409))) throw error;
        });
    }
    this.#gone = true;
    this.#context.addresses.release(this.uid);
    rmSync(this.#folder, { recursive: true, force: true });
    this.#context.onGone(this.uid);
  }

  /** Writes the status when it changed. A conflict is resolved by the newest object, as long as it is still the same pod. */
  async #report(): Promise<void> {
    if (this.#removed) return;
    const { client } = this.#context;
    const path = `/api/v1/namespaces/${this.#pod.metadata.namespace}/pods/${this.#pod.metadata.name}`;
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const status = this.#status();
      if (isSameStatus(status, this.#pod.status)) return;
      try {
        this.#pod = await client.send<Pod>(`${path}/status`, { method: "PUT", json: { ...this.#pod, status } });
        return;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.code !== 404 && error.code !== 409) throw error;
        const current = error.code === 409 ? await client.get<Pod>(path).catch(ignoreMissing) : undefined;
        if (current?.metadata.uid !== this.uid) {
          this.#removed = true;
          this.#woken = true;
          return;
        }
        this.#pod = current;
      }
    }
    throw new Error("the pod's status could not be written: others write it all the time");
  }

  #status() {
    const initialized = this.#initialized;
    return buildStatus({
      pod: this.#pod,
      hostIP: this.#context.hostIP,
      podIP: this.#podIP,
      startTime: this.#startTime,
      prepared: this.#volumes !== undefined,
      initialized,
      initContainers: this.#inits.map((slot) => slot.status(initialized)),
      containers: this.#mains.map((slot) => slot.status(initialized)),
      now: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
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
      podIP: () => this.#podIP ?? "",
      logFolder: join(this.#folder, "logs"),
      pull: (reference) => pullImage(imagesDir, reference),
      prepare: (spec, image) => this.#prepareContainer(spec, image),
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
    writeRecord(this.#folder, { namespace, name, podIP: this.#podIP, supervisors: Object.fromEntries(supervisors) });
  }

  #find(name: string): ContainerSlot | undefined {
    return this.slots.find((slot) => slot.name === name);
  }

  #isFinished(): boolean {
    const phase = this.#pod.status?.phase;
    return phase === "Succeeded" || phase === "Failed";
  }

  #wakeAt(timeMs: number | undefined): void {
    if (timeMs !== undefined) this.#wakeAtMs = Math.min(timeMs, this.#wakeAtMs ?? Number.POSITIVE_INFINITY);
  }

  #now(): number {
    return performance.now();
  }

  #label(): string {
    return `${this.#pod.metadata.namespace}/${this.#pod.metadata.name}`;
  }
}

/** The record of a pod in its folder; undefined when there is none that can be read. */
export function readRecord(folder: string): PodRecord | undefined {
  const path = join(folder, "pod.json");
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as PodRecord;
  } catch {
    return undefined;
  }
}

function writeRecord(folder: string, record: PodRecord): void {
  const path = join(folder, "pod.json");
  writeFileSync(`${path}.new`, JSON.stringify(record));
  renameSync(`${path}.new`, path);
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof ApiError && error.code === 404) return undefined;
  throw error;
}
