import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { addPort, countPorts, formatPorts, type PortRange } from "#lib/protocol/hub-ports.ts";
import { Backoff } from "#lib/runtime/backoff.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { counters, type OpenPort, type PortState, type ProbeTask, stateNames } from "./probe-task.ts";

/**
 * open: the connection was made. closed: it was refused. filtered: no answer in time, or the network says unreachable.
 * unknown: the scanner could not tell, or did not get to it.
 */
export type ScanOutcome = { complete: boolean; open: OpenPort[]; closed: string; filtered: string; unknown: string };

export type ScanRequest = {
  address: string;
  ports: PortRange[];
  portTimeoutMs: number;
  /** Whether to read what the services of open ports say first. */
  banners?: boolean;
  /** Ends the scan early; what was not tried stays unknown. */
  signal: AbortSignal;
  onProgress?: (progress: { scanned: number; total: number; open: number }) => void;
};

/** Of all scans together. */
export type ScannerOptions = {
  sockets: number;
  /** Connections a second, in all and to each address; without a number there is no limit. */
  rates?: { total?: number | undefined; perTarget?: number | undefined };
  localAddress?: string | undefined;
  /** One for each core by default, four at most. */
  threads?: number;
  progressIntervalMs?: number;
  logger?: Logger;
  /** What a thread runs. */
  module?: URL;
};

export type ThreadSettings = Required<Pick<ScannerOptions, "sockets" | "rates">> & { localAddress: string | undefined };

/**
 * TCP connect scans, in threads of their own so that the process answers the hub and its health checks meanwhile. All threads
 * work on each scan. Its memory is one byte a port, and one socket for each port that is tried at a time.
 */
export class Scanner {
  readonly #options: ScannerOptions;
  readonly #threads: Thread[];
  #nextId = 1;

  constructor(options: ScannerOptions) {
    this.#options = options;
    const wanted = options.threads ?? Math.min(4, availableParallelism());
    const count = Math.max(
      1,
      Math.min(wanted, options.sockets, options.rates?.total ?? wanted, options.rates?.perTarget ?? wanted),
    );
    this.#threads = Array.from({ length: count }, (_, index) => new Thread(options, shareOf(options, index, count)));
  }

  /** Rejects only when a thread of the scanner dies, or none runs; then no port is tried any more. */
  async scan(request: ScanRequest): Promise<ScanOutcome> {
    const { address, ports, portTimeoutMs, banners = false, signal, onProgress } = request;
    const id = this.#nextId++;
    const total = countPorts(ports);
    const numbers = new Int32Array(new SharedArrayBuffer(4 * counters.count));
    const states = new Uint8Array(new SharedArrayBuffer(65_536));
    const task: ProbeTask = { id, address, ranges: ports, portTimeoutMs, banners, numbers, states };
    const tell = () => {
      onProgress?.({ scanned: Atomics.load(numbers, counters.tried), total, open: Atomics.load(numbers, counters.open) });
    };
    const timer = setInterval(tell, this.#options.progressIntervalMs ?? 250);
    const onAbort = () => {
      for (const thread of this.#threads) thread.abort(id);
    };
    signal.addEventListener("abort", onAbort);
    try {
      const running = this.#threads.filter((thread) => thread.isRunning);
      if (running.length === 0) throw new Error("no thread of the scanner runs");
      const parts = signal.aborted ? [] : running.map((thread) => thread.run(task));
      const open = (await Promise.all(parts)).flat().sort((a, b) => a.port - b.port);
      const { closed, filtered, unknown } = portsByState(ports, states);
      return {
        complete: Atomics.load(numbers, counters.tried) === total,
        open,
        closed: formatPorts(closed),
        filtered: formatPorts(filtered),
        unknown: formatPorts(unknown),
      };
    } catch (error) {
      onAbort();
      throw error;
    } finally {
      clearInterval(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.stop()));
  }
}

/** Sockets and rates are shared out evenly: all threads work on each scan. */
function shareOf({ sockets, rates = {}, localAddress }: ScannerOptions, index: number, count: number): ThreadSettings {
  const share = (number: number | undefined) => (number === undefined ? undefined : number / count);
  return {
    sockets: Math.floor(sockets / count) + (index < sockets % count ? 1 : 0),
    rates: { total: share(rates.total), perTarget: share(rates.perTarget) },
    localAddress,
  };
}

/** A thread of a scanner. When it dies its scans fail, and it is started again after a time that grows until a scan succeeds. */
class Thread {
  readonly #options: ScannerOptions;
  readonly #settings: ThreadSettings;
  readonly #scans = new Map<number, PromiseWithResolvers<OpenPort[]>>();
  readonly #backoff = new Backoff({ initialMs: 100, maxMs: 30_000 });
  #worker: Worker | undefined;
  #restart: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: ScannerOptions, settings: ThreadSettings) {
    this.#options = options;
    this.#settings = settings;
    this.#start();
  }

  get isRunning(): boolean {
    return this.#worker !== undefined;
  }

  run(task: ProbeTask): Promise<OpenPort[]> {
    const scan = Promise.withResolvers<OpenPort[]>();
    this.#scans.set(task.id, scan);
    this.#worker?.postMessage({ task });
    return scan.promise;
  }

  abort(id: number): void {
    this.#worker?.postMessage({ abort: id });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#restart);
    await this.#worker?.terminate();
  }

  #start(): void {
    const worker = new Worker(this.#options.module ?? new URL("./scan-thread.ts", import.meta.url), {
      workerData: this.#settings,
      resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 },
    });
    this.#worker = worker;
    worker.unref();
    let cause = new Error("a thread of the scanner ended");
    worker.on("message", ({ id, open }: { id: number; open: OpenPort[] }) => {
      this.#backoff.reset();
      this.#scans.get(id)?.resolve(open);
      this.#scans.delete(id);
    });
    worker.on("error", (error: Error) => {
      cause = error;
    });
    worker.on("exit", () => this.#ended(cause));
  }

  #ended(cause: Error): void {
    this.#worker = undefined;
    for (const scan of this.#scans.values()) scan.reject(cause);
    this.#scans.clear();
    if (this.#stopped) return;
    const retryMs = Math.round(this.#backoff.next());
    this.#options.logger?.error({ err: cause, retryMs }, "a thread of the scanner died");
    this.#restart = setTimeout(() => this.#start(), retryMs).unref();
  }
}

/** The ports of each state; in one pass, since the process answers its health checks in between. */
function portsByState(ports: PortRange[], states: Uint8Array): Record<PortState, PortRange[]> {
  const byState: Record<PortState, PortRange[]> = { unknown: [], open: [], closed: [], filtered: [] };
  for (const { from, to } of ports) {
    for (let port = from; port <= to; port++) addPort(byState[stateNames[states[port] ?? 0] ?? "unknown"], port);
  }
  return byState;
}
