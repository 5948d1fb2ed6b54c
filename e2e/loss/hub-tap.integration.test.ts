import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ReadingBlock } from "#lib/protocol/hub-batch.ts";
import { HubConnection } from "#lib/protocol/hub-connection.ts";
import type { HubBody } from "#lib/protocol/hub-messages.ts";
import { createSelfSignedCertificate } from "#lib/runtime/certificates.ts";
import { HubTap } from "./hub-tap.ts";

const certificate = await createSelfSignedCertificate(["127.0.0.1"]);

/** Answers a batch of so many readings by how many of them it has had before, or leaves, or refuses. */
type Answer = number | "leaves" | "refuses";

let answers: Answer[];
let taken: unknown[];
let tap: HubTap;
let tapPort: number;
const sockets: TLSSocket[] = [];
const hub = createServer(certificate, (socket) => {
  sockets.push(socket);
  const connection: HubConnection = new HubConnection(socket, {
    onMessage: ({ name, id, body }) => {
      const answer = answers.shift();
      if (name !== "batch" || answer === undefined) return;
      const { first, readings } = body;
      const ack = { sequence: first + readings.count - 1, accepted: readings.count - Number(answer), duplicates: Number(answer) };
      if (answer === "leaves") socket.destroy();
      else if (answer === "refuses") connection.sendError(new Error("the store is away"), id);
      else connection.send({ name: "ack", body: ack }, { to: id });
    },
  });
});

beforeEach(async () => {
  answers = [];
  taken = [];
  hub.listen(0, "127.0.0.1");
  await once(hub, "listening");
  const { port } = hub.address() as AddressInfo;
  tap = new HubTap({ certificate, hubPort: () => port, onTaken: (value) => taken.push(value) });
  tapPort = await tap.listen();
});

afterEach(async () => {
  tap.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  await new Promise((resolve) => hub.close(resolve));
});

function batchOf(first: number, count: number): HubBody<"batch"> {
  const readings = new ReadingBlock();
  for (let sequence = first; sequence < first + count; sequence += 1) readings.add("s", 0, String(sequence));
  return { stream: "one", first, readings };
}

/** Sends a batch as an edge does; gives the acknowledgement, or undefined when there was none. */
async function send(first: number, count: number): Promise<HubBody<"ack"> | undefined> {
  const socket = connect({ host: "127.0.0.1", port: tapPort, ca: certificate.cert });
  sockets.push(socket);
  const connection = new HubConnection(socket, { onMessage: () => {} });
  await once(socket, "secureConnect");
  try {
    const answer = await connection.request({ name: "batch", body: batchOf(first, count) }, { timeoutMs: 20_000 });
    return answer.name === "ack" ? answer.body : undefined;
  } catch {
    return undefined;
  } finally {
    await connection.end();
  }
}

test("what the hub acknowledged as new counts, and its repeats do not", async () => {
  answers = [0, 3];
  expect(await send(1, 3)).toEqual({ sequence: 3, accepted: 3, duplicates: 0 });
  expect(await send(1, 5)).toEqual({ sequence: 5, accepted: 2, duplicates: 3 });
  expect(taken).toEqual([1, 2, 3, 4, 5]);
});

test.each(["leaves", "refuses"] as const)(
  "a repeat counts when the hub %s the first time: then it had taken it over",
  async (answer) => {
    answers = [answer, 2];
    expect(await send(1, 2)).toBeUndefined();
    expect(taken).toEqual([]);
    await send(1, 3);
    expect(taken).toEqual([1, 2, 3]);
  },
);

test("a hub that forgot what it had acknowledged is seen to take it twice", async () => {
  answers = [0, 0];
  tap.replace = ({ name, bytes }) => (name === "ack" ? [] : [bytes]);
  const unanswered = send(1, 1);
  await expect.poll(() => taken).toEqual([1]);
  for (const socket of sockets) socket.destroy();
  expect(await unanswered).toBeUndefined();
  tap.replace = ({ bytes }) => [bytes];
  await send(1, 1);
  expect(taken).toEqual([1, 1]);
});

test("what was counted and sent again without an answer is no news when the hub knows it", async () => {
  answers = [0, "leaves", 2];
  await send(1, 2);
  await send(1, 2);
  await send(1, 2);
  expect(taken).toEqual([1, 2]);
});

test("a frame can be replaced on its way: the hub refuses one with a flipped bit, and nothing of it counts", async () => {
  answers = [0];
  tap.replace = ({ to, bytes }) => {
    if (to === "hub") bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
    return [bytes];
  };
  expect(await send(1, 1)).toBeUndefined();
  expect(taken).toEqual([]);
});
