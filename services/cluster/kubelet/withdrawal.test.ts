import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { EndpointSlice } from "./hosts.ts";
import type { Pod } from "./pod.ts";
import { Withdrawal } from "./withdrawal.ts";

let slices: EndpointSlice[];
let released: string[];
let withdrawal: Withdrawal;
beforeEach(() => {
  vi.useFakeTimers();
  slices = [];
  released = [];
  withdrawal = new Withdrawal({ slices: () => slices });
});
afterEach(() => vi.useRealTimers());

const pod = (name: string) => ({ metadata: { name, namespace: "fleet", uid: name } }) as Pod;
const offering = (name: string, conditions = {}): EndpointSlice => ({
  metadata: { name: `slice-${name}`, namespace: "fleet", uid: "1", resourceVersion: "1" },
  endpoints: [{ addresses: ["127.10.10.2"], conditions, targetRef: { kind: "Pod", name } }],
});
const hold = (name: string) => withdrawal.hold(pod(name), () => released.push(name));

it("lets a pod end at once that no slice offers, or only as not ready or terminating", () => {
  slices = [offering("unready", { ready: false }), offering("published", { ready: true, terminating: true }), offering("other")];
  for (const name of ["alone", "unready", "published"]) hold(name);
  expect(released).toEqual(["alone", "unready", "published"]);
});

it("holds a pod until the last slice has let it go and others had time to see that", () => {
  slices = [offering("a", { ready: true }), offering("a")];
  hold("a");
  hold("a");
  slices = slices.slice(1);
  withdrawal.look();
  vi.advanceTimersByTime(500);
  expect(released).toEqual([]);
  slices = [];
  withdrawal.look();
  vi.advanceTimersByTime(99);
  expect(released).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(released).toEqual(["a"]);
});

it("does not hold a pod longer because slices of others go on changing", () => {
  slices = [offering("a")];
  hold("a");
  slices = [];
  for (let count = 0; count < 20; count += 1) {
    withdrawal.look();
    vi.advanceTimersByTime(50);
  }
  expect(released).toEqual(["a"]);
});

it("lets a pod end after a second, whatever the slices say", () => {
  slices = [offering("a")];
  hold("a");
  vi.advanceTimersByTime(999);
  expect(released).toEqual([]);
  vi.advanceTimersByTime(1);
  withdrawal.look();
  vi.advanceTimersByTime(5_000);
  expect(released).toEqual(["a"]);
});
