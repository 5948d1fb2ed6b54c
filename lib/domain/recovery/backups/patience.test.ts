import { expect, test } from "vitest";
import type { ArchivePart, PartSource } from "../archive/pack.ts";
import { patiently } from "./patience.ts";

const opened: ArchivePart = { files: [], facts: async () => null, close: async () => {} };

/** A part that cannot be opened the first few times. */
function failing(times: number): { part: PartSource; tries: () => number } {
  let tries = 0;
  const open = async () => {
    tries += 1;
    if (tries <= times) throw new Error(`no answer ${tries}`);
    return opened;
  };
  return { part: { name: "postgres", title: "PostgreSQL", open }, tries: () => tries };
}

const { signal } = new AbortController();

test("a server that answers after a while is saved", async () => {
  const { part, tries } = failing(3);
  await expect(patiently(part, { forMs: 60_000, everyMs: 1 }).open(signal)).resolves.toBe(opened);
  expect(tries()).toBe(4);
});

test("one that does not come fails with what it said last", async () => {
  const { part, tries } = failing(Number.POSITIVE_INFINITY);
  await expect(patiently(part, { forMs: 20, everyMs: 5 }).open(signal)).rejects.toThrow(/^no answer/);
  expect(tries()).toBeGreaterThan(1);
});

test("nobody waits once it is to end", async () => {
  const { part, tries } = failing(Number.POSITIVE_INFINITY);
  const abort = new AbortController();
  const waiting = patiently(part, { forMs: 60_000, everyMs: 60_000 }).open(abort.signal);
  abort.abort(new Error("Switchyard is being stopped."));
  await expect(waiting).rejects.toThrow();
  expect(tries()).toBe(1);
});
