import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeFrame, type Frame, FrameDecoder } from "#lib/protocol/frame.ts";
import { decodeMessage, encodeMessage, HubError, type HubMessage, maxHubPayloadBytes } from "#lib/protocol/hub-messages.ts";

function frameOf(bytes: Buffer): Frame {
  const frames: Frame[] = [];
  new FrameDecoder(maxHubPayloadBytes).push(bytes, (frame) => frames.push(frame));
  const [frame] = frames;
  if (!frame) throw new Error("no frame");
  return frame;
}

const hello = { protocolVersion: 1, role: "edge" as const, tenant: "t", instance: "e1", token: "secret", version: "1.0.0" };

describe("a message", () => {
  test("comes out as it went in, with its request", () => {
    const message: HubMessage = { name: "hello", body: { ...hello, protocolVersion: 7 } };
    const decoded = decodeMessage(frameOf(encodeMessage(message, 4_000_000_000, { reply: true, more: true })));
    expect(decoded).toEqual({ ...message, id: 4_000_000_000, reply: true, more: true });
  });

  test("keeps what it knows of a newer peer's body", () => {
    const frame = frameOf(encodeFrame({ type: 1, flags: 0, id: 1, payload: JSON.stringify({ ...hello, colour: "blue" }) }));
    expect(decodeMessage(frame).body).toEqual(hello);
  });

  test.each([
    ["an unknown type", { type: 200, payload: "{}" }],
    ["a body that is no JSON", { type: 3, payload: "{" }],
    ["a hello of an unknown role", { type: 1, payload: JSON.stringify({ ...hello, role: "admin" }) }],
    ["half of a surrogate pair in a name", { type: 1, payload: JSON.stringify({ ...hello, tenant: "\ud800" }) }],
    ["a scan of port 0", { type: 16, payload: JSON.stringify({ target: "a", ports: "0", timeoutMs: 1000 }) }],
    ["a batch in JSON", { type: 32, payload: JSON.stringify({ stream: "s", first: 1, readings: [] }) }],
  ])("with %s is refused as bad_message", (_what, frame) => {
    expect(() => decodeMessage({ flags: 0, id: 1, ...frame, payload: Buffer.from(frame.payload) })).toThrow(
      expect.objectContaining({ code: "bad_message" }),
    );
  });

  test("of any type and bytes is understood or refused, and nothing else", () => {
    const payloads = fc.oneof(fc.json(), fc.string()).map((text) => Buffer.from(text));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), payloads, (type, payload) => {
        try {
          decodeMessage({ type, flags: 0, id: 1, payload });
        } catch (error) {
          expect(error).toBeInstanceOf(HubError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

test("a result of 65,535 open ports fits into one frame", () => {
  const open = Array.from({ length: 65_535 }, (_, i) => ({ port: i + 1, connectMs: 1234.567 }));
  const result = {
    target: "t",
    address: "127.0.0.1",
    connector: "c",
    startedAt: "2026-01-02T03:04:05Z",
    durationMs: 1,
    complete: true,
  };
  const bytes = encodeMessage({ name: "result", body: { ...result, open, closed: "", filtered: "", unknown: "" } }, 1);
  expect(bytes.length).toBeLessThan(maxHubPayloadBytes);
  expect(decodeMessage(frameOf(bytes)).body).toHaveProperty("open.length", 65_535);
});
