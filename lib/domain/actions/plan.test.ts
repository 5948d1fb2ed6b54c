import { describe, expect, test } from "vitest";
import { controllerRevision, deployment, replicaSet, statefulSet } from "../fleet/test-objects.ts";
import { isInPlace, planAction, takeSnapshot, type WorkloadAction } from "./plan.ts";
import { findChanges } from "./preconditions.ts";
import { rollbackPatch } from "./rollback.ts";
import { judgeWorld } from "./settlement.ts";
import type { Target } from "./target.ts";

const now = new Date("2026-11-01T12:00:00.123Z");
const reason = "because";
const seen = { uid: "deployment-relay", templateHash: "hash1" };

function target(of = deployment(), sets = [replicaSet(of)]): Target {
  return { workload: of, revisions: sets, templateHash: "hash1" };
}
const rollback = (toRevision: number): WorkloadAction => ({ verb: "rollback", input: { toRevision, reason, seen } });

describe("a rollback", () => {
  const of = deployment({ image: "switchyard/relay:3.0.0" });
  of.metadata.annotations = {
    "deployment.kubernetes.io/revision": "3",
    "kubectl.kubernetes.io/last-applied-configuration": "{}",
    "kubernetes.io/change-cause": "to 3",
    "example.com/only-now": "yes",
  };
  const sets = [3, 1, 2].map((revision) =>
    replicaSet(of, {
      revision,
      image: `switchyard/relay:${revision}.0.0`,
      annotations: {
        "kubernetes.io/change-cause": `to ${revision}`,
        "deployment.kubernetes.io/desired-replicas": "9",
        "deployment.kubernetes.io/revision-history": "1",
      },
    }),
  );

  test("to revision 0 goes to the second highest revision, in whatever order they come", () => {
    expect(planAction(rollback(0), target(of, sets), now).intended).toMatchObject({ toRevision: 2, version: "2.0.0" });
  });

  test("replaces the template without its hash, and all annotations but kubectl's six", () => {
    const patch = rollbackPatch(of, sets[1] ?? replicaSet(of));
    expect(patch.map(({ op, path }) => `${op} ${path}`)).toEqual(["replace /spec/template", "replace /metadata/annotations"]);
    const [template, annotations] = patch.map((operation) => ("value" in operation ? operation.value : null));
    expect(template).toEqual({
      metadata: { labels: { app: "relay" } },
      spec: { containers: [{ name: "relay", image: "switchyard/relay:1.0.0" }] },
    });
    expect(annotations).toEqual({
      "deployment.kubernetes.io/revision": "3",
      "kubectl.kubernetes.io/last-applied-configuration": "{}",
      "kubernetes.io/change-cause": "to 1",
    });
  });

  test("to the present template has nothing to do", () => {
    expect(planAction(rollback(3), target(of, sets), now).nothingToDo).toContain("revision 3");
  });
});

describe("the patch", () => {
  const patchOf = (action: WorkloadAction, of = deployment()) => planAction(action, target(of), now).patch;

  test("of a restart keeps other annotations of the template, and makes the map where there is none", () => {
    const action: WorkloadAction = { verb: "restart", input: { reason, seen } };
    const at = "2026-11-01T12:00:00Z";
    expect(patchOf(action)).toEqual([
      { op: "add", path: "/spec/template/metadata/annotations", value: { "kubectl.kubernetes.io/restartedAt": at } },
    ]);
    const of = deployment();
    of.spec.template.metadata = { annotations: { other: "stays" } };
    const path = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt";
    expect(patchOf(action, of)).toEqual([{ op: "add", path, value: at }]);
  });

  test("of an image names the container's place, also among the first containers", () => {
    const of = deployment();
    of.spec.template.spec.containers.push({ name: "sidecar", image: "a:1" });
    of.spec.template.spec.initContainers = [{ name: "migrate", image: "m:1" }];
    const action = (container: string): WorkloadAction => ({ verb: "image", input: { container, image: "b:2", reason, seen } });
    expect(patchOf(action("sidecar"), of)).toEqual([{ op: "add", path: "/spec/template/spec/containers/1/image", value: "b:2" }]);
    expect(patchOf(action("migrate"), of)).toEqual([
      { op: "add", path: "/spec/template/spec/initContainers/0/image", value: "b:2" },
    ]);
    expect(() => patchOf(action("absent"), of)).toThrow("no container absent");
  });

  test("of a pause and of a resume is refused when there is nothing to pause or resume", () => {
    const input = { reason, seen: { uid: "deployment-relay", paused: false } };
    expect(patchOf({ verb: "pause", input })).toEqual([{ op: "add", path: "/spec/paused", value: true }]);
    expect(() => patchOf({ verb: "resume", input })).toThrow("not paused");
    expect(patchOf({ verb: "resume", input }, deployment({ paused: true }))).toEqual([{ op: "remove", path: "/spec/paused" }]);
    expect(() => patchOf({ verb: "pause", input }, deployment({ paused: true }))).toThrow("paused already");
  });
});

test("what was seen is compared with what is, and another workload of the same name differs in all", () => {
  expect(findChanges(seen, target())).toEqual([]);
  expect(findChanges({ ...seen, uid: "another" }, target())).toEqual([expect.objectContaining({ field: "workload" })]);
  expect(findChanges({ ...seen, templateHash: "gone" }, target())).toEqual([
    { field: "revision", seen: "a template that is gone (gone)", now: "1 (2.0.0)" },
  ]);
});

describe("an action whose process died", () => {
  const before = deployment();
  const entry = {
    targetUid: before.metadata.uid,
    verb: "image",
    before: takeSnapshot(before, []),
    after: { intended: { images: { relay: "switchyard/relay:2.1.0" }, version: "2.1.0" }, message: "", generation: null },
  };

  test("was not written when the generation is the same", () => {
    expect(judgeWorld(entry, before)).toMatchObject({
      kind: "ended",
      error: { message: expect.stringContaining("Nothing was changed") },
    });
    expect(judgeWorld({ ...entry, verb: "fail-over" }, before)).toMatchObject({
      error: { message: expect.stringMatching(/replica may be the primary already/) },
    });
  });

  test("was written when the generation is higher and the values are there", () => {
    expect(judgeWorld(entry, deployment({ image: "switchyard/relay:2.1.0", generation: 2 }))).toMatchObject({
      kind: "done",
      generation: 2,
    });
  });

  test("cannot be told when others changed the service since, or it is gone", () => {
    expect(judgeWorld(entry, deployment({ image: "switchyard/relay:9.0.0", generation: 3 }))).toMatchObject({ kind: "ended" });
    expect(judgeWorld(entry, null)).toMatchObject({ kind: "ended" });
  });
});

test("a StatefulSet's rollback replaces its template and nothing else, and it cannot be paused", () => {
  const of = statefulSet({ image: "redis:7.2" });
  const revisions = [controllerRevision(of, { revision: 1, image: "redis:7.0" }), controllerRevision(of, { revision: 2 })];
  const target: Target = { workload: of, revisions, templateHash: "redis-hash2" };
  const back = planAction({ verb: "rollback", input: { toRevision: 0, reason, seen } }, target, now);
  expect(back.patch).toEqual([{ op: "replace", path: "/spec/template", value: revisions[0]?.template }]);
  expect(back.intended).toMatchObject({ toRevision: 1, version: "7.0" });
  const pause = { verb: "pause", input: { reason, seen: { uid: of.metadata.uid, paused: false } } } as const;
  expect(() => planAction(pause, target, now)).toThrow("redis is a StatefulSet: Kubernetes pauses Deployments only.");
});

test("an intended value counts as in place only when all of it is", () => {
  const snapshot = takeSnapshot(deployment({ replicas: 5 }), []);
  expect(isInPlace({ replicas: 5 }, snapshot)).toBe(true);
  expect(isInPlace({ replicas: 5, paused: true }, snapshot)).toBe(false);
  expect(isInPlace({ images: { relay: "switchyard/relay:2.0.0", other: "x:1" } }, snapshot)).toBe(false);
});
