import { expect, test } from "vitest";
import type { HubEnvelope, HubMessage } from "#lib/protocol/hub-messages.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { OfflineBuffer } from "./offline-buffer.ts";
import { Upstream } from "./upstream.ts";

const at = "2026-01-02T03:04:05Z";

function createUpstream(answer: (sequences: number[]) => number | Error) {
  const buffer = new OfflineBuffer(100);
  const batches: number[][] = [];
  const client = {
    isConnected: true,
    drops: 0,
    drop() {
      this.drops += 1;
      this.isConnected = false;
    },
    async request(message: HubMessage): Promise<HubEnvelope> {
      const sequences = message.name === "batch" ? message.body.messages.map(({ sequence }) => sequence) : [];
      batches.push(sequences);
      const sequence = answer(sequences);
      if (sequence instanceof Error) throw sequence;
      return { name: "ack", body: { sequence, accepted: sequences.length, duplicates: 0 }, id: 1, reply: true, more: false };
    },
  };
  const upstream = new Upstream({ buffer, client, ackTimeoutMs: 100, maxBatch: 3, logger: createLogger("test", "silent") });
  const push = (count: number) => {
    for (let i = 0; i < count; i++) buffer.push({ sensor: "s", at, value: i }, 10);
  };
  return { buffer, batches, client, upstream, push };
}

test("the backlog goes to the hub oldest first, batch by batch, and leaves the buffer as it is acknowledged", async () => {
  const { buffer, batches, upstream, push } = createUpstream((sequences) => sequences.at(-1) ?? 0);
  push(7);
  await upstream.flush(1_000);
  expect(batches).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
  expect(buffer.depth).toBe(0);
});

test("a batch that is not acknowledged stays, the connection is given up, and the same batch goes first on the next one", async () => {
  let fails = true;
  const { buffer, batches, client, upstream, push } = createUpstream((sequences) => {
    if (fails) return new Error("no answer");
    return sequences.at(-1) ?? 0;
  });
  push(2);
  upstream.wake();
  await expect.poll(() => client.drops).toBe(1);
  expect(buffer.depth).toBe(2);
  fails = false;
  client.isConnected = true;
  push(1);
  await expect
    .poll(() => {
      upstream.wake();
      return buffer.depth;
    })
    .toBe(0);
  expect(batches).toEqual([
    [1, 2],
    [1, 2, 3],
  ]);
});

test("nothing is sent while there is no hub", async () => {
  const { buffer, batches, client, upstream, push } = createUpstream(() => 0);
  client.isConnected = false;
  push(1);
  await upstream.flush(1_000);
  expect(batches).toEqual([]);
  expect(buffer.depth).toBe(1);
});
