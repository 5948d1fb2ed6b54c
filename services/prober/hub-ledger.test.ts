import { beforeEach, expect, test } from "vitest";
import { HubLedger, type Stored } from "./hub-ledger.ts";

let ledger: HubLedger;
beforeEach(() => {
  ledger = new HubLedger(1_000);
});

/** Readings in the order in which they were stored; one that comes again has another place. */
const store = (...numbers: number[]): Stored[] =>
  numbers
    .map((value, index) => ({ stream: "s", sequence: numbers.indexOf(value) === index ? value : 100 + index, value }))
    .toReversed();

const acknowledge = (...numbers: number[]) => {
  for (const number of numbers) ledger.acknowledged(number, 0);
};

test("what is stored as it was acknowledged is delivered, each once, however often the store is read", () => {
  acknowledge(1, 2);
  ledger.stored(store(1), true, 5);
  ledger.stored(store(1, 2), true, 9);
  ledger.stored(store(1, 2), true, 12);
  expect(ledger.takeFindings()).toEqual({ latenciesMs: [5, 9], late: 0, lost: 0, duplicated: 0, reordered: 0 });
  expect(ledger.takeFindings().latenciesMs).toEqual([]);
});

test("what is seen before its acknowledgement is delivered, and what is never acknowledged is no loss", () => {
  ledger.stored(store(1, 3), true, 5);
  acknowledge(1);
  expect(ledger.takeFindings()).toEqual({ latenciesMs: [5], late: 0, lost: 0, duplicated: 0, reordered: 0 });
});

test("what is not there though a later one is, is lost, once", () => {
  acknowledge(1, 2, 3);
  ledger.stored(store(1, 3), true, 5);
  ledger.stored(store(1, 3), true, 6);
  expect(ledger.takeFindings()).toMatchObject({ lost: 1, late: 0 });
});

test("what the part of the store that was read does not reach back to is not lost", () => {
  acknowledge(1, 2, 3);
  ledger.stored(store(3), false, 5);
  expect(ledger.takeFindings().lost).toBe(0);
  ledger.stored(store(2, 3), false, 6);
  expect(ledger.takeFindings().lost).toBe(0);
  ledger.stored(store(2, 3), true, 7);
  expect(ledger.takeFindings().lost).toBe(1);
});

test("what waits behind an outage is late, once, and no loss when it comes", () => {
  acknowledge(1);
  for (const now of [1_001, 1_002]) ledger.stored([], true, now);
  ledger.stored(store(1), true, 2_000);
  expect(ledger.takeFindings()).toEqual({ latenciesMs: [], late: 1, lost: 0, duplicated: 0, reordered: 0 });
});

test("what is stored twice is doubled, what is stored after a later one is reordered", () => {
  acknowledge(1, 2, 3);
  ledger.stored(store(1, 3, 2, 1), true, 5);
  expect(ledger.takeFindings()).toMatchObject({ lost: 0, duplicated: 1, reordered: 1 });
});

test("values of somebody else change nothing", () => {
  acknowledge(1);
  ledger.stored([{ stream: "s", sequence: 1, value: "else" }], true, 5);
  expect(ledger.takeFindings()).toEqual({ latenciesMs: [], late: 0, lost: 0, duplicated: 0, reordered: 0 });
});
