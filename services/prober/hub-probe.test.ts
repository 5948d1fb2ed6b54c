import { expect, test } from "vitest";
import { findFalsehood, isSameScan } from "./hub-probe.ts";

const truth = {
  target: "hub",
  address: "127.11.0.9",
  connector: "c",
  startedAt: "2026-01-02T03:04:05Z",
  durationMs: 3,
  complete: true,
  open: [{ port: 8443, connectMs: 1 }],
  closed: "8440-8442,8444-8446",
  filtered: "",
  unknown: "",
};

test("a result that finds the hub's port open and accounts for every port is true", () => {
  expect(findFalsehood(truth, 8443, "8440-8446")).toBeUndefined();
});

test.each([
  ["misses the open port", { open: [], closed: "8440-8446" }, "is not among the open ones"],
  ["forgets a port", { closed: "8440-8442,8444-8445" }, "6 ports instead of 7"],
  ["could not look at a port", { closed: "8440-8442", unknown: "8444-8446" }, "8444-8446 are unknown"],
])("a result that %s is not", (_what, change, words) => {
  expect(findFalsehood({ ...truth, ...change }, 8443, "8440-8446")).toContain(words);
});

test("a result that is given again is that of the same scan; one of a second scan is not", () => {
  expect(isSameScan(truth, { ...truth })).toBe(true);
  expect(isSameScan(truth, { ...truth, startedAt: "2026-01-02T03:04:06Z" })).toBe(false);
  expect(isSameScan(truth, { ...truth, connector: "d" })).toBe(false);
});
