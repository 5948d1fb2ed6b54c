import { cpuSecondsOf, memoryOf, type ProcessSource, ProcessTree, procfs } from "./process-table.ts";

/** A running container, as the sampler is told of it. */
export type RunningContainer = {
  id: string;
  namespace: string;
  pod: string;
  podUid: string;
  qosClass: string;
  name: string;
  image: string;
  startedAt: Date;
  /** Its first process and the commands that were brought into it, as the host sees them. */
  roots: () => number[];
  /** 0 when it has none. */
  memoryLimitBytes: number;
  oomKills: number;
  /** Called when its memory is beyond the limit. */
  killForMemory: () => void;
};

export type Usage = {
  cpuSeconds: number;
  /** Processor use between the last two samples; undefined until there are two. */
  nanoCores?: number;
  workingSetBytes: number;
  rssBytes: number;
};

export type ContainerUsage = Omit<RunningContainer, "roots" | "killForMemory"> & Usage;

/** What a node used at one time: itself, which is the kubelet and everything below it, and each container. */
export type Sample = { at: Date; startedAt: Date; node: Usage; containers: ContainerUsage[] };

export type UsageOptions = {
  containers: () => RunningContainer[];
  source?: ProcessSource;
  ownPid?: number;
  now?: () => number;
};

type Counter = { seconds: number; lastRaw: number; lastSeconds: number; atMs: number; nanoCores?: number };

const sampleEveryMs = 5_000;
const nodeKey = "";

/** Measures the node's containers from the process table: memory against its limit on each look, everything every 5 s. */
export class UsageSampler {
  readonly #options: UsageOptions;
  readonly #source: ProcessSource;
  readonly #tree: ProcessTree;
  readonly #now: () => number;
  readonly #startedAt: Date;
  readonly #counters = new Map<string, Counter>();
  #sample: Sample | undefined;

  constructor(options: UsageOptions) {
    this.#options = options;
    this.#source = options.source ?? procfs;
    this.#tree = new ProcessTree(this.#source);
    this.#now = options.now ?? Date.now;
    this.#startedAt = new Date(this.#now());
  }

  /** The last sample. */
  get sample(): Sample {
    return this.#sample ?? this.#takeSample(this.#options.containers());
  }

  look(): void {
    const containers = this.#options.containers();
    const isDue = !this.#sample || this.#now() - this.#sample.at.getTime() >= sampleEveryMs;
    const limited = containers.filter(({ memoryLimitBytes }) => memoryLimitBytes > 0);
    if (!isDue && limited.length === 0) return;
    this.#tree.refresh();
    for (const container of limited) {
      // Pages of files can be dropped: they never make a container exceed its limit.
      const { anonymous, shared } = memoryOf(this.#tree.below(container.roots()), this.#source);
      if (anonymous + shared > container.memoryLimitBytes) container.killForMemory();
    }
    if (isDue) this.#takeSample(containers);
  }

  #takeSample(containers: RunningContainer[]): Sample {
    this.#tree.refresh();
    const ownPid = this.#options.ownPid ?? process.pid;
    const measured = containers.map(({ roots, killForMemory, ...container }) => {
      const pids = this.#tree.below(roots());
      return { ...container, ...this.#usage(container.id, pids) };
    });
    const node = this.#usage(nodeKey, this.#tree.below([ownPid]));
    const known = new Set([nodeKey, ...containers.map(({ id }) => id)]);
    for (const key of this.#counters.keys()) if (!known.has(key)) this.#counters.delete(key);
    this.#sample = { at: new Date(this.#now()), startedAt: this.#startedAt, node, containers: measured };
    return this.#sample;
  }

  #usage(key: string, pids: number[]): Usage {
    const raw = cpuSecondsOf(pids, this.#source);
    const atMs = this.#now();
    const before = this.#counters.get(key);
    const counter = before ? advance(before, raw, atMs) : { seconds: raw, lastRaw: raw, lastSeconds: raw, atMs };
    this.#counters.set(key, counter);
    const { anonymous, file, shared } = memoryOf(pids, this.#source);
    return {
      cpuSeconds: counter.seconds,
      ...(counter.nanoCores === undefined ? {} : { nanoCores: counter.nanoCores }),
      workingSetBytes: anonymous + file + shared,
      rssBytes: anonymous,
    };
  }
}

/** A process that nobody waited for takes its time out of the sum when it ends: the counter only ever grows. */
function advance(before: Counter, raw: number, atMs: number): Counter {
  const seconds = before.seconds + Math.max(0, raw - before.lastRaw);
  const elapsedSeconds = (atMs - before.atMs) / 1000;
  if (elapsedSeconds <= 0) return { ...before, seconds, lastRaw: raw };
  const nanoCores = Math.round(((seconds - before.lastSeconds) / elapsedSeconds) * 1e9);
  return { seconds, lastRaw: raw, lastSeconds: seconds, atMs, nanoCores };
}
