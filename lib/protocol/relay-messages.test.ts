import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clientMessageSchema, decode, serverMessageSchema } from "./relay-messages.ts";

const clientId = "0b8f0f6e-54a5-4b52-9a3e-0f5d0c1b2a3d";
const submit = (delta: unknown, more: object = {}) =>
  JSON.stringify({ type: "submit", base: 0, operations: [{ sequence: 1, delta }], ...more });

describe("messages of a client", () => {
  it("are taken when they fit, and ids become lower case", () => {
    expect(decode(clientMessageSchema, JSON.stringify({ type: "join", clientId: clientId.toUpperCase() }))).toEqual({
      value: { type: "join", clientId },
    });
    expect(decode(clientMessageSchema, submit([{ retain: 1 }, { insert: "a", attributes: { bold: true } }]))).toHaveProperty(
      "value",
    );
  });

  it.each([
    ["no JSON", "{"],
    ["an unknown type", '{"type":"shutdown"}'],
    ["an id that is none", '{"type":"join","clientId":"me"}'],
    ["a negative revision", JSON.stringify({ type: "join", clientId, since: -1 })],
    ["an unknown field", submit([{ insert: "a" }], { revision: 1 })],
    ["an empty operation", submit([])],
    ["a component that does two things", submit([{ insert: "a", delete: 1 }])],
    ["an empty insert", submit([{ insert: "" }])],
    ["a retain of nothing", submit([{ retain: 0 }])],
    ["a length that is no whole number", submit([{ delete: 1.5 }])],
    ["a lone surrogate, which PostgreSQL cannot hold", submit([{ insert: "\ud800" }])],
    ["the character U+0000, which PostgreSQL cannot hold", submit([{ insert: "a\u0000" }])],
    ["an attribute that is an object", submit([{ insert: "a", attributes: { link: {} } }])],
    ["an attribute that every object has", submit([{ retain: 1, attributes: { constructor: true } }])],
    ["the attribute __proto__", submit([{ retain: 1, attributes: JSON.parse('{"__proto__":null}') }])],
    ["text that is too long", submit([{ insert: "x".repeat(40_000) }])],
    [
      "too many operations",
      JSON.stringify({ type: "submit", base: 0, operations: Array(65).fill({ sequence: 1, delta: [{ delete: 1 }] }) }),
    ],
  ])("are refused with %s", (_, json) => {
    expect(decode(clientMessageSchema, json)).toEqual({ problem: expect.any(String) });
  });

  it("never throw, whatever text arrives", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(Object.keys(decode(clientMessageSchema, text)).length).toBe(1);
        expect(Object.keys(decode(serverMessageSchema, text)).length).toBe(1);
      }),
      { numRuns: 2000 },
    );
  });
});
