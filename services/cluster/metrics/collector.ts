import type { Logger } from "#lib/runtime/logger.ts";
import { Loop } from "#lib/runtime/loop.ts";
import { type Cluster, type KubeObject, resources } from "../api.ts";
import { virtualLabel } from "../controllers/virtual-nodes/plan.ts";
import { parseSummary } from "./summary.ts";
import { type NodeReadings, nodeUsage, type PodUsage, podUsage, type Usage, withReading } from "./usage.ts";

/** What the pods and nodes use now. Undefined for those that nothing fresh is known of. */
export interface ResourceMetrics {
  findPod(pod: KubeObject): PodUsage | undefined;
  findNode(name: string): Usage | undefined;
}

export type KubeletEndpoint = { node: string; host: string; port: number };

export type CollectorOptions = {
  cluster: Pick<Cluster, "list">;
  /** A kubelet's /stats/summary, parsed from JSON. */
  ask: (kubelet: KubeletEndpoint, signal: AbortSignal) => Promise<unknown>;
  logger: Logger;
  now: () => Date;
  intervalMs?: number;
};

const answerTimeoutMs = 5_000;
const staleAfterIntervals = 3;
/** A kubelet's own samples may be this old when they are asked for. */
const sampleAgeMs = 10_000;

/** Asks every kubelet at an interval what its pods use. A node that does not answer drops out at once. */
export class MetricsCollector implements ResourceMetrics {
  readonly #options: CollectorOptions;
  readonly #staleMs: number;
  readonly #loop: Loop;
  readonly #nodes = new Map<string, NodeReadings>();

  constructor(options: CollectorOptions) {
    const { intervalMs = 10_000, logger } = options;
    this.#options = options;
    this.#staleMs = intervalMs * staleAfterIntervals + sampleAgeMs;
    this.#loop = new Loop({ name: "metrics", intervalMs, logger, pass: (signal) => this.collect(signal) });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  findPod({ metadata, spec }: KubeObject): PodUsage | undefined {
    const { nodeName } = (spec ?? {}) as { nodeName?: string };
    const readings = nodeName === undefined ? undefined : this.#nodes.get(nodeName);
    return this.#fresh(readings && podUsage(readings, metadata.uid));
  }

  findNode(name: string): Usage | undefined {
    const readings = this.#nodes.get(name);
    return this.#fresh(readings && nodeUsage(readings));
  }

  /** One round over all kubelets. */
  async collect(signal: AbortSignal): Promise<void> {
    const kubelets = this.#options.cluster.list(resources.nodes).flatMap((node) => kubeletOf(node) ?? []);
    const names = new Set(kubelets.map(({ node }) => node));
    for (const node of this.#nodes.keys()) if (!names.has(node)) this.#nodes.delete(node);
    await Promise.all(kubelets.map((kubelet) => this.#read(kubelet, signal)));
  }

  async #read(kubelet: KubeletEndpoint, stop: AbortSignal): Promise<void> {
    const { ask, logger } = this.#options;
    const { node } = kubelet;
    try {
      const summary = await ask(kubelet, AbortSignal.any([stop, AbortSignal.timeout(answerTimeoutMs)]));
      this.#nodes.set(node, withReading(this.#nodes.get(node), parseSummary(summary)));
    } catch (error) {
      this.#nodes.delete(node);
      if (!stop.aborted) logger.debug({ err: error, node }, "a kubelet did not tell what its pods use");
    }
  }

  #fresh<T extends { atMs: number }>(usage: T | undefined): T | undefined {
    return usage && this.#options.now().getTime() - usage.atMs <= this.#staleMs ? usage : undefined;
  }
}

type NodeStatus = {
  addresses?: { type: string; address: string }[];
  daemonEndpoints?: { kubeletEndpoint?: { Port?: number } };
};

function kubeletOf({ metadata, status }: KubeObject): KubeletEndpoint | undefined {
  const { addresses, daemonEndpoints } = (status ?? {}) as NodeStatus;
  const host = addresses?.find(({ type }) => type === "InternalIP")?.address;
  const port = daemonEndpoints?.kubeletEndpoint?.Port;
  if (!host || !port || metadata.labels?.[virtualLabel] === "true") return undefined;
  return { node: metadata.name, host, port };
}
