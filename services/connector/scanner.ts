import { setMaxListeners } from "node:events";
import { isIP, Socket } from "node:net";
import { countPorts, eachPort, formatPorts, type PortRange } from "#lib/protocol/hub-ports.ts";
import type { ScanRates } from "./rate-limit.ts";
import type { Semaphore } from "./semaphore.ts";

/**
 * open: the connection was made. closed: it was refused. filtered: no answer in time, or the network says unreachable.
 * unknown: the scanner could not tell, or did not get to it.
 */
export type PortState = "open" | "closed" | "filtered" | "unknown";

export type PortOutcome = { state: PortState; connectMs: number };

export type ConnectOptions = {
  address: string;
  port: number;
  timeoutMs: number;
  /** Gives the port up as unknown. */
  signal: AbortSignal;
  localAddress?: string | undefined;
};

/** Tries one port. Never rejects. */
export type Connect = (options: ConnectOptions) => Promise<PortOutcome>;

export type ScanRequest = {
  address: string;
  ports: PortRange[];
  portTimeoutMs: number;
  /** Ends the scan early; what was not tried stays unknown. */
  signal: AbortSignal;
  onProgress?: (progress: { scanned: number; total: number; open: number }) => void;
};

export type ScanOutcome = {
  complete: boolean;
  open: { port: number; connectMs: number }[];
  closed: string;
  filtered: string;
  unknown: string;
};

export type ScannerOptions = {
  /** Sockets of all scans together. */
  sockets: Semaphore;
  rates?: ScanRates | undefined;
  localAddress?: string | undefined;
  progressIntervalMs?: number;
  connect?: Connect;
};

const stateCodes: PortState[] = ["unknown", "open", "closed", "filtered"];

/** A TCP connect scan of one address. Memory is one byte a port, and one socket for each that is tried at a time. */
export async function scanPorts(request: ScanRequest, options: ScannerOptions): Promise<ScanOutcome> {
  const { address, ports, portTimeoutMs, signal, onProgress } = request;
  const { sockets, rates, localAddress, progressIntervalMs = 250, connect = connectPort } = options;
  const total = countPorts(ports);
  const states = new Uint8Array(65_536);
  const open: ScanOutcome["open"] = [];
  const rest = eachPort(ports);
  const mayConnect = rates?.open(address);
  let scanned = 0;
  setMaxListeners(0, signal);

  async function work(): Promise<void> {
    for (const port of rest) {
      await mayConnect?.(signal);
      await sockets.acquire();
      try {
        if (signal.aborted) return;
        const outcome = await connect({ address, port, timeoutMs: portTimeoutMs, signal, localAddress });
        if (signal.aborted && outcome.state === "unknown") return;
        states[port] = stateCodes.indexOf(outcome.state);
        if (outcome.state === "open") open.push({ port, connectMs: outcome.connectMs });
        scanned += 1;
      } finally {
        sockets.release();
      }
    }
  }

  const timer = setInterval(() => onProgress?.({ scanned, total, open: open.length }), progressIntervalMs);
  try {
    await Promise.all(Array.from({ length: Math.min(total, sockets.size) }, work));
  } finally {
    clearInterval(timer);
    if (rates) rates.close(address);
  }
  const list = (state: PortState) => formatPorts(portsInState(ports, states, stateCodes.indexOf(state)));
  return {
    complete: scanned === total,
    open: open.sort((a, b) => a.port - b.port),
    closed: list("closed"),
    filtered: list("filtered"),
    unknown: list("unknown"),
  };
}

function* portsInState(ports: PortRange[], states: Uint8Array, code: number): Generator<number> {
  for (const port of eachPort(ports)) if (states[port] === code) yield port;
}

/** Connects to a port and hangs up. A connection to itself, which TCP allows on loopback, is tried again from another port. */
export async function connectPort(options: ConnectOptions): Promise<PortOutcome> {
  for (let tries = 0; tries < 5; tries++) {
    const outcome = await connectOnce(options);
    if (outcome !== "itself") return outcome;
  }
  return { state: "unknown", connectMs: 0 };
}

function connectOnce({ address, port, timeoutMs, signal, localAddress }: ConnectOptions): Promise<PortOutcome | "itself"> {
  const from = localAddress && isIP(localAddress) === isIP(address) ? { localAddress } : {};
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const socket = new Socket();
    const finish = (state: PortState | "itself") => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      const connectMs = Math.round((performance.now() - startedAt) * 1000) / 1000;
      resolve(state === "itself" ? state : { state, connectMs });
    };
    const onAbort = () => finish("unknown");
    const timer = setTimeout(() => finish("filtered"), timeoutMs);
    signal.addEventListener("abort", onAbort);
    socket.once("connect", () => {
      const itself = socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress;
      finish(itself ? "itself" : "open");
    });
    socket.on("error", (error: NodeJS.ErrnoException) => finish(stateOfError(error.code)));
    socket.connect({ host: address, port, autoSelectFamily: false, ...from });
  });
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
