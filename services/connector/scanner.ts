import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { countPorts, eachPort, formatPorts, type PortRange } from "#lib/protocol/hub-ports.ts";
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
};

export type ThreadSettings = Required<Pick<ScannerOptions, "sockets" | "rates">> & { localAddress: string | undefined };

type Thread = { worker: Worker; scans: Map<number, { done: (open: OpenPort[]) => void; fail: (error: Error) => void }> };

/**
 * TCP connect scans, in threads of their own so that the process answers the hub and its health checks meanwhile. All threads
 * work on each scan. Its memory is one byte a port, and one socket for each port that is tried at a time.
 */
export class Scanner {
  readonly #options: ScannerOptions;
  readonly #threads: Thread[];
  #nextId = 1;
  #stopped = false;

  constructor(options: ScannerOptions) {
    this.#options = options;
    const wanted = options.threads ?? Math.min(4, availableParallelism());
    const count = Math.max(
      1,
      Math.min(wanted, options.sockets, options.rates?.total ?? wanted, options.rates?.perTarget ?? wanted),
    );
    this.#threads = Array.from({ length: count }, (_, index) => this.#startThread(index, count));
  }

  /** Rejects only when a thread of the scanner dies. */
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
      for (const { worker } of this.#threads) worker.postMessage({ abort: id });
    };
    signal.addEventListener("abort", onAbort);
    try {
      const parts = signal.aborted ? [] : this.#threads.map((thread) => this.#runIn(thread, task));
      const open = (await Promise.all(parts)).flat().sort((a, b) => a.port - b.port);
      const list = (state: PortState) => formatPorts(portsInState(ports, states, state));
      return {
        complete: Atomics.load(numbers, counters.tried) === total,
        open,
        closed: list("closed"),
        filtered: list("filtered"),
        unknown: list("unknown"),
      };
    } finally {
      clearInterval(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #runIn(thread: Thread, task: ProbeTask): Promise<OpenPort[]> {
    return new Promise((resolve, reject) => {
      thread.scans.set(task.id, { done: resolve, fail: reject });
      thread.worker.postMessage({ task });
    });
  }

  /** Sockets and rates are shared out evenly: all threads work on each scan. */
  #startThread(index: number, count: number): Thread {
    const { sockets, rates = {}, localAddress } = this.#options;
    const share = (number: number | undefined) => (number === undefined ? undefined : number / count);
    const settings: ThreadSettings = {
      sockets: Math.floor(sockets / count) + (index < sockets % count ? 1 : 0),
      rates: { total: share(rates.total), perTarget: share(rates.perTarget) },
      localAddress,
    };
    const worker = new Worker(new URL("./scan-thread.ts", import.meta.url), {
      workerData: settings,
      resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 },
    });
    const thread: Thread = { worker, scans: new Map() };
    worker.unref();
    worker.on("message", ({ id, open }: { id: number; open: OpenPort[] }) => {
      thread.scans.get(id)?.done(open);
      thread.scans.delete(id);
    });
    const fail = (error: Error) => {
      for (const scan of thread.scans.values()) scan.fail(error);
      if (!this.#stopped && this.#threads[index]?.worker === worker) this.#threads[index] = this.#startThread(index, count);
    };
    worker.on("error", fail);
    worker.on("exit", () => fail(new Error("a thread of the scanner ended")));
    return thread;
  }
}

function* portsInState(ports: PortRange[], states: Uint8Array, state: PortState): Generator<number> {
  for (const port of eachPort(ports)) if (stateNames[states[port] ?? 0] === state) yield port;
}
