import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { FrameDecoder } from "#lib/protocol/frame.ts";
import { HubConnection } from "#lib/protocol/hub-connection.ts";
import { decodeMessage, type HubEnvelope, maxHubPayloadBytes } from "#lib/protocol/hub-messages.ts";

/** A socket whose peer reads nothing until `read` is called. */
function createSlowSocket() {
  const waiting: { chunk: Buffer; taken: () => void }[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, taken) {
      waiting.push({ chunk, taken });
    },
  });
  const messages: HubEnvelope[] = [];
  const decoder = new FrameDecoder(maxHubPayloadBytes);
  const read = () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      decoder.push(next.chunk, (frame) => messages.push(decodeMessage(frame)));
      next.taken();
    }
  };
  return { socket, read, messages };
}

test("an endless stream of progress to a peer that does not read stays bounded, and the last answer still comes", () => {
  const { socket, read, messages } = createSlowSocket();
  const connection = new HubConnection(socket, { onMessage: () => {}, pauseAtBytes: 10_000 });
  for (let scanned = 1; scanned <= 50_000; scanned++) {
    connection.send({ name: "progress", body: { scanned, total: 50_000, open: 0 } }, { to: 1, more: true });
  }
  expect(socket.writableLength).toBeLessThan(11_000);
  expect(connection.isOpen).toBe(true);
  connection.send({ name: "ack", body: { sequence: 1, accepted: 1, duplicates: 0 } }, { to: 1 });
  read();
  expect(messages.at(-1)).toMatchObject({ name: "ack", id: 1, more: false });
  connection.send({ name: "progress", body: { scanned: 7, total: 9, open: 0 } }, { to: 2, more: true });
  read();
  expect(messages.at(-1)).toMatchObject({ name: "progress", id: 2, more: true });
  connection.destroy();
});
