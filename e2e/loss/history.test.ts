import { expect, it } from "vitest";
import { History, judge, sumVerdicts } from "./history.ts";

/** Messages of one producer: all sent, those given acknowledged, and what each observer saw, in order. */
function run(acknowledged: number[], seen: Record<string, number[]>, dropped = 0): History {
  const history = new History();
  for (let sequence = 1; sequence <= 5; sequence += 1) history.add({ kind: "sent", producer: "a", sequence });
  for (const sequence of acknowledged) history.add({ kind: "acknowledged", producer: "a", sequence });
  for (const [observer, sequences] of Object.entries(seen)) {
    for (const sequence of sequences) history.add({ kind: "delivered", observer, producer: "a", sequence });
  }
  if (dropped) history.add({ kind: "dropped", count: dropped });
  return history;
}

it("passes a history in which all that was acknowledged arrived once, and what was not may have arrived", () => {
  expect(judge(run([1, 2, 3], { x: [1, 2, 3, 4] }).events)).toEqual({
    sent: 5,
    acknowledged: 3,
    refused: 0,
    delivered: 3,
    unconfirmed: 1,
    dropped: 0,
    lost: 0,
    duplicates: 0,
    reordered: 0,
    wrong: [],
    measured: [],
    passes: true,
  });
});

it("finds what one of several observers never saw", () => {
  expect(judge(run([1, 2, 3], { x: [1, 2, 3], y: [1, 3] }).events)).toMatchObject({ delivered: 2, lost: 1, passes: false });
});

it("does not hold against an observer what it could not see, but does its repeats", () => {
  const history = run([1, 2, 3], { x: [1, 2, 3], y: [3, 3] });
  history.add({ kind: "partial", observer: "y" });
  expect(judge(history.events)).toMatchObject({ lost: 0, duplicates: 1, passes: false });
});

it("counts repeats and what came late, each once, and passes neither", () => {
  expect(judge(run([1, 2, 3], { x: [1, 3, 2, 2] }).events)).toMatchObject({ duplicates: 1, reordered: 1, lost: 0 });
  expect(judge(run([1, 2, 3], { x: [1, 3, 2] }).events)).toMatchObject({ duplicates: 0, reordered: 1, passes: false });
});

it("passes what was refused only where the case says that it may be", () => {
  const history = run([1, 2], { x: [1, 2] });
  history.add({ kind: "refused", producer: "a", sequence: 3 });
  expect(judge(history.events)).toMatchObject({ refused: 1, lost: 0, passes: false });
  expect(judge(history.events, { mayRefuse: true }).passes).toBe(true);
});

it("passes a control that loses or doubles what it is known to, and no order that is broken", () => {
  const passes = (control: "lost" | "duplicates", seen: number[]) =>
    judge(run([1, 2, 3], { x: seen }).events, { control }).passes;
  expect([passes("lost", [1, 3]), passes("lost", [1, 2, 3]), passes("lost", [3, 1])]).toEqual([true, false, false]);
  expect([passes("duplicates", [1, 2, 2, 3]), passes("duplicates", [1, 2, 3])]).toEqual([true, false]);
});

it("takes counted drops for lost messages, and no more and no fewer of them", () => {
  const passes = (drops: number) => judge(run([1, 2, 3, 4], { x: [3, 4] }, drops).events).passes;
  expect([1, 2, 3].map(passes)).toEqual([false, true, false]);
});

it.each([
  ["a message that nobody sent", run([1], { x: [1, 9] })],
  ["a run in which nothing was acknowledged", run([], { x: [1] })],
  ["a run that nobody observed", run([1], {})],
])("does not pass %s", (_what, history) => {
  expect(judge(history.events).passes).toBe(false);
});

it("sums the rounds of a case, and names the one that failed", () => {
  const good = judge(run([1, 2], { x: [1, 2] }).events);
  const bad = judge(run([1, 2], { x: [1, 1] }).events);
  expect(sumVerdicts([good, bad])).toMatchObject({
    sent: 10,
    acknowledged: 4,
    lost: 1,
    duplicates: 1,
    wrong: ["round 2 failed"],
    passes: false,
  });
  expect(sumVerdicts([good])).toEqual(good);
});
