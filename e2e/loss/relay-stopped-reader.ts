import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { RelayClient } from "#lib/protocol/relay-client.ts";
import type { CommittedOperation } from "#lib/protocol/relay-messages.ts";
import { eventually, type TestRelay } from "#lib/protocol/testing/relay-stack.ts";
import type { History } from "./history.ts";
import type { RelaySite } from "./relay-site.ts";
import { medianInterval } from "./relay-statistics.ts";

const others = 8;
const pollMs = 250;
const mostPhaseMs = 60_000;
const writeEveryMs = 20;
/** 96 KB: buffers fill in seconds at a pace that leaves the relay time. */
const text = "\u20ac".repeat(32_000);
const mostRatio = 1.2;
/** What the kernel may hold for a connection at its two ends, and the relay: 1 MiB, and the message that went beyond it. */
const mostBytes = kernelBuffer("tcp_rmem") + kernelBuffer("tcp_wmem") + 1024 * 1024 + 2 * text.length * 3;

/**
 * One writer and eight readers of a document, and a ninth, which in one phase reads and in another has stopped. When it stops it
 * is to be closed with 1013 after a bounded number of bytes, while the others get everything, at the pace of the other phase.
 */
export async function stopReaders(site: RelaySite, history: History, pairs: number): Promise<void> {
  const relay = site.relays[0];
  if (!relay) return;
  const documentId = randomUUID();
  const token = await site.token();
  const writer = new Writer(relay, documentId, token, history);
  let latencies: number[] = [];
  const readers = await Promise.all(
    Array.from({ length: others }, async (_, index) => {
      const reader = await Reader.open(relay, documentId, token);
      reader.onOperation = ({ sequence }) => {
        history.add({ kind: "delivered", observer: `reader ${index}`, producer: "writer", sequence });
        const madeAt = writer.madeAt.get(sequence);
        if (madeAt !== undefined) latencies.push(performance.now() - madeAt);
      };
      return reader;
    }),
  );
  let phaseMs = 3_000;
  const phase = async (stops: boolean): Promise<{ p95: number; bytes: number }> => {
    const ninth = await Reader.open(relay, documentId, token);
    ninth.onOperation = undefined;
    const [before, startedAt, bytesBefore] = [await givenUp(relay), performance.now(), ninth.bytes];
    latencies = [];
    if (stops) ninth.socket.pause();
    for (;;) {
      await sleep(pollMs);
      // Traffic of its own keeps the heartbeat of one that does not read quiet.
      ninth.socket.send('{"type":"typing"}');
      const isGivenUp = (await givenUp(relay)) > before;
      const tookMs = performance.now() - startedAt;
      if (stops ? isGivenUp || tookMs > mostPhaseMs : tookMs >= phaseMs) break;
    }
    const p95 = percentile(latencies, 0.95);
    if (!stops) ninth.socket.terminate();
    else phaseMs = performance.now() - startedAt;
    ninth.socket.resume();
    const code = await ninth.closed;
    if (stops && code !== 1013) history.add({ kind: "wrong", what: `a stopped reader was closed with ${code}` });
    return { p95, bytes: stops ? ninth.bytes - bytesBefore : 0 };
  };
  const ratios: number[] = [];
  let bytes = 0;
  try {
    await writer.start();
    await phase(true);
    for (let pair = 0; pair < pairs; pair += 1) {
      // What drifts meanwhile favours the one as often as the other.
      const order = pair % 2 === 0 ? [true, false] : [false, true];
      const found = new Map<boolean, number>();
      for (const stops of order) {
        const result = await phase(stops);
        found.set(stops, result.p95);
        bytes = Math.max(bytes, result.bytes);
      }
      ratios.push((found.get(true) ?? Number.NaN) / (found.get(false) ?? Number.NaN));
    }
  } finally {
    await writer.stop();
    await eventually(() => readers.every(({ revision }) => revision >= writer.revision)).catch(() => {});
    for (const reader of readers) reader.socket.terminate();
  }
  if (bytes > mostBytes) history.add({ kind: "wrong", what: `a stopped reader was sent ${bytes} bytes` });
  const { median, low, high } = medianInterval(ratios);
  const verdict = high <= mostRatio ? "holds" : low > mostRatio ? "does not hold" : "not decided by this run";
  if (low > mostRatio) history.add({ kind: "wrong", what: `the others' p95 is ${median.toFixed(2)} x what it is without` });
  const what =
    `${pairs} readers stopped, each closed with 1013 after at most ${(bytes / 1024 ** 2).toFixed(1)} MiB, of which ` +
    `the kernel may hold all but ${((mostBytes - kernelBuffer("tcp_rmem") - kernelBuffer("tcp_wmem")) / 1024 ** 2).toFixed(1)}. p95 of the ${others} others beside the same when nobody stops, ${pairs} pairs: median ratio ` +
    `${median.toFixed(2)} (95 % interval ${low.toFixed(2)} to ${high.toFixed(2)}), wanted at most ${mostRatio}: ${verdict}`;
  history.add({ kind: "measured", what });
}

/** Makes the document longer and shorter again, so that it stays small and its messages big. */
class Writer {
  readonly madeAt = new Map<number, number>();
  readonly #client: RelayClient;
  readonly #history: History;
  #timer: NodeJS.Timeout | undefined;
  #waiting = Promise.resolve();
  #turn = 0;

  constructor(relay: TestRelay, documentId: string, token: string, history: History) {
    this.#client = new RelayClient({ url: relay.url, documentId, token: async () => token });
    this.#history = history;
  }

  get revision(): number {
    return this.#client.revision;
  }

  async start(): Promise<void> {
    this.#client.start();
    await eventually(() => this.#client.isLive);
    this.#timer = setInterval(() => this.#write(), writeEveryMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#waiting;
    await this.#client.stop();
  }

  #write(): void {
    if (this.#client.pendingCount >= 8) return;
    this.#turn += 1;
    const message = { producer: "writer", sequence: this.#turn };
    this.#history.add({ kind: "sent", ...message });
    this.madeAt.set(message.sequence, performance.now());
    const submitted = this.#turn % 2 === 1 ? this.#client.insert(0, text) : this.#client.delete(0, text.length);
    const answer = submitted.then(() => this.#history.add({ kind: "acknowledged", ...message }));
    this.#waiting = Promise.all([this.#waiting, answer]).then(() => {});
  }
}

/** A connection without a client's state, so that reading costs little. */
class Reader {
  readonly socket: WebSocket;
  readonly closed: Promise<number>;
  /** Without it, messages are counted and not looked at. */
  onOperation: ((operation: CommittedOperation) => void) | undefined = () => {};
  revision = 0;
  bytes = 0;

  constructor(relay: TestRelay, documentId: string, token: string) {
    this.socket = new WebSocket(`${relay.url}/collab?document=${documentId}`, ["relay.v1", `bearer.${token}`]);
    this.closed = new Promise((resolve) => this.socket.once("close", resolve));
    this.socket.on("error", () => {});
  }

  static async open(relay: TestRelay, documentId: string, token: string): Promise<Reader> {
    const reader = new Reader(relay, documentId, token);
    await new Promise<void>((resolve, reject) => {
      reader.socket.once("error", reject);
      reader.socket.once("open", () => reader.socket.send(JSON.stringify({ type: "join", clientId: randomUUID() })));
      reader.socket.on("message", (data: Buffer) => {
        reader.bytes += data.length;
        if (!reader.onOperation) return;
        const message = JSON.parse(data.toString()) as { type: string; operations?: CommittedOperation[] };
        if (message.type === "joined") resolve();
        for (const operation of message.operations ?? []) {
          reader.revision = operation.revision;
          reader.onOperation?.(operation);
        }
      });
    });
    return reader;
  }
}

/** How many connections the relay has closed because their clients did not read. */
async function givenUp(relay: TestRelay): Promise<number> {
  const text = await (await fetch(relay.metricsUrl)).text();
  return Number(/^materi_slow_consumers_total (\d+)/m.exec(text)?.[1]);
}

/** The largest that the kernel makes a buffer of this kind, in bytes. */
function kernelBuffer(name: "tcp_rmem" | "tcp_wmem"): number {
  return Number(readFileSync(`/proc/sys/net/ipv4/${name}`, "utf8").trim().split(/\s+/)[2]);
}

function percentile(values: number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? Number.NaN;
}
