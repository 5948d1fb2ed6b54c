import { existsSync, readFileSync } from "node:fs";
import { hostname, release } from "node:os";
import type { Logger } from "#lib/runtime/logger.ts";
import { Loop } from "#lib/runtime/loop.ts";
import { type ApiClient, ApiError } from "../api-client.ts";
import { microTimestamp, timestamp } from "../timestamp.ts";

export type NodeSettings = {
  name: string;
  address: string;
  port: number;
  podCidr: string;
  /** How long the node counts as alive after a heartbeat; there are four in this time. */
  leaseSeconds: number;
  capacity: { cpu: string; memory: string; pods: string };
};

type Condition = {
  type: string;
  status: string;
  reason: string;
  message: string;
  lastHeartbeatTime?: string;
  lastTransitionTime?: string;
};

type NodeObject = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; uid: string; resourceVersion: string; labels?: Record<string, string> };
  spec?: Record<string, unknown>;
  status?: { conditions?: Condition[]; [field: string]: unknown };
};

type Lease = { metadata: Record<string, unknown>; spec: Record<string, unknown> };

const statusRefreshMs = 60_000;
const leaseNamespace = "kube-node-lease";

/** Registers the node and keeps it alive: a Lease four times in its duration (every 10 s), the status when it changed and once a minute. */
export class NodeRegistration {
  readonly #client: ApiClient;
  readonly #settings: NodeSettings;
  readonly #loop: Loop;
  #uid: string | undefined;
  #statusWrittenAt = Number.NEGATIVE_INFINITY;
  #ready = true;

  constructor(client: ApiClient, settings: NodeSettings, logger: Logger) {
    this.#client = client;
    this.#settings = settings;
    this.#loop = new Loop({ name: "node", intervalMs: (settings.leaseSeconds * 1000) / 4, pass: () => this.#beat(), logger });
  }

  get uid(): string | undefined {
    return this.#uid;
  }

  start(): void {
    this.#loop.start();
  }

  /** Stops the heartbeats and reports the node as shutting down, if the API still answers. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#ready = false;
    await this.#writeStatus().catch(() => {});
  }

  async #beat(): Promise<void> {
    // The controllers write taints and conditions of their own to the same object.
    await this.#writeStatus().catch((error: unknown) => {
      if (!(error instanceof ApiError && error.code === 409)) throw error;
      return this.#writeStatus();
    });
    await this.#renewLease();
  }

  async #writeStatus(): Promise<void> {
    const node = await this.#findOrCreate();
    this.#uid = node.metadata.uid;
    const now = timestamp();
    const conditions = mergeConditions(node.status?.conditions ?? [], conditionsOf(this.#ready), now);
    const isDue = performance.now() - this.#statusWrittenAt >= statusRefreshMs;
    const isSame = (node.status?.conditions ?? []).every((old) =>
      conditions.some((entry) => entry.type === old.type && entry.status === old.status && entry.reason === old.reason),
    );
    if (!isDue && isSame) return;
    const status = { ...node.status, ...statusOf(this.#settings), conditions };
    await this.#client.send(`/api/v1/nodes/${node.metadata.name}/status`, { method: "PUT", json: { ...node, status } });
    this.#statusWrittenAt = performance.now();
  }

  async #findOrCreate(): Promise<NodeObject> {
    const { name, podCidr } = this.#settings;
    const labels = labelsOf(name);
    try {
      const node = await this.#client.get<NodeObject>(`/api/v1/nodes/${name}`);
      const missing = Object.entries(labels).filter(([key, value]) => node.metadata.labels?.[key] !== value);
      if (missing.length === 0) return node;
      const json = { metadata: { labels: Object.fromEntries(missing) } };
      const contentType = "application/merge-patch+json";
      return await this.#client.send<NodeObject>(`/api/v1/nodes/${name}`, { method: "PATCH", json, contentType });
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 404)) throw error;
      const json = {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name, labels },
        spec: { podCIDR: podCidr, podCIDRs: [podCidr] },
      };
      return await this.#client.send<NodeObject>("/api/v1/nodes", { method: "POST", json });
    }
  }

  async #renewLease(): Promise<void> {
    const { name, leaseSeconds } = this.#settings;
    const collection = `/apis/coordination.k8s.io/v1/namespaces/${leaseNamespace}/leases`;
    const renewTime = microTimestamp();
    const spec = { holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime };
    try {
      const lease = await this.#client.get<Lease>(`${collection}/${name}`);
      await this.#client.send(`${collection}/${name}`, { method: "PUT", json: { ...lease, spec: { ...lease.spec, ...spec } } });
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 404)) throw error;
      await this.#createLease(collection, name, spec);
    }
  }

  async #createLease(collection: string, name: string, spec: Record<string, unknown>): Promise<void> {
    const ownerReferences = [{ apiVersion: "v1", kind: "Node", name, uid: this.#uid }];
    const metadata = { name, namespace: leaseNamespace, ownerReferences };
    const lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec };
    try {
      await this.#client.send(collection, { method: "POST", json: lease });
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 404)) throw error;
      const json = { apiVersion: "v1", kind: "Namespace", metadata: { name: leaseNamespace } };
      await this.#client.send("/api/v1/namespaces", { method: "POST", json });
      await this.#client.send(collection, { method: "POST", json: lease });
    }
  }
}

const architecture = process.arch === "x64" ? "amd64" : process.arch;

function labelsOf(name: string): Record<string, string> {
  return {
    "kubernetes.io/hostname": name,
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": architecture,
    "beta.kubernetes.io/os": "linux",
    "beta.kubernetes.io/arch": architecture,
  };
}

function conditionsOf(ready: boolean): Condition[] {
  const fine = (type: string, reason: string, message: string) => ({ type, status: "False", reason, message });
  return [
    fine("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    fine("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    fine("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ready
      ? { type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" }
      : { type: "Ready", status: "False", reason: "KubeletNotReady", message: "node is shutting down" },
  ];
}

function mergeConditions(old: Condition[], own: Condition[], now: string): Condition[] {
  const mine = own.map((condition) => {
    const before = old.find(({ type }) => type === condition.type);
    const lastTransitionTime = before?.status === condition.status ? (before.lastTransitionTime ?? now) : now;
    return { ...condition, lastHeartbeatTime: now, lastTransitionTime };
  });
  return [...old.filter(({ type }) => !own.some((condition) => condition.type === type)), ...mine];
}

function statusOf({ name, address, port, capacity }: NodeSettings): Record<string, unknown> {
  return {
    addresses: [
      { type: "InternalIP", address },
      { type: "Hostname", address: name },
    ],
    capacity: { ...capacity },
    allocatable: { ...capacity },
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
    nodeInfo: {
      machineID: readFirst("/etc/machine-id"),
      systemUUID: readFirst("/etc/machine-id"),
      bootID: readFirst("/proc/sys/kernel/random/boot_id"),
      kernelVersion: release(),
      osImage: osImage(),
      containerRuntimeVersion: `process://${process.versions.node}`,
      kubeletVersion: "v1.34.0-switchyard",
      kubeProxyVersion: "v1.34.0-switchyard",
      operatingSystem: "linux",
      architecture,
    },
  };
}

function osImage(): string {
  const match = /^PRETTY_NAME="?([^"\n]*)"?/m.exec(readFirst("/etc/os-release", true));
  return match?.[1] ?? hostname();
}

function readFirst(path: string, all = false): string {
  if (!existsSync(path)) return "";
  const text = readFileSync(path, "utf8");
  return all ? text : text.trim();
}
