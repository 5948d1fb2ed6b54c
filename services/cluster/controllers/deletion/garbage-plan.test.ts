import { describe, expect, it } from "vitest";
import type { KubeObject, OwnerReference } from "../../api.ts";
import { pod, replicaSet } from "../test/objects.ts";
import { type OwnerState, planGarbage, stateOfOwner } from "./garbage-plan.ts";

const reference = (uid: string, blockOwnerDeletion = true): OwnerReference => ({
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  name: uid,
  uid,
  blockOwnerDeletion,
});
const owned = (...uids: string[]) => pod("a", { metadata: { ownerReferences: uids.map((uid) => reference(uid)) } });
const deleting = (...finalizers: string[]) =>
  replicaSet("set", {}, { metadata: { uid: "set", deletionTimestamp: "2026-01-01T00:00:00Z", finalizers } });

function plan(object: KubeObject, states: Record<string, OwnerState> = {}, dependents: KubeObject[] = []) {
  return planGarbage({ object, dependents, stateOf: ({ uid }) => states[uid] ?? "gone" });
}

describe("an object with owners", () => {
  it("stays while one of them is there", () => expect(plan(owned("a"), { a: "present" })).toEqual({ action: "nothing" }));
  it("goes when all of them are gone", () => expect(plan(owned("a", "b"))).toEqual({ action: "delete", policy: "Background" }));
  it("only loses its reference to the one that is gone", () => {
    expect(plan(owned("a", "b"), { a: "present" })).toEqual({ action: "release", ownerUids: new Set(["b"]) });
  });
  it("goes in the foreground when its owner waits and it has dependents itself", () => {
    expect(plan(owned("a"), { a: "waiting" }, [owned("b")])).toEqual({ action: "delete", policy: "Foreground" });
    expect(plan(owned("a"), { a: "waiting" })).toEqual({ action: "delete", policy: "Background" });
  });
  it("is let alone while it is being deleted", () => {
    expect(plan({ ...owned("a"), metadata: { ...owned("a").metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } })).toEqual({
      action: "nothing",
    });
  });
  it("without any is nobody's garbage", () => expect(plan(pod("a"))).toEqual({ action: "nothing" }));
});

describe("an owner that is deleted in the foreground", () => {
  it("waits for the dependents that block it", () => {
    const dependents = [pod("a", { metadata: { ownerReferences: [reference("set")] } })];
    expect(plan(deleting("foregroundDeletion"), {}, dependents)).toEqual({ action: "deleteDependents", dependents });
  });
  it("does not delete twice what is already being deleted", () => {
    const metadata = { ownerReferences: [reference("set")], deletionTimestamp: "2026-01-01T00:00:00Z" };
    expect(plan(deleting("foregroundDeletion"), {}, [pod("a", { metadata })])).toEqual({
      action: "deleteDependents",
      dependents: [],
    });
  });
  it("goes when none is left that blocks it", () => {
    const loose = pod("a", { metadata: { ownerReferences: [reference("set", false)] } });
    expect(plan(deleting("foregroundDeletion"), {}, [loose])).toEqual({
      action: "removeFinalizer",
      finalizer: "foregroundDeletion",
    });
  });
});

describe("an owner that orphans its dependents", () => {
  it("frees them, then goes", () => {
    const dependents = [pod("a", { metadata: { ownerReferences: [reference("set")] } })];
    expect(plan(deleting("orphan"), {}, dependents)).toEqual({ action: "orphanDependents", dependents });
    expect(plan(deleting("orphan"))).toEqual({ action: "removeFinalizer", finalizer: "orphan" });
  });
});

describe("an owner found by name", () => {
  it.each<[string, KubeObject | undefined, OwnerState]>([
    ["is gone when there is none", undefined, "gone"],
    ["is gone when another object has the name now", replicaSet("set", {}, { metadata: { uid: "other" } }), "gone"],
    ["is present otherwise", replicaSet("set", {}, { metadata: { uid: "set" } }), "present"],
    ["is present while it is deleted in the background", deleting("example.com/hold"), "present"],
    ["waits when it is deleted in the foreground", deleting("foregroundDeletion"), "waiting"],
  ])("%s", (_, found, state) => expect(stateOfOwner(reference("set"), found)).toBe(state));
});
