import { describe, expect, it } from "vitest";
import { applyMergePatch } from "./merge-patch.ts";
import { applyStrategicMergePatch } from "./strategic-merge.ts";

const pod = (containers: object[], rest: object = {}) => ({ spec: { containers, ...rest } });
const patchPod = (target: Record<string, unknown>, patch: Record<string, unknown>) =>
  applyStrategicMergePatch("V1Pod", target, patch);

describe("a strategic merge patch", () => {
  it("merges containers by name and adds new ones in front, as Kubernetes does", () => {
    const target = pod([
      { name: "a", image: "a:1" },
      { name: "b", image: "b:1" },
    ]);
    const result = patchPod(
      target,
      pod([
        { name: "c", image: "c:1" },
        { name: "b", image: "b:2" },
      ]),
    );
    expect(result).toEqual(
      pod([
        { name: "c", image: "c:1" },
        { name: "a", image: "a:1" },
        { name: "b", image: "b:2" },
      ]),
    );
  });

  it("does not change what it is applied to", () => {
    const target = pod([{ name: "a", env: [{ name: "X", value: "1" }] }]);
    const before = structuredClone(target);
    patchPod(target, pod([{ name: "a", env: [{ name: "Y", value: "2" }] }]));
    expect(target).toEqual(before);
  });

  it("merges env by name, ports by containerPort, mounts by mountPath, volumes by name", () => {
    const target = pod(
      [
        {
          name: "a",
          env: [{ name: "X", value: "1" }],
          ports: [{ containerPort: 80, name: "old" }],
          volumeMounts: [{ mountPath: "/d", name: "v" }],
        },
      ],
      { volumes: [{ name: "v", emptyDir: {} }] },
    );
    const patch = pod(
      [
        {
          name: "a",
          env: [{ name: "X", value: "2" }],
          ports: [{ containerPort: 80, name: "new" }],
          volumeMounts: [{ mountPath: "/d", readOnly: true }],
        },
      ],
      { volumes: [{ name: "w", emptyDir: {} }] },
    );
    const result = patchPod(target, patch) as ReturnType<typeof pod> & { spec: { volumes: { name: string }[] } };
    expect(result.spec.containers).toEqual([
      {
        name: "a",
        env: [{ name: "X", value: "2" }],
        ports: [{ containerPort: 80, name: "new" }],
        volumeMounts: [{ mountPath: "/d", name: "v", readOnly: true }],
      },
    ]);
    expect(result.spec.volumes.map(({ name }) => name).sort()).toEqual(["v", "w"]);
  });

  it("replaces lists without a merge key whole", () => {
    const target = pod([{ name: "a", command: ["x", "y"] }], { tolerations: [{ key: "a" }] });
    const result = patchPod(target, pod([{ name: "a", command: ["z"] }], { tolerations: [{ key: "b" }] }));
    expect(result).toEqual(pod([{ name: "a", command: ["z"] }], { tolerations: [{ key: "b" }] }));
  });

  it("deletes by null, by $patch: delete and by $deleteFromPrimitiveList", () => {
    const target = {
      metadata: { labels: { a: "1", b: "2" }, finalizers: ["x/a", "x/b"] },
      ...pod([{ name: "a" }, { name: "b" }]),
    };
    const patch = {
      metadata: { labels: { a: null }, "$deleteFromPrimitiveList/finalizers": ["x/a"] },
      ...pod([{ name: "b", $patch: "delete" }]),
    };
    expect(patchPod(target, patch)).toEqual({ metadata: { labels: { b: "2" }, finalizers: ["x/b"] }, ...pod([{ name: "a" }]) });
  });

  it("replaces a list or an object by $patch: replace", () => {
    const target = { metadata: { labels: { a: "1" } }, ...pod([{ name: "a" }]) };
    const patch = { metadata: { labels: { $patch: "replace", b: "2" } }, ...pod([{ name: "c" }, { $patch: "replace" }]) };
    expect(patchPod(target, patch)).toEqual({ metadata: { labels: { b: "2" } }, ...pod([{ name: "c" }]) });
  });

  it("replaces the selector of a disruption budget whole", () => {
    const budget = { spec: { minAvailable: 1, selector: { matchLabels: { app: "a" } } } };
    const patch = { spec: { selector: { matchExpressions: [{ key: "app", operator: "Exists" }] } } };
    expect(applyStrategicMergePatch("V1PodDisruptionBudget", budget, patch)).toEqual({
      spec: { minAvailable: 1, selector: { matchExpressions: [{ key: "app", operator: "Exists" }] } },
    });
  });

  it("keeps only the keys of $retainKeys", () => {
    const target = { spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } };
    const patch = { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } };
    expect(applyStrategicMergePatch("V1Deployment", target, patch)).toEqual({ spec: { strategy: { type: "Recreate" } } });
  });

  it("orders by $setElementOrder, with the server's own items kept in their places", () => {
    const target = pod([{ name: "a" }, { name: "server" }, { name: "b" }]);
    const patch = {
      spec: { "$setElementOrder/containers": [{ name: "b" }, { name: "a" }, { name: "c" }], containers: [{ name: "c" }] },
    };
    const result = patchPod(target, patch) as ReturnType<typeof pod>;
    expect(result.spec.containers).toEqual([{ name: "server" }, { name: "b" }, { name: "a" }, { name: "c" }]);
  });

  it("refuses a list item without its merge key, and an unknown directive", () => {
    expect(() => patchPod(pod([{ name: "a" }]), pod([{ image: "x" }]))).toThrow("does not contain declared merge key: name");
    expect(() => patchPod({}, { $patch: "explode" })).toThrow("Unknown patch type found: explode");
  });
});

describe("a merge patch", () => {
  it("follows the examples of RFC 7386", () => {
    expect(applyMergePatch({ a: "b" }, { a: "c" })).toEqual({ a: "c" });
    expect(applyMergePatch({ a: "b", b: "c" }, { a: null })).toEqual({ b: "c" });
    expect(applyMergePatch({ a: [{ b: "c" }] }, { a: [1] })).toEqual({ a: [1] });
    expect(applyMergePatch({ e: null }, { a: 1 })).toEqual({ e: null, a: 1 });
    expect(applyMergePatch([1, 2], { a: "b", c: null })).toEqual({ a: "b" });
    expect(applyMergePatch({}, { a: { bb: { ccc: null } } })).toEqual({ a: { bb: {} } });
  });

  it("cannot reach the prototype", () => {
    const patched = applyMergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}')) as Record<string, unknown>;
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(patched)).toBe(Object.prototype);
  });
});
