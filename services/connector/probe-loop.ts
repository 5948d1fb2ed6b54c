import { isIP, Socket } from "node:net";
import type { PortRange } from "#lib/protocol/hub-ports.ts";
import { safeText } from "./banner.ts";
import { Pace } from "./pace.ts";

/** What a port is, as it stands in the shared bytes of a scan; 0 is a port that was not tried or could not be told. */
export const portCodes = { unknown: 0, open: 1, closed: 2, filtered: 3 } as const;
/** In the same bytes: a port that is being tried, or is to be tried again. */
const trying = 4;
export type PortState = keyof typeof portCodes;
/** The states by code. What was being tried when its scan ended is unknown. */
export const stateNames: PortState[] = ["unknown", "open", "closed", "filtered", "unknown"];

export type OpenPort = { port: number; connectMs: number; banner?: string };

/** The numbers that all threads of a scan share: the next port to try by its index, how many were tried and are open. */
export const counters = { next: 0, tried: 1, open: 2, count: 3 } as const;

/** One scan as a thread gets it. `numbers` and `states` are the same memory in every thread. */
export type ProbeTask = {
  id: number;
  address: string;
  ranges: PortRange[];
  portTimeoutMs: number;
  banners: boolean;
  numbers: Int32Array<SharedArrayBuffer>;
  states: Uint8Array<SharedArrayBuffer>;
};

export type ProbeLoopOptions = {
  /** Sockets of all scans of this thread together. */
  sockets: number;
  /** Connections a second of this thread, in all and to each address. */
  rates: { total?: number | undefined; perTarget?: number | undefined };
  localAddress?: string | undefined;
  onDone: (id: number, open: OpenPort[]) => void;
};

type Scan = ProbeTask & {
  from: { localAddress?: string };
  /** The indexes of the present chunk that are still to be tried, and where they are in the ranges. */
  index: number;
  chunkEnd: number;
  range: number;
  rangeStart: number;
  total: number;
  again: number[];
  tries: Map<number, number>;
  inFlight: number;
  open: OpenPort[];
  bannerChars: number;
  target: Pace | undefined;
};

type Slot = {
  scan: Scan;
  socket: Probe;
  port: number;
  startedAt: number;
  connectMs: number;
  deadline: number;
  received: Buffer[];
};

const chunk = 32;
const sweepMs = 5;
/** Without a descriptor free, ports are tried again after this time. */
const starvedMs = 20;
const bannerBytes = 256;
const bannerMs = 1_000;
/** Banners of one scan in one thread; what comes after has none, so that the result fits in a message. */
const maxBannerChars = 256 * 1024;
const maxTries = 5;

/** A socket that knows its slot: listeners are shared, so that nothing but the socket itself is made for a port. */
class Probe extends Socket {
  slot = -1;
  readonly loop: ProbeLoop;

  constructor(loop: ProbeLoop) {
    super();
    this.loop = loop;
    this.on("connect", onConnect);
    this.on("error", onError);
  }
}

function onConnect(this: Probe): void {
  if (this.slot >= 0) this.loop.connected(this.slot);
}

function onError(this: Probe, error: NodeJS.ErrnoException): void {
  if (this.slot >= 0) this.loop.failed(this.slot, error);
}

function onData(this: Probe, bytes: Buffer): void {
  if (this.slot >= 0) this.loop.received(this.slot, bytes);
}

function onEnd(this: Probe): void {
  if (this.slot >= 0) this.loop.spoken(this.slot);
}

/**
 * Tries the ports of the scans of one thread, in turn, with one socket each. One sweep over the slots of open sockets stands for
 * a timer and an abort listener of each; threads take ports of the same scan by a shared number.
 */
export class ProbeLoop {
  readonly #options: ProbeLoopOptions;
  readonly #slots: (Slot | undefined)[];
  readonly #free: number[];
  readonly #targets = new Map<string, { pace: Pace; scans: number }>();
  readonly #total: Pace | undefined;
  #scans: Scan[] = [];
  #turn = 0;
  #sweep: NodeJS.Timeout | undefined;
  #later: NodeJS.Timeout | undefined;
  #isStarved = false;

  constructor(options: ProbeLoopOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.sockets }, () => undefined);
    this.#free = this.#slots.map((_, index) => index);
    this.#total = options.rates.total === undefined ? undefined : new Pace(options.rates.total);
  }

  start(task: ProbeTask): void {
    const { localAddress } = this.#options;
    const from = localAddress && isIP(localAddress) === isIP(task.address) ? { localAddress } : {};
    const total = task.ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
    this.#scans.push({
      ...{ ...task, from, total, index: 0, chunkEnd: 0, range: 0, rangeStart: 0, again: [], tries: new Map() },
      ...{ inFlight: 0, open: [], bannerChars: 0, target: this.#openTarget(task.address) },
    });
    this.#sweep ??= setInterval(() => this.#endOverdue(), sweepMs);
    this.#launch();
  }

  /** Ends a scan with what is known; the ports under way stay unknown. */
  abort(id: number): void {
    const scan = this.#scans.find((each) => each.id === id);
    if (!scan) return;
    for (const [index, slot] of this.#slots.entries()) if (slot?.scan === scan) this.#vacate(index, slot);
    this.#end(scan);
    this.#launch();
  }

  connected(index: number): void {
    const slot = this.#slots[index];
    if (!slot) return;
    const { socket, scan, port } = slot;
    slot.connectMs = performance.now() - slot.startedAt;
    if (isOwnScan(socket, scan)) {
      if (!this.#tryAgain(index, slot)) this.#settle(index, slot, port, portCodes.unknown);
    } else if (scan.banners && scan.bannerChars < maxBannerChars) {
      slot.deadline = performance.now() + Math.min(bannerMs, scan.portTimeoutMs);
      slot.received = [];
      socket.on("data", onData);
      socket.on("end", onEnd);
    } else this.#settle(index, slot, port, portCodes.open);
  }

  failed(index: number, error: NodeJS.ErrnoException): void {
    const slot = this.#slots[index];
    if (!slot) return;
    if (slot.connectMs >= 0) this.spoken(index);
    else if (isStarvation(error.code)) {
      this.#vacate(index, slot);
      slot.scan.again.push(slot.port);
      this.#isStarved = true;
      this.#launchIn(starvedMs);
    } else if (error.code === "ECONNRESET") {
      // It was made and reset at once: by a listener, or by another socket of this scan that it met.
      slot.connectMs = performance.now() - slot.startedAt;
      if (!this.#tryAgain(index, slot)) this.spoken(index);
    } else this.#settle(index, slot, slot.port, portCodes[stateOfError(error.code)]);
  }

  received(index: number, bytes: Buffer): void {
    const slot = this.#slots[index];
    if (!slot) return;
    slot.received.push(bytes);
    const length = slot.received.reduce((sum, part) => sum + part.length, 0);
    if (length >= bannerBytes || bytes.includes(10)) this.spoken(index);
  }

  /** The service has said what it had to say, or its time is over. */
  spoken(index: number): void {
    const slot = this.#slots[index];
    if (slot) this.#settle(index, slot, slot.port, portCodes.open);
  }

  /** False when the port has had its tries. */
  #tryAgain(index: number, slot: Slot): boolean {
    const { scan, port } = slot;
    const tries = (scan.tries.get(port) ?? 1) + 1;
    if (tries > maxTries) return false;
    scan.tries.set(port, tries);
    this.#vacate(index, slot);
    scan.again.push(port);
    this.#launch();
    return true;
  }

  #settle(index: number, slot: Slot, port: number, code: number): void {
    const { scan } = slot;
    this.#vacate(index, slot);
    scan.states[port] = code;
    Atomics.add(scan.numbers, counters.tried, 1);
    if (code === portCodes.open) {
      Atomics.add(scan.numbers, counters.open, 1);
      const banner = safeText(Buffer.concat(slot.received).subarray(0, bannerBytes));
      scan.bannerChars += banner.length;
      const connectMs = Math.round(slot.connectMs * 1000) / 1000;
      scan.open.push(banner === "" ? { port, connectMs } : { port, connectMs, banner });
    }
    this.#launch();
  }

  #vacate(index: number, slot: Slot): void {
    slot.socket.slot = -1;
    slot.socket.destroy();
    slot.scan.inFlight -= 1;
    this.#slots[index] = undefined;
    this.#free.push(index);
  }

  /** Opens sockets until there is none free, no port left, or a rate says to wait. */
  #launch(): void {
    if (this.#isStarved) return;
    let waitMs = Number.POSITIVE_INFINITY;
    let passed = 0;
    while (this.#free.length > 0 && passed < this.#scans.length) {
      this.#turn = (this.#turn + 1) % this.#scans.length;
      const scan = this.#scans[this.#turn];
      if (!scan) break;
      const needMs = hasPort(scan) ? this.#needToWait(scan) : undefined;
      if (needMs === 0) {
        this.#try(scan, takePort(scan));
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
    if (!scan.target && !this.#total) return 0;
    const now = performance.now();
    const needMs = Math.max(scan.target?.waitMs(now) ?? 0, this.#total?.waitMs(now) ?? 0);
    if (needMs > 0) return needMs;
    scan.target?.pass(now);
    this.#total?.pass(now);
    return 0;
  }

  #try(scan: Scan, port: number): void {
    const index = this.#free.pop();
    if (index === undefined) return;
    const socket = new Probe(this);
    socket.slot = index;
    const startedAt = performance.now();
    const deadline = startedAt + scan.portTimeoutMs;
    this.#slots[index] = { scan, socket, port, startedAt, connectMs: -1, deadline, received: [] };
    scan.inFlight += 1;
    scan.states[port] = trying;
    socket.connect({ host: scan.address, port, autoSelectFamily: false, ...scan.from });
  }

  #endOverdue(): void {
    const now = performance.now();
    for (let index = 0; index < this.#slots.length; index++) {
      const slot = this.#slots[index];
      if (!slot || slot.deadline > now) continue;
      this.#settle(index, slot, slot.port, slot.connectMs >= 0 ? portCodes.open : portCodes.filtered);
    }
  }

  #end(scan: Scan): void {
    this.#scans = this.#scans.filter((each) => each !== scan);
    const target = this.#targets.get(scan.address);
    if (target) target.scans -= 1;
    if (target?.scans === 0) this.#targets.delete(scan.address);
    if (this.#scans.length === 0) {
      clearInterval(this.#sweep);
      this.#sweep = undefined;
      this.#total?.rest();
    }
    this.#options.onDone(scan.id, scan.open);
  }

  #openTarget(address: string): Pace | undefined {
    const { perTarget } = this.#options.rates;
    if (perTarget === undefined) return undefined;
    const target = this.#targets.get(address) ?? { pace: new Pace(perTarget), scans: 0 };
    target.scans += 1;
    this.#targets.set(address, target);
    return target.pace;
  }
}

/** Whether this thread has a port to try: one of its chunk, then of the next one, at last those to be tried again. */
function hasPort(scan: Scan): boolean {
  if (scan.index < scan.chunkEnd) return true;
  if (scan.chunkEnd >= scan.total) return scan.again.length > 0;
  scan.index = Atomics.add(scan.numbers, counters.next, chunk);
  scan.chunkEnd = Math.min(scan.index + chunk, scan.total);
  if (scan.index < scan.chunkEnd) return true;
  scan.chunkEnd = scan.total;
  scan.index = scan.total;
  return scan.again.length > 0;
}

function takePort(scan: Scan): number {
  if (scan.index >= scan.chunkEnd) return scan.again.shift() ?? 0;
  const index = scan.index++;
  let range = scan.ranges[scan.range];
  while (range && index - scan.rangeStart > range.to - range.from) {
    scan.rangeStart += range.to - range.from + 1;
    scan.range += 1;
    range = scan.ranges[scan.range];
  }
  return (range?.from ?? 0) + index - scan.rangeStart;
}

/**
 * On this machine a connection may meet a socket of the same scan: itself, when its own port is the one it tries, or one that
 * tries its port at this moment.
 */
function isOwnScan({ localPort = 0, localAddress, remoteAddress }: Socket, { states }: Scan): boolean {
  return localAddress === remoteAddress && states[localPort] === trying;
}

function isStarvation(code: string | undefined): boolean {
  return code === "EMFILE" || code === "ENFILE" || code === "ENOBUFS" || code === "ENOMEM" || code === "EAGAIN";
}

function stateOfError(code: string | undefined): PortState {
  switch (code) {
    case "ECONNREFUSED":
      return "closed";
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EHOSTDOWN":
      return "filtered";
    default:
      return "unknown";
  }
}
