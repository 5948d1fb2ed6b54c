import { describe, expect, it } from "vitest";
import type { KubeObject } from "../api.ts";
import { applyPatch } from "./patch.ts";

const object = (): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "a", namespace: "default", uid: "u", resourceVersion: "1", creationTimestamp: "", labels: { app: "a" } },
  data: { k: "v" },
});
const apply = (patch: unknown) => applyPatch("application/json-patch+json", "V1ConfigMap", object(), patch);

describe("a JSON patch", () => {
  it("applies its operations in order, each to what the ones before it left", () => {
    const patch = [
      { op: "copy", from: "/metadata/labels", path: "/data" },
      { op: "add", path: "/data/n", value: "1" },
      { op: "test", path: "/data/app", value: "a" },
      { op: "move", from: "/data/n", path: "/data/m" },
    ];
    expect(apply(patch)).toMatchObject({ data: { app: "a", m: "1" } });
    expect(apply([{ op: "add", path: "/metadata/labels/b", value: "2" }])).toMatchObject({
      metadata: { labels: { app: "a", b: "2" } },
    });
  });

  it("may not double an object by copies without end", () => {
    const doubling = (_: unknown, index: number) => ({ op: "copy", from: "/data", path: `/data/again${index}` });
    expect(() => apply(Array.from({ length: 40 }, doubling))).toThrow("exceeding the limit 3145728");
  });

  it("is refused as 422 when an operation fails or tests something else, and leaves the object alone", () => {
    const before = object();
    for (const patch of [
      [{ op: "remove", path: "/spec/none/here" }],
      [{ op: "test", path: "/data/k", value: "w" }],
      [{ op: "x", path: "/data" }],
      [{ op: "copy", from: "/none/here", path: "/data" }],
      [{ op: "add", path: "/__proto__/polluted", value: 1 }],
      [null],
    ]) {
      expect(() => applyPatch("application/json-patch+json", "V1ConfigMap", before, patch)).toThrow();
    }
    expect(before).toEqual(object());
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });
});
