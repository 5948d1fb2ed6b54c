/** The load of the relay's benchmark: a process of its own that holds the clients and does what its parent calls. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { type Dialect, dialects } from "./relay-dialects.ts";
import { Reader, type Target } from "./relay-reader.ts";

const settleMs = 30_000;
const atOnce = 25;

/** Writes operations, so many under way, and counts those that come back. */
class Writer {
  written = 0;
  seen = 0;
  /** All bytes of messages that brought operations, with their frames. */
  bytes = 0;
  /** From sending an operation until it came back. */
  readonly latenciesMs: number[] = [];
  readonly isLive: Promise<void>;
  readonly #socket: WebSocket;
  readonly #dialect: Dialect;
  readonly #document: string;
  readonly #sent: { upTo: number; at: number }[] = [];
  #underWay = 0;
  #failure: Error | undefined;
  onOperations: (count: number) => void = () => {};

  constructor(target: Target) {
    const dialect = dialects[target.dialect]();
    this.#dialect = dialect;
    this.#document = target.document;
    this.#socket = new WebSocket(`ws://127.0.0.1:${target.port}${dialect.path(target.document)}`, dialect.protocol ?? [], {
      headers: { authorization: `Bearer ${target.token}` },
      perMessageDeflate: false,
    });
    this.isLive = new Promise((resolve, reject) => {
      this.#socket.once("open", () => {
        for (const data of dialect.greeting(target.document)) this.#socket.send(data);
        if (dialect.ready === "") resolve();
      });
      this.#socket.on("message", (data: Buffer) => {
        this.#receive(data);
        if (data.includes(dialect.ready, 0, "latin1")) resolve();
      });
      this.#socket.once("error", reject);
      this.#socket.once("close", (code, reason) => {
        this.#failure ??= new Error(`a writer was disconnected: ${code} ${reason}`);
        reject(this.#failure);
      });
    });
    this.isLive.catch(() => {});
  }

  /** Keeps so many operations under way until it is called with 0. */
  keep(underWay: number): void {
    this.#underWay = underWay;
    this.#fill();
  }

  write(most: number): void {
    const { data, operations } = this.#dialect.next(this.#document, most);
    this.written += operations;
    this.#sent.push({ upTo: this.written, at: performance.now() });
    this.#socket.send(data);
  }

  /**
   * At so many operations a second since `startedAt`: writes those that are due, unless a submission is under way. How long one took
   * counts from when it was due.
   */
  writeDue(perSecond: number, startedAt: number): void {
    const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1000) - this.written;
    if (due <= 0 || this.seen < this.written) return;
    const { data, operations } = this.#dialect.next(this.#document, due);
    for (let index = 0; index < operations; index += 1) {
      this.written += 1;
      this.#sent.push({ upTo: this.written, at: startedAt + (this.written * 1000) / perSecond });
    }
    this.#socket.send(data);
  }

  check(): void {
    if (this.#failure) throw this.#failure;
  }

  close(): void {
    this.#socket.terminate();
  }

  /** The relay takes a submission when the one before is acknowledged, its peers a message at any time. */
  #fill(): void {
    const least = this.#dialect.takesOneSubmission ? this.#underWay : 1;
    while (this.#underWay > 0 && this.#underWay - (this.written - this.seen) >= least) {
      this.write(this.#underWay - (this.written - this.seen));
    }
  }

  #receive(data: Buffer): void {
    let count = 0;
    try {
      count = this.#dialect.count(data);
    } catch (error) {
      this.#failure = error as Error;
      this.#socket.terminate();
    }
    const reply = this.#dialect.reply?.(data);
    if (reply) this.#socket.send(reply);
    if (count === 0) return;
    this.seen += count;
    this.bytes += data.length + (data.length > 65_535 ? 10 : data.length > 125 ? 4 : 2);
    const now = performance.now();
    while (this.#sent[0] && this.#sent[0].upTo <= this.seen) this.latenciesMs.push(now - (this.#sent.shift()?.at ?? now));
    this.onOperations(count);
    this.#fill();
  }
}

type Audience = { writer: Writer; readers: Reader[] };
const audiences: Audience[] = [];
let idle: Reader[] = [];

async function openReaders(targets: Target[]): Promise<Reader[]> {
  const readers: Reader[] = [];
  const dialectOf = new Map(targets.map(({ dialect }) => [dialect, dialects[dialect]()]));
  for (let from = 0; from < targets.length; from += atOnce) {
    const some = targets.slice(from, from + atOnce).map((target, index) => {
      const dialect = dialectOf.get(target.dialect);
      if (!dialect) throw new Error("no dialect");
      return new Reader(target, dialect, from + index);
    });
    await Promise.all(some.map(({ isLive }) => isLive));
    readers.push(...some);
  }
  return readers;
}

const calls = {
  /** A document with so many clients, one of which is the writer. */
  async open(target: Target, subscribers: number): Promise<void> {
    const writer = new Writer(target);
    await writer.isLive;
    audiences.push({ writer, readers: await openReaders(Array.from({ length: subscribers - 1 }, () => target)) });
  },

  /** Each document's writer keeps so many operations under way; returns the operations delivered a second, over all clients. */
  async spread(underWay: number, ms: number): Promise<number> {
    for (const { writer, readers } of audiences) {
      for (const client of [writer, ...readers]) client.bytes = 0;
      writer.seen = 0;
      writer.written = 0;
    }
    const startedAt = performance.now();
    for (const { writer } of audiences) writer.keep(underWay);
    await sleep(ms);
    const received = audiences.map(({ writer, readers }) => readers.reduce((sum, { bytes }) => sum + bytes, writer.bytes));
    const seconds = (performance.now() - startedAt) / 1000;
    for (const { writer } of audiences) writer.keep(0);
    let operations = 0;
    for (const [index, { writer, readers }] of audiences.entries()) {
      await until(() => writer.seen === writer.written && readers.every(({ bytes }) => bytes >= writer.bytes), writer);
      const perOperation = writer.bytes / writer.seen;
      const wrong = readers.filter(({ bytes }) => Math.abs(bytes - writer.bytes) >= perOperation / 2);
      if (wrong.length > 0) throw new Error(`${wrong.length} clients got something else than the writer`);
      operations += (received[index] ?? 0) / perOperation;
    }
    return operations / seconds;
  },

  /** A writer for each document, each with so many operations under way. */
  async commit(targets: Target[], underWay: number, ms: number): Promise<{ perSecond: number; latenciesMs: number[] }> {
    const writers = targets.map((target) => new Writer(target));
    try {
      await Promise.all(writers.map(({ isLive }) => isLive));
      for (const writer of writers) writer.keep(underWay);
      await sleep(Math.min(1000, ms / 2));
      const total = () => writers.reduce((sum, { seen }) => sum + seen, 0);
      const before = total();
      for (const { latenciesMs } of writers) latenciesMs.length = 0;
      const startedAt = performance.now();
      await sleep(ms);
      const perSecond = ((total() - before) * 1000) / (performance.now() - startedAt);
      const latenciesMs = writers.flatMap((writer) => writer.latenciesMs);
      for (const writer of writers) writer.keep(0);
      for (const writer of writers) await until(() => writer.seen === writer.written, writer);
      return { perSecond, latenciesMs };
    } finally {
      for (const writer of writers) writer.close();
    }
  },

  /** A writer for each document, all of them together so many operations a second, whatever the server makes of it. */
  async commitAt(targets: Target[], perSecond: number, ms: number): Promise<{ perSecond: number; latenciesMs: number[] }> {
    const writers = targets.map((target) => new Writer(target));
    let timer: NodeJS.Timeout | undefined;
    try {
      await Promise.all(writers.map(({ isLive }) => isLive));
      const startedAt = performance.now();
      timer = setInterval(() => {
        for (const [index, writer] of writers.entries())
          writer.writeDue(perSecond / writers.length, startedAt + (index * 1000) / perSecond);
      }, 1);
      const total = () => writers.reduce((sum, { seen }) => sum + seen, 0);
      await sleep(500);
      for (const { latenciesMs } of writers) latenciesMs.length = 0;
      const [before, countedFrom] = [total(), performance.now()];
      await sleep(ms);
      const done = ((total() - before) * 1000) / (performance.now() - countedFrom);
      return { perSecond: done, latenciesMs: writers.flatMap((writer) => writer.latenciesMs) };
    } finally {
      clearInterval(timer);
      for (const writer of writers) writer.close();
    }
  },

  /** Single operations at a rate; when each reached a client of the same replica and one of another. */
  async compareReplicas(
    near: Target,
    far: Target,
    perSecond: number,
    count: number,
  ): Promise<{ nearMs: number[]; farMs: number[] }> {
    const writer = new Writer(near);
    const clients = [new Writer(near), new Writer(far)];
    try {
      await Promise.all([writer, ...clients].map(({ isLive }) => isLive));
      const sentAt: number[] = [];
      const [nearMs, farMs] = clients.map((client) => {
        const times: number[] = [];
        client.onOperations = (arrived) => {
          for (let index = 0; index < arrived; index += 1) times.push(performance.now() - (sentAt[times.length] ?? 0));
        };
        return times;
      });
      for (let index = 0; index < count; index += 1) {
        sentAt.push(performance.now());
        writer.write(1);
        await sleep(1000 / perSecond);
        await until(() => writer.seen === writer.written, writer);
      }
      await until(() => clients.every(({ seen }) => seen === count), writer);
      return { nearMs: nearMs ?? [], farMs: farMs ?? [] };
    } finally {
      for (const client of [writer, ...clients]) client.close();
    }
  },

  /** Connections that do nothing, beside those that are there. */
  async addIdle(targets: Target[]): Promise<void> {
    idle.push(...(await openReaders(targets)));
  },

  async dropIdle(): Promise<void> {
    for (const reader of idle) reader.close();
    idle = [];
  },

  /** How long it takes from the first byte until a client is live, one after another. */
  async join(target: Target, greeting: object, times: number): Promise<number[]> {
    const dialect = dialects[target.dialect]();
    const tookMs: number[] = [];
    for (let index = 0; index < times; index += 1) {
      const startedAt = performance.now();
      const reader = new Reader(
        target,
        { ...dialect, greeting: () => [JSON.stringify({ ...greeting, clientId: randomUUID() })] },
        0,
      );
      await reader.isLive;
      tookMs.push(performance.now() - startedAt);
      reader.close();
    }
    return tookMs;
  },
};

export type LoadCalls = typeof calls;

async function until(isTrue: () => boolean, writer: Writer): Promise<void> {
  const deadline = performance.now() + settleMs;
  while (!isTrue()) {
    writer.check();
    if (performance.now() > deadline)
      throw new Error(`operations are missing at the end: ${writer.seen} of ${writer.written} came back`);
    await sleep(1);
  }
}

process.on("message", async ({ id, name, given }: { id: number; name: keyof LoadCalls; given: never[] }) => {
  const call = calls[name] as (...given: never[]) => Promise<unknown>;
  try {
    process.send?.({ id, value: await call(...given) });
  } catch (error) {
    process.send?.({ id, failure: error instanceof Error ? error.message : String(error) });
  }
});
process.once("disconnect", () => process.exit());
