import { describe, expect, it } from "vitest";
import { apply, type Delta, deleteAt, formatAt, insertAt, textOf } from "#lib/protocol/relay-delta.ts";
import type { CommittedOperation } from "#lib/protocol/relay-messages.ts";
import { orderSubmissions, type Submission } from "./ordering.ts";

const submission = (clientId: string, base: number, ...operations: [number, Delta][]): Submission => ({
  documentId: "d",
  clientId,
  actor: "someone",
  base,
  operations: operations.map(([sequence, delta]) => ({ sequence, delta })),
  characters: 0,
});

const text = (operations: CommittedOperation[]) =>
  textOf(operations.reduce<Delta>((document, { delta }) => apply(document, delta), []));

/** Operations of another client that split the text up to `parts` times `splits` times. */
const splitting = (parts: number, splits: number): CommittedOperation[] =>
  Array.from({ length: parts }, (_, part) => ({
    revision: part + 1,
    clientId: "splitter",
    sequence: part + 1,
    actor: "s",
    delta: [
      { retain: 1 + part * splits * 2 },
      ...Array.from({ length: splits }, (): Delta => [{ retain: 1 }, { insert: "x" }]).flat(),
    ],
  }));

describe("ordering submissions", () => {
  it("numbers operations without a gap and moves them past what came before", () => {
    const { operations, outcomes } = orderSubmissions(
      0,
      [],
      [submission("a", 0, [1, insertAt(0, "hello")], [2, insertAt(5, "!")]), submission("b", 0, [1, insertAt(0, "say ")])],
    );
    expect(operations.map(({ revision, clientId, sequence }) => [revision, clientId, sequence])).toEqual([
      [1, "a", 1],
      [2, "a", 2],
      [3, "b", 1],
    ]);
    expect(text(operations)).toBe("hello!say ");
    expect(outcomes).toEqual([
      { kind: "committed", committed: 2, duplicates: 0 },
      { kind: "committed", committed: 1, duplicates: 0 },
    ]);
  });

  it("does not place an operation again that the history has, and goes on behind it", () => {
    const { operations: history } = orderSubmissions(
      0,
      [],
      [submission("a", 0, [1, insertAt(0, "one")]), submission("b", 0, [1, insertAt(0, "two")])],
    );
    const again = orderSubmissions(2, history, [submission("a", 0, [1, insertAt(0, "one")], [2, insertAt(1, "+")])]);
    expect(again.outcomes).toEqual([{ kind: "committed", committed: 1, duplicates: 1 }]);
    expect(text([...history, ...again.operations])).toBe("o+netwo");
  });

  it("takes a submission that was repeated within one batch once", () => {
    const repeated = submission("a", 0, [1, insertAt(0, "x")]);
    const { operations, outcomes } = orderSubmissions(0, [], [repeated, repeated]);
    expect(operations).toHaveLength(1);
    expect(outcomes[1]).toEqual({ kind: "committed", committed: 0, duplicates: 1 });
  });

  it.each([
    ["a delete", deleteAt(0, 100_000)],
    ["a format", formatAt(0, 100_000, { bold: true })],
    [
      "a format with long attributes",
      formatAt(0, 100_000, Object.fromEntries([..."abcdefgh"].map((key) => [key, key.repeat(250)]))),
    ],
  ])("refuses %s that others have split too often, and what was made on top of it, but not what is committed", (_, delta) => {
    const history = splitting(6, 100);
    history.splice(1, 0, { revision: 2, clientId: "a", sequence: 1, actor: "a", delta: insertAt(0, "mine") });
    const numbered = history.map((operation, index) => ({ ...operation, revision: index + 1 }));
    const { operations, outcomes } = orderSubmissions(7, numbered, [
      submission("a", 0, [1, insertAt(0, "mine")], [2, delta], [3, insertAt(0, "!")]),
      submission("b", 0, [1, insertAt(0, "fine")]),
    ]);
    expect(outcomes).toEqual([
      { kind: "refused", code: "too_complex", reason: expect.stringMatching(/split/), sequences: [2, 3] },
      { kind: "committed", committed: 1, duplicates: 0 },
    ]);
    expect(operations.map(({ clientId }) => clientId)).toEqual(["b"]);
  });

  it("commits an operation that others have split into more components than a client may make", () => {
    const history = splitting(4, 100);
    const { operations, outcomes } = orderSubmissions(4, history, [submission("a", 0, [1, deleteAt(0, 100_000)])]);
    expect(outcomes[0]?.kind).toBe("committed");
    expect(operations[0]?.delta.length).toBeGreaterThan(256);
  });

  it("refuses an operation at a step between, even if it would be small in the end, so that the work is bounded", () => {
    const history = splitting(6, 100);
    const all: CommittedOperation = { revision: 7, clientId: "splitter", sequence: 7, actor: "s", delta: deleteAt(0, 200_000) };
    const { outcomes } = orderSubmissions(7, [...history, all], [submission("a", 0, [1, deleteAt(0, 100_000)])]);
    expect(outcomes[0]).toMatchObject({ kind: "refused", code: "too_complex", sequences: [1] });
  });

  it("refuses what would take long to move past others, and commits it on top of a later revision", () => {
    const history = Array.from({ length: 900 }, (_, index): CommittedOperation => {
      return { revision: index + 1, clientId: "b", sequence: index + 1, actor: "b", delta: insertAt(0, "x") };
    });
    const long = Array.from({ length: 200 }, (_, index): Delta => [{ retain: index + 1 }, { insert: "y" }]).flat();
    const operations = Array.from({ length: 8 }, (_, index): [number, Delta] => [index + 1, long.slice(0, 200)]);
    const { outcomes } = orderSubmissions(900, history, [submission("a", 0, ...operations), submission("a", 850, ...operations)]);
    expect(outcomes).toEqual([
      { kind: "refused", reason: "revision 0 is too far behind; join again" },
      { kind: "committed", committed: 8, duplicates: 0 },
    ]);
    const typed = Array.from({ length: 64 }, (_, index): [number, Delta] => [index + 1, insertAt(index, "z")]);
    expect(orderSubmissions(900, history, [submission("c", 200, ...typed)]).outcomes[0]?.kind).toBe("committed");
  });

  it.each([
    ["a revision that does not exist", submission("a", 3, [1, insertAt(0, "x")]), /revision 3 does not exist/],
    ["a revision before the known history", submission("a", 0, [1, insertAt(0, "x")]), /too old/],
    ["sequences that do not ascend", submission("a", 2, [2, insertAt(0, "x")], [2, insertAt(0, "y")]), /do not ascend/],
    ["an operation after whose successor it comes", submission("b", 1, [5, insertAt(0, "x")]), /out of turn/],
  ])("refuses %s", (_, bad, reason) => {
    const history: CommittedOperation[] = [{ revision: 2, clientId: "b", sequence: 9, actor: "b", delta: insertAt(0, "b") }];
    const { operations, outcomes } = orderSubmissions(2, history, [bad]);
    expect(operations).toEqual([]);
    expect(outcomes).toEqual([{ kind: "refused", reason: expect.stringMatching(reason) }]);
  });
});
