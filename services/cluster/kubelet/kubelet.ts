import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import type { Logger } from "#lib/runtime/logger.ts";
import { Loop } from "#lib/runtime/loop.ts";
import type { ApiClient } from "../api-client.ts";
import { type Reflected, Reflector } from "../reflector.ts";
import { AddressPool } from "./addresses.ts";
import { containerMetrics } from "./container-metrics.ts";
import type { KubeletSettings } from "./env.ts";
import type { ServiceForEnv } from "./environment.ts";
import { EventRecorder } from "./events.ts";
import type { ExecProcess } from "./exec-process.ts";
import type { ExecRequest } from "./exec-protocol.ts";
import type { Refusal } from "./exec-server.ts";
import { type EndpointSlice, HostsFiles, hostsText } from "./hosts.ts";
import { NodeRegistration } from "./node.ts";
import type { NodeContext } from "./node-context.ts";
import type { Pod } from "./pod.ts";
import { readRecord } from "./pod-record.ts";
import { PodWorker } from "./pod-worker.ts";
import { isAlive } from "./process-table.ts";
import { parseQuantity } from "./resources.ts";
import { KubeletServer, type LogSource } from "./server.ts";
import { statsSummary } from "./stats-summary.ts";
import { UsageSampler } from "./usage.ts";
import { Withdrawal } from "./withdrawal.ts";

type Service = ServiceForEnv & Reflected;

const volumeRefreshMs = 60_000;
const volumeCheckMs = 10_000;
const usageLookMs = 500;

/** One node: registers it, watches the pods that are bound to it, and keeps a worker for each. */
export class Kubelet {
  readonly #settings: KubeletSettings;
  readonly #logger: Logger;
  readonly #client: ApiClient;
  readonly #workers = new Map<string, PodWorker>();
  readonly #hosts: HostsFiles;
  readonly #events: EventRecorder;
  readonly #node: NodeRegistration;
  readonly #server: KubeletServer;
  readonly #services: Reflector<Service>;
  readonly #slices: Reflector<EndpointSlice>;
  readonly #withdrawal: Withdrawal;
  readonly #pods: Reflector<Pod>;
  readonly #volumeRefresh: Loop;
  readonly #usage: UsageSampler;
  readonly #usageLook: Loop;
  readonly #volumeCheck: Loop;
  readonly #context: NodeContext;
  #hostsTimer: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(settings: KubeletSettings, client: ApiClient, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger;
    this.#client = client;
    const { nodeName, address, port, podCidr, capacity, leaseSeconds, dataDir, pkiDir, tokenFile } = settings;
    for (const folder of ["pods", "root", "hosts"]) mkdirSync(join(dataDir, folder), { recursive: true, mode: 0o711 });
    this.#hosts = new HostsFiles(join(dataDir, "hosts"));
    this.#events = new EventRecorder(client, { component: "kubelet", host: nodeName }, logger);
    this.#node = new NodeRegistration(client, { name: nodeName, address, port, podCidr, capacity, leaseSeconds }, logger);
    const machine = { cpu: parseQuantity(capacity.cpu), memoryBytes: parseQuantity(capacity.memory) };
    this.#server = new KubeletServer({
      certificate: readFileSync(join(pkiDir, `kubelet-${nodeName}.crt`)),
      key: readFileSync(join(pkiDir, `kubelet-${nodeName}.key`)),
      token: () => readFileSync(tokenFile, "utf8").trim(),
      findLog: (namespace, pod, container, previous) => this.#findLog(namespace, pod, container, previous),
      openExec: (namespace, pod, container, request) => this.#openExec(namespace, pod, container, request),
      metrics: () => containerMetrics(this.#usage.sample, machine),
      summary: () => statsSummary(this.#usage.sample, nodeName),
      logger,
    });
    const onServiceChange = () => this.#hostsChanged();
    this.#services = new Reflector<Service>({ client, logger, path: "/api/v1/services", onChange: onServiceChange });
    this.#slices = new Reflector<EndpointSlice>({
      client,
      logger,
      path: "/apis/discovery.k8s.io/v1/endpointslices",
      onChange: () => {
        onServiceChange();
        this.#withdrawal.look();
      },
    });
    this.#withdrawal = new Withdrawal({ slices: () => this.#slices.store.values() });
    this.#pods = new Reflector<Pod>({
      client,
      logger,
      path: "/api/v1/pods",
      fieldSelector: `spec.nodeName=${nodeName}`,
      onChange: ({ previous, current }) => this.#podChanged(previous, current),
      onSynced: () => this.#removeOrphans(),
    });
    this.#volumeRefresh = new Loop({
      name: "volumes",
      intervalMs: volumeRefreshMs,
      logger,
      pass: async () => {
        for (const worker of this.#workers.values()) await worker.refreshVolumes();
      },
    });
    this.#volumeCheck = new Loop({
      name: "volume limits",
      intervalMs: volumeCheckMs,
      logger,
      pass: async () => {
        for (const worker of this.#workers.values()) await worker.checkVolumes();
      },
    });
    const slots = () => [...this.#workers.values()].flatMap((worker) => worker.slots);
    this.#usage = new UsageSampler({ containers: () => slots().flatMap((slot) => slot.running ?? []) });
    this.#usageLook = new Loop({ name: "usage", intervalMs: usageLookMs, logger, pass: async () => this.#usage.look() });
    this.#context = this.#makeContext();
  }

  async start(): Promise<void> {
    this.#endLeftovers();
    await this.#server.listen(this.#settings.address, this.#settings.port);
    this.#usageLook.start();
    this.#node.start();
    this.#services.start();
    this.#slices.start();
    // Pods wait for the Services: their names and variables are part of what a container starts with.
    await this.#untilSynced();
    if (this.#stopping) return;
    this.#pods.start();
    this.#volumeRefresh.start();
    this.#volumeCheck.start();
  }

  /** Ends all containers within the grace, reports, and leaves no process behind. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const parts = [this.#pods, this.#services, this.#slices, this.#volumeRefresh, this.#volumeCheck, this.#usageLook];
    await Promise.all(parts.map((part) => part.stop()));
    clearTimeout(this.#hostsTimer);
    const graceMs = this.#settings.shutdownGraceSeconds * 1000;
    await Promise.all([...this.#workers.values()].map((worker) => worker.shutdown(graceMs)));
    await Promise.race([this.#events.flush(), new Promise((resolve) => setTimeout(resolve, 500).unref())]);
    await this.#node.stop();
    removeIfEmpty(this.#context.memoryFolder);
    await this.#server.stop();
    this.#client.close();
  }

  #makeContext(): NodeContext {
    const { address, capacity, podCidr, imagesDir, appDir, dataDir } = this.#settings;
    const person = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, appIsReadable: isReadableForAll(appDir) };
    return {
      client: this.#client,
      events: this.#events,
      logger: this.#logger,
      person,
      hostIP: address,
      capacity,
      addresses: new AddressPool(podCidr),
      imagesDir,
      appDir,
      hiddenInApp: hiddenFolders(appDir, dataDir),
      rootFolder: join(dataDir, "root"),
      podsFolder: join(dataDir, "pods"),
      memoryFolder: memoryFolderOf(dataDir),
      authority: this.#client.authority,
      services: () => this.#services.store.values(),
      hostsFile: (namespace) => {
        this.#writeHosts(namespace);
        return this.#hosts.pathOf(namespace);
      },
      onAddressFreed: () => this.#hostsChanged(),
      onGone: (uid) => {
        this.#workers.delete(uid);
        this.#hostsChanged();
      },
    };
  }

  #podChanged(previous: Pod | undefined, current: Pod | undefined): void {
    if (!current) {
      if (previous) this.#workers.get(previous.metadata.uid)?.remove();
      return;
    }
    const { uid } = current.metadata;
    const worker = this.#workers.get(uid);
    if (worker && current.metadata.deletionTimestamp) {
      this.#withdrawal.hold(current, (latest) => worker.update(latest));
      return;
    }
    if (worker) {
      worker.update(current);
      return;
    }
    const created = new PodWorker(this.#context, current);
    this.#workers.set(uid, created);
    created.wake();
  }

  #findLog(namespace: string, podName: string, containerName: string, previous: boolean): LogSource {
    const worker = this.#findWorker(namespace, podName);
    const slot = worker?.slots.find(({ name }) => name === containerName);
    if (!worker || !slot) return { status: 404, message: `container ${containerName} of pod ${podName} is not on this node` };
    const path = slot.logPath(previous);
    if (path && existsSync(path)) return { path, live: previous ? undefined : slot.process?.log };
    const container = `container "${containerName}" in pod "${podName}"`;
    if (previous) return { status: 400, message: `previous terminated ${container} not found` };
    const { waiting } = slot.status(true).state;
    return { status: 400, message: `${container} is waiting to start: ${waiting?.reason ?? "ContainerCreating"}` };
  }

  #openExec(namespace: string, podName: string, containerName: string, { command, tty }: ExecRequest): ExecProcess | Refusal {
    const worker = this.#findWorker(namespace, podName);
    if (!worker) return { status: 404, message: "pod does not exist" };
    const running = worker.slots.find(({ name }) => name === containerName)?.process;
    return running?.open(command, tty) ?? { status: 404, message: `container not found ("${containerName}")` };
  }

  #findWorker(namespace: string, name: string): PodWorker | undefined {
    return [...this.#workers.values()].find(({ pod }) => pod.metadata.namespace === namespace && pod.metadata.name === name);
  }

  #hostsChanged(): void {
    this.#hostsTimer ??= setTimeout(() => {
      this.#hostsTimer = undefined;
      for (const namespace of this.#hosts.namespaces) this.#writeHosts(namespace);
    }, 20);
  }

  #writeHosts(namespace: string): void {
    const pods = [...this.#workers.values()].flatMap(({ pod, podIP }) =>
      pod.metadata.namespace === namespace && podIP ? [{ name: pod.spec.hostname ?? pod.metadata.name, ip: podIP }] : [],
    );
    const services = [...this.#services.store.values()];
    this.#hosts.write(namespace, hostsText({ namespace, services, slices: [...this.#slices.store.values()], pods }));
  }

  async #untilSynced(): Promise<void> {
    while (!this.#stopping && !(this.#services.synced && this.#slices.synced)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Containers die with their kubelet; whatever outlived a kill all the same is ended here, so that none runs twice. */
  #endLeftovers(): void {
    for (const uid of readdirSync(this.#context.podsFolder)) {
      const record = readRecord(join(this.#context.podsFolder, uid));
      for (const supervisor of Object.values(record?.supervisors ?? {})) {
        if (!isAlive(supervisor)) continue;
        this.#logger.warn({ pod: record?.name, pid: supervisor.pid }, "ending a container of an earlier kubelet");
        process.kill(supervisor.pid, "SIGKILL");
      }
    }
  }

  #removeOrphans(): void {
    const { podsFolder, memoryFolder } = this.#context;
    for (const folder of [podsFolder, ...(memoryFolder && existsSync(memoryFolder) ? [memoryFolder] : [])]) {
      for (const uid of readdirSync(folder)) {
        if (!this.#workers.has(uid)) rmSync(join(folder, uid), { recursive: true, force: true });
      }
    }
  }
}

/** Folders inside the project that hold the cluster's keys and data: a container sees them empty. */
export function hiddenFolders(appDir: string, dataDir: string): string[] {
  const below = relative(appDir, dataDir);
  const isInside = below !== "" && !below.startsWith("..") && !isAbsolute(below);
  return [...new Set([".switchyard", ".git", ...(isInside ? [below.split("/")[0] ?? below] : [])])];
}

/** Where the kubelet of this data directory keeps volumes in memory: apart from those of other kubelets of the machine. */
function memoryFolderOf(dataDir: string): string | undefined {
  if (!existsSync("/dev/shm")) return undefined;
  return join("/dev/shm", `switchyard-${createHash("sha256").update(dataDir).digest("hex").slice(0, 16)}`);
}

function removeIfEmpty(folder: string | undefined): void {
  if (!folder) return;
  try {
    rmdirSync(folder);
  } catch {}
}

function isReadableForAll(folder: string): boolean {
  const isOpen = (path: string, bits: number) => !existsSync(path) || (statSync(path).mode & bits) === bits;
  return isOpen(folder, 0o005) && isOpen(join(folder, "package.json"), 0o004) && isOpen(join(folder, "services"), 0o005);
}
