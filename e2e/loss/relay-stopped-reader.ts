import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { RelayClient } from "#lib/protocol/relay-client.ts";
import type { CommittedOperation } from "#lib/protocol/relay-messages.ts";
import { eventually, type TestRelay } from "#lib/protocol/testing/relay-stack.ts";
import type { History } from "./history.ts";
import type { RelaySite } from "./relay-site.ts";
import { medianInterval } from "./relay-statistics.ts";

const pairs = 12;
const others = 8;
const phaseMs = 2_000;
const writeEveryMs = 10;
const text = "x".repeat(32_000);
const mostRatio = 1.2;
/** What the kernel may hold for a connection on both of its ends, by its own limits, and what the relay may, with one message more. */
const mostBytes = (6 + 4 + 1.5) * 1024 * 1024;

/**
 * One writer and eight readers of a document. In turn all read, and one more is there that has stopped: it is to be closed with
 * 1013 after a bounded number of bytes, while the others get what they got before, at the pace of before.
 */
export async function stopReaders(site: RelaySite, history: History): Promise<void> {
  const relay = site.relays[0];
  if (!relay) return;
  const documentId = randomUUID();
  const token = await site.token();
  const latencies: number[] = [];
  const writer = new Writer(relay, documentId, token, history);
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
  const p95Of = async (phase: () => Promise<void>) => {
    latencies.length = 0;
    await phase();
    return percentile(latencies, 0.95);
  };
  const residentBefore = await metric(relay, "process_resident_memory_bytes");
  const ratios: number[] = [];
  const bytes: number[] = [];
  try {
    await writer.start();
    await sleep(phaseMs);
    for (let pair = 0; pair < pairs; pair += 1) {
      const beside = () => p95Of(() => sleep(phaseMs));
      const stopped = () =>
        p95Of(async () => {
          bytes.push(await stopOne(relay, documentId, token, history));
        });
      // Whichever comes first, what drifts meanwhile favours it as often as the other.
      const [without, during] = pair % 2 === 0 ? [await beside(), await stopped()] : [await stopped(), await beside()].reverse();
      ratios.push((during ?? 0) / (without ?? 1));
    }
  } finally {
    await writer.stop();
    await eventually(() => readers.every(({ revision }) => revision >= writer.revision)).catch(() => {});
    for (const reader of readers) reader.close();
  }
  if (Math.max(...bytes) > mostBytes)
    history.add({ kind: "wrong", what: `a stopped reader was sent ${Math.max(...bytes)} bytes` });
  const { median, low, high } = medianInterval(ratios);
  const verdict = high <= mostRatio ? "holds" : low > mostRatio ? "does not hold" : "not decided by this run";
  if (low > mostRatio) history.add({ kind: "wrong", what: `the others' p95 is ${median.toFixed(2)} x what it is without` });
  const grownMiB = ((await metric(relay, "process_resident_memory_bytes")) - residentBefore) / 1024 ** 2;
  process.stdout.write(
    `relay: ${pairs} readers stopped, each closed with 1013 after at most ${(Math.max(...bytes) / 1024 ** 2).toFixed(1)} MiB ` +
      `(kernel buffers included); the relay's resident memory grew by ${grownMiB.toFixed(0)} MiB in all. p95 of ${others} others ` +
      `beside the same without: median ratio ${median.toFixed(2)} (95 % interval ${low.toFixed(2)} to ${high.toFixed(2)}), ` +
      `wanted at most ${mostRatio}: ${verdict}\n`,
  );
}

/** Joins, stops to read, and reads again once the relay has given it up. Returns the bytes that came from the stop to the close. */
async function stopOne(relay: TestRelay, documentId: string, token: string, history: History): Promise<number> {
  const given = () => metric(relay, "materi_slow_consumers_total");
  const before = await given();
  const reader = await Reader.open(relay, documentId, token);
  reader.socket.pause();
  const bytesBefore = reader.bytes;
  // Traffic of its own keeps the heartbeat quiet.
  const alive = setInterval(() => reader.socket.send('{"type":"typing"}'), 1_000);
  try {
    await eventually(async () => (await given()) > before, 60_000);
  } finally {
    clearInterval(alive);
  }
  reader.socket.resume();
  const code = await reader.closed;
  if (code !== 1013) history.add({ kind: "wrong", what: `a stopped reader was closed with ${code}` });
  return reader.bytes - bytesBefore;
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
  onOperation: (operation: CommittedOperation) => void = () => {};
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
        const message = JSON.parse(data.toString()) as { type: string; operations?: CommittedOperation[] };
        if (message.type === "joined") resolve();
        for (const operation of message.operations ?? []) {
          reader.revision = operation.revision;
          reader.onOperation(operation);
        }
      });
    });
    return reader;
  }

  close(): void {
    this.socket.terminate();
  }
}

async function metric(relay: TestRelay, name: string): Promise<number> {
  const lines = (await (await fetch(relay.metricsUrl)).text()).split("\n");
  return Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length));
}

function percentile(values: number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? Number.NaN;
}
