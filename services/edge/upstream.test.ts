import { afterEach, expect, test, vi } from "vitest";
import type { HubEnvelope, HubMessage } from "#lib/protocol/hub-messages.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { OfflineBuffer } from "./offline-buffer.ts";
import { Upstream } from "./upstream.ts";

afterEach(() => {
  vi.useRealTimers();
});

const plenty = { readings: 1_000, bytes: 1_000_000 };

type Asked = { numbers: number[]; answer: (sequence: number) => void; fail: (error: Error) => void };

/** An upstream whose hub answers when the test says so. */
function createUpstream(size = 100) {
  const buffer = new OfflineBuffer(size);
  const asked: Asked[] = [];
  const drops: string[] = [];
  const client = {
    drop: (reason: Error) => {
      drops.push(reason.message);
    },
    request: (message: HubMessage) =>
      new Promise<HubEnvelope>((resolve, reject) => {
        if (message.name !== "batch") throw new Error("not a batch");
        const { first, readings } = message.body;
        const numbers = [...readings].map((_, index) => first + index);
        const answer = (sequence: number) => {
          const body = { sequence, accepted: numbers.length, duplicates: 0 };
          resolve({ name: "ack", body, id: 1, reply: true, more: false });
        };
        asked.push({ numbers, answer, fail: reject });
      }),
  };
  const upstream = new Upstream({ buffer, client, ackTimeoutMs: 100, logger: createLogger("test", "silent") });
  const push = (count: number) => {
    for (let i = 0; i < count; i++) buffer.push({ sensor: "s", atMs: 0, value: "1" });
    upstream.wake();
  };
  const sent = () => asked.map(({ numbers }) => numbers);
  return { buffer, asked, sent, drops, upstream, push };
}

const twoTurns = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

test("batches go out as far as the credit reaches, oldest first, and go on as they are acknowledged", async () => {
  const { buffer, asked, sent, upstream, push } = createUpstream();
  push(7);
  upstream.connected({ readings: 5, bytes: 1_000 });
  await expect.poll(sent).toEqual([[1, 2, 3, 4, 5]]);
  push(1);
  asked[0]?.answer(5);
  await expect.poll(sent).toEqual([
    [1, 2, 3, 4, 5],
    [6, 7, 8],
  ]);
  push(2);
  await expect.poll(() => sent().at(-1)).toEqual([9, 10]);
  expect(buffer.depth).toBe(5);
  asked[1]?.answer(8);
  asked[2]?.answer(10);
  await expect.poll(() => buffer.depth).toBe(0);
});

test("nothing is sent without credit, or once it is withdrawn, until there is credit again", async () => {
  const { asked, sent, upstream, push } = createUpstream();
  push(2);
  upstream.connected({ readings: 0, bytes: 0 });
  await twoTurns();
  expect(sent()).toEqual([]);
  upstream.grant(plenty);
  await expect.poll(sent).toEqual([[1, 2]]);
  upstream.grant({ readings: 0, bytes: 0 });
  push(3);
  asked[0]?.answer(2);
  await twoTurns();
  expect(sent()).toEqual([[1, 2]]);
  upstream.grant(plenty);
  await expect.poll(sent).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
});

test("when a batch is not acknowledged the connection is given up, and everything on its way goes first on the next one", async () => {
  const { buffer, asked, sent, drops, upstream, push } = createUpstream();
  upstream.connected(plenty);
  push(2);
  await expect.poll(sent).toHaveLength(1);
  push(2);
  await expect.poll(sent).toHaveLength(2);
  asked[0]?.fail(new Error("no answer"));
  await expect.poll(() => drops).toHaveLength(1);
  asked[1]?.answer(4);
  push(1);
  expect(buffer.depth).toBe(5);
  upstream.connected(plenty);
  await expect.poll(() => sent().slice(2)).toEqual([[1, 2], [3, 4], [5]]);
});

test("an answer that does not cover its batch is no acknowledgement", async () => {
  const { buffer, asked, drops, upstream, push } = createUpstream();
  upstream.connected(plenty);
  push(3);
  await expect.poll(() => asked.length).toBe(1);
  asked[0]?.answer(2);
  await expect.poll(() => drops).toHaveLength(1);
  expect(buffer.depth).toBe(3);
});

test("a flush waits for the last acknowledgement, and not at all without a hub", async () => {
  const { asked, upstream, push, buffer } = createUpstream();
  push(2);
  await upstream.flush(60_000);
  expect(asked).toEqual([]);
  const other = createUpstream();
  other.upstream.connected(plenty);
  other.push(2);
  const flushed = other.upstream.flush(60_000);
  await expect.poll(() => other.asked.length).toBe(1);
  other.asked[0]?.answer(2);
  await flushed;
  expect([buffer.depth, other.buffer.depth]).toEqual([2, 0]);
});

test.each([
  { edges: 1, bytesPerSecond: 20_000, batches: 5 },
  { edges: 20, bytesPerSecond: 400_000, batches: 15 },
])(
  "$edges edges with a backlog behind a link of $bytesPerSecond bytes a second are done in about the time that it takes",
  async ({ edges, bytesPerSecond, batches }) => {
    vi.useFakeTimers();
    const backlog = batches * 128 * 1024;
    let [carried, freeAt] = [0, 0];
    /** What was sent is carried, in order, also when its sender has given up. */
    const carry = async ({ byteLength }: { byteLength: number }) => {
      carried += byteLength;
      freeAt = Math.max(freeAt, performance.now()) + (byteLength / bytesPerSecond) * 1000;
      await new Promise((resolve) => setTimeout(resolve, freeAt - performance.now()));
    };
    const buffers = Array.from({ length: edges }, () => {
      const buffer = new OfflineBuffer(1_000_000);
      while (buffer.depth * 1_012 < backlog) buffer.push({ sensor: "s", atMs: 0, value: "7".repeat(1_000) });
      const client = {
        drop: () => setTimeout(() => upstream.connected({ readings: 16_384, bytes: 4 * 1024 * 1024 }), 200),
        request: async (message: HubMessage, { timeoutMs }: { timeoutMs: number }): Promise<HubEnvelope> => {
          if (message.name !== "batch") throw new Error("not a batch");
          const { first, readings } = message.body;
          const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error("timeout")), timeoutMs));
          await Promise.race([carry(readings), late]);
          const body = { sequence: first + readings.count - 1, accepted: readings.count, duplicates: 0 };
          return { name: "ack", body, id: 1, reply: true, more: false };
        },
      };
      const upstream = new Upstream({ buffer, client, ackTimeoutMs: 5_000, logger: createLogger("test", "silent") });
      client.drop();
      return buffer;
    });
    await vi.advanceTimersByTimeAsync(1.2 * ((edges * backlog) / bytesPerSecond) * 1000);
    expect(buffers.map(({ depth }) => depth)).toEqual(buffers.map(() => 0));
    expect(carried).toBeLessThan(1.2 * edges * backlog);
  },
);

test("acknowledgements that come one after the other keep the connection, though the last takes longer than the time for one", async () => {
  vi.useFakeTimers();
  const { buffer, asked, drops, upstream, push } = createUpstream();
  upstream.connected(plenty);
  for (let i = 0; i < 3; i++) {
    push(1);
    await vi.advanceTimersByTimeAsync(1);
  }
  for (const sequence of [1, 2, 3]) {
    await vi.advanceTimersByTimeAsync(70);
    asked[sequence - 1]?.answer(sequence);
  }
  await vi.advanceTimersByTimeAsync(1);
  expect([buffer.depth, drops]).toEqual([0, []]);
  push(1);
  await vi.advanceTimersByTimeAsync(101);
  expect([buffer.depth, drops.length]).toEqual([1, 1]);
});
