import { isIP, type Socket } from "node:net";
import { Pace } from "./pace.ts";
import { PortQueue } from "./port-queue.ts";
import { Probe, type ProbeOutcome, type ProbeTarget } from "./probe.ts";
import { counters, type OpenPort, type PortState, type ProbeTask, portCodes, trying } from "./probe-task.ts";

export type ProbeLoopOptions = {
  /** Sockets of all scans of this thread together. */
  sockets: number;
  /** Connections a second of this thread, in all and to each address. */
  rates: { total?: number | undefined; perTarget?: number | undefined };
  localAddress?: string | undefined;
  onDone: (id: number, open: OpenPort[]) => void;
};

type Scan = ProbeTask & {
  queue: PortQueue;
  target: ProbeTarget;
  pace: Pace | undefined;
  inFlight: number;
  open: OpenPort[];
  bannerChars: number;
};

/** A probe and the scan that it works for, if any; its port is that of the last try. */
type Slot = { probe: Probe; scan: Scan | undefined; port: number };

const sweepMs = 5;
/** Without a descriptor free, ports are tried again after this time. */
const starvedMs = 20;
/** Banners of one scan in one thread; what comes after has none, so that the result fits in a message. */
const maxBannerChars = 256 * 1024;

/**
 * Tries the ports of the scans of one thread, in turn, with as many probes as there may be sockets. One sweep over them stands
 * for a timer of each; threads take ports of the same scan by a shared number.
 */
export class ProbeLoop {
  readonly #options: ProbeLoopOptions;
  readonly #slots: Slot[];
  readonly #free: Slot[];
  readonly #paces = new Map<string, { pace: Pace; scans: number }>();
  readonly #total: Pace | undefined;
  #scans: Scan[] = [];
  #turn = 0;
  #sweep: NodeJS.Timeout | undefined;
  #later: NodeJS.Timeout | undefined;
  #isStarved = false;

  constructor(options: ProbeLoopOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.sockets }, () => this.#createSlot());
    this.#free = [...this.#slots];
    this.#total = options.rates.total === undefined ? undefined : new Pace(options.rates.total);
  }

  start(task: ProbeTask): void {
    const { localAddress } = this.#options;
    const from = localAddress && isIP(localAddress) === isIP(task.address) ? { localAddress } : {};
    this.#scans.push({
      ...task,
      queue: new PortQueue(task),
      target: { host: task.address, port: 0, autoSelectFamily: false, ...from },
      pace: this.#openPace(task.address),
      inFlight: 0,
      open: [],
      bannerChars: 0,
    });
    this.#sweep ??= setInterval(() => this.#expireOverdue(), sweepMs);
    this.#launch();
  }

  /** Ends a scan with what is known; the ports under way stay unknown. */
  abort(id: number): void {
    const scan = this.#scans.find((each) => each.id === id);
    if (!scan) return;
    scan.queue.close();
    for (const slot of this.#slots) if (slot.scan === scan) slot.probe.abort();
    this.#launch();
  }

  #createSlot(): Slot {
    const probe = new Probe(
      (outcome) => this.#ended(slot, outcome),
      (socket) => isOwn(socket, slot.scan),
    );
    const slot: Slot = { probe, scan: undefined, port: 0 };
    return slot;
  }

  #ended(slot: Slot, outcome: ProbeOutcome): void {
    const { scan, port } = slot;
    slot.scan = undefined;
    this.#free.push(slot);
    if (!scan) return;
    scan.inFlight -= 1;
    if (outcome === "starved") {
      scan.queue.giveBack(port);
      this.#isStarved = true;
      this.#launchIn(starvedMs);
    } else if (outcome === "own" || outcome === "reset") {
      if (!scan.queue.tryAgain(port)) this.#settle(scan, slot, outcome === "own" ? "unknown" : "open");
    } else this.#settle(scan, slot, outcome);
    this.#launch();
  }

  #settle(scan: Scan, { probe, port }: Slot, state: PortState): void {
    scan.states[port] = portCodes[state];
    Atomics.add(scan.numbers, counters.tried, 1);
    if (state !== "open") return;
    Atomics.add(scan.numbers, counters.open, 1);
    const { connectMs, banner } = probe;
    scan.bannerChars += banner.length;
    scan.open.push(banner === "" ? { port, connectMs } : { port, connectMs, banner });
  }

  /** Tries ports until there is no probe free, no port left, or a rate says to wait. */
  #launch(): void {
    if (this.#isStarved) return;
    let waitMs = Number.POSITIVE_INFINITY;
    let passed = 0;
    while (this.#free.length > 0 && passed < this.#scans.length) {
      this.#turn = (this.#turn + 1) % this.#scans.length;
      const scan = this.#scans[this.#turn];
      if (!scan) break;
      const needMs = scan.queue.hasPort() ? this.#needToWait(scan) : undefined;
      if (needMs === 0) {
        this.#try(scan);
        passed = 0;
        continue;
      }
      passed += 1;
      if (needMs !== undefined) waitMs = Math.min(waitMs, needMs);
      else if (scan.inFlight === 0) {
        this.#end(scan);
        passed = 0;
      }
    }
    if (Number.isFinite(waitMs)) this.#launchIn(Math.ceil(waitMs));
  }

  #launchIn(ms: number): void {
    this.#later ??= setTimeout(() => {
      this.#later = undefined;
      this.#isStarved = false;
      this.#launch();
    }, ms);
  }

  /** Milliseconds until a rate lets the scan make a connection; at 0 the connection is counted. */
  #needToWait(scan: Scan): number {
    if (!scan.pace && !this.#total) return 0;
    const now = performance.now();
    const needMs = Math.max(scan.pace?.waitMs(now) ?? 0, this.#total?.waitMs(now) ?? 0);
    if (needMs > 0) return needMs;
    scan.pace?.pass(now);
    this.#total?.pass(now);
    return 0;
  }

  #try(scan: Scan): void {
    const slot = this.#free.pop();
    if (!slot) return;
    const port = scan.queue.take();
    slot.scan = scan;
    slot.port = port;
    scan.inFlight += 1;
    scan.states[port] = trying;
    scan.target.port = port;
    slot.probe.try(scan.target, scan.portTimeoutMs, scan.banners && scan.bannerChars < maxBannerChars);
  }

  /** What came in before `now` is heard first: a delay of this process is not taken for a port that does not answer. */
  #expireOverdue(): void {
    const now = performance.now();
    setImmediate(() => {
      for (const { probe } of this.#slots) probe.expire(now);
    });
  }

  #end(scan: Scan): void {
    this.#scans = this.#scans.filter((each) => each !== scan);
    const pace = this.#paces.get(scan.address);
    if (pace) pace.scans -= 1;
    if (pace?.scans === 0) this.#paces.delete(scan.address);
    if (this.#scans.length === 0) {
      clearInterval(this.#sweep);
      this.#sweep = undefined;
      this.#total?.rest();
    }
    this.#options.onDone(scan.id, scan.open);
  }

  #openPace(address: string): Pace | undefined {
    const { perTarget } = this.#options.rates;
    if (perTarget === undefined) return undefined;
    const entry = this.#paces.get(address) ?? { pace: new Pace(perTarget), scans: 0 };
    entry.scans += 1;
    this.#paces.set(address, entry);
    return entry.pace;
  }
}

/**
 * On this machine a connection may meet a socket of the same scan: itself, when its own port is the one it tries, or one that
 * tries its port at this moment.
 */
function isOwn({ localPort = 0, localAddress, remoteAddress }: Socket, scan: Scan | undefined): boolean {
  return localAddress === remoteAddress && scan?.states[localPort] === trying;
}
