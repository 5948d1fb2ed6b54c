import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Database } from "#lib/database/client.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { type JsonPatch, paths, type Workload } from "#lib/kubernetes/objects.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { presentRevision } from "../fleet/template.ts";
import { performAction } from "./commands.ts";
import { previewAction } from "./preview.ts";
import { settleAbandoned } from "./settlement.ts";
import { readTarget, type Target } from "./target.ts";
import { serviceYaml, startTestWorld, type TestWorld, testContext } from "./test-fleet.ts";

let world: TestWorld;
let cluster: TestWorld["cluster"];
let kubernetes: KubernetesClient;
let db: Database;
let context: Context;

beforeAll(async () => {
  world = await startTestWorld();
  ({ cluster, kubernetes, db, context } = world);
});
afterAll(() => world?.stop());

const reason = "tried in a test";

async function deploy(options: Parameters<typeof serviceYaml>[1] = {}) {
  const name = `relay-${randomUUID().slice(0, 8)}`;
  await cluster.create(serviceYaml(name, options));
  const ref = { namespace: "fleet", name };
  const target = await until("the first ReplicaSet is there", async () => {
    const read = await readTarget(context, ref);
    return read.templateHash !== "" && read.workload.status?.observedGeneration === 1 ? read : undefined;
  });
  return { ref, target };
}

const read = (ref: { namespace: string; name: string }) =>
  kubernetes.get<Workload>(paths.workload("Deployment", ref.namespace, ref.name));
const patch = (ref: { namespace: string; name: string }, operations: JsonPatch) =>
  kubernetes.patch<Workload>(paths.workload("Deployment", ref.namespace, ref.name), operations);
const seenTemplate = ({ workload, templateHash }: Target) => ({ uid: workload.metadata.uid, templateHash });
const seenReplicas = ({ workload }: Target) => ({ uid: workload.metadata.uid, replicas: workload.spec.replicas ?? 1 });
const seenPaused = ({ workload }: Target) => ({ uid: workload.metadata.uid, paused: workload.spec.paused ?? false });

async function act(ref: unknown, verb: string, input: object, options: { key?: string; as?: Context } = {}) {
  return performAction(options.as ?? context, { verb, ref, body: { reason, ...input }, key: options.key ?? randomUUID() });
}

async function refusal(work: Promise<unknown>): Promise<DomainError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DomainError) return error;
  throw new Error("it was not refused", { cause: error });
}

async function settledRevision(ref: { namespace: string; name: string }, revision: number): Promise<Target> {
  return until(`revision ${revision} is current`, async () => {
    const target = await readTarget(context, ref);
    return presentRevision(target.workload, target.revisions) === revision && target.templateHash !== "" ? target : undefined;
  });
}

describe("scale", () => {
  test("is refused under an autoscaler, which would undo it, by the autoscaler's name and limits", async () => {
    const { ref, target } = await deploy();
    await cluster.create(`
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: ${ref.name}, namespace: fleet }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: ${ref.name} }
  minReplicas: 3
  maxReplicas: 20
  metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 70 } } }]
`);
    const error = await refusal(act(ref, "scale", { replicas: 5, seen: seenReplicas(target) }));
    expect(error.code).toBe("precondition-failed");
    expect(error.message).toContain(`The autoscaler ${ref.name} sets the number of instances (3 to 20)`);
    expect((await read(ref)).spec.replicas).toBe(3);
  });

  test("writes the number, the audit row and the rollout", async () => {
    const { ref, target } = await deploy();
    const result = await act(ref, "scale", { replicas: 5, seen: seenReplicas(target) });
    expect((await read(ref)).spec.replicas).toBe(5);
    const entry = await db.auditEntry.findUniqueOrThrow({ where: { id: result.auditId }, include: { rollout: true } });
    expect(entry).toMatchObject({ outcome: "succeeded", verb: "scale", actorName: "olga", reason, targetName: ref.name });
    expect(entry.before).toMatchObject({ replicas: 3 });
    expect(entry.after).toMatchObject({ intended: { replicas: 5 } });
    expect(entry.rollout).toMatchObject({
      id: result.rolloutId,
      change: "scale",
      fromReplicas: 3,
      toReplicas: 5,
      targetGeneration: 2,
    });
  });

  test("is refused as stale, with what changed, when the number is not the one that was seen", async () => {
    const { ref, target } = await deploy();
    await patch(ref, [{ op: "replace", path: "/spec/replicas", value: 4 }]);
    const error = await refusal(act(ref, "scale", { replicas: 5, seen: seenReplicas(target) }));
    expect(error.code).toBe("stale");
    expect(error.details.changed).toEqual([{ field: "replicas", seen: "3", now: "4" }]);
    expect((await read(ref)).spec.replicas).toBe(4);
    expect(await db.auditEntry.findFirst({ where: { targetName: ref.name } })).toMatchObject({
      outcome: "refused",
      errorCode: "stale",
    });
  });

  test("goes through although the object changes between read and write, while what was seen holds", async () => {
    const { ref, target } = await deploy();
    let disturbed = 0;
    const busy = wrap(kubernetes, async (path, isDryRun) => {
      if (isDryRun || disturbed >= 2 || !path.endsWith(ref.name)) return;
      disturbed += 1;
      await patch(ref, [{ op: "add", path: "/metadata/labels/noise", value: String(disturbed) }]);
    });
    const result = await act(ref, "scale", { replicas: 6, seen: seenReplicas(target) }, { as: { ...context, kubernetes: busy } });
    expect(result.outcome).toBe("succeeded");
    expect(disturbed).toBe(2);
    expect(await read(ref)).toMatchObject({ spec: { replicas: 6 }, metadata: { labels: { noise: "2" } } });
  });

  test("becomes stale when someone else scales between read and write", async () => {
    const { ref, target } = await deploy();
    let disturbed = false;
    const busy = wrap(kubernetes, async () => {
      if (disturbed) return;
      disturbed = true;
      await patch(ref, [{ op: "replace", path: "/spec/replicas", value: 9 }]);
    });
    const error = await refusal(
      act(ref, "scale", { replicas: 6, seen: seenReplicas(target) }, { as: { ...context, kubernetes: busy } }),
    );
    expect(error.code).toBe("stale");
    expect((await read(ref)).spec.replicas).toBe(9);
    expect(await db.auditEntry.findFirst({ where: { targetName: ref.name } })).toMatchObject({ outcome: "refused" });
  });
});

describe("image and rollback", () => {
  test("an image becomes a new revision, and the rollback restores template and annotations as another new one", async () => {
    const { ref, target } = await deploy();
    await patch(ref, [{ op: "add", path: "/metadata/annotations/kubernetes.io~1change-cause", value: "first" }]);
    await act(ref, "image", { container: "relay", image: "switchyard/relay:2.1.0", seen: seenTemplate(target) });
    const second = await settledRevision(ref, 2);
    expect(second.workload.spec.template.spec.containers.map(({ image }) => image)).toEqual([
      "switchyard/relay:2.1.0",
      "switchyard/sidecar:1.0.0",
    ]);
    const result = await act(ref, "rollback", { toRevision: 0, seen: seenTemplate(second) });
    expect(result.message).toBe(`${ref.name} is being rolled back to revision 1.`);
    const third = await settledRevision(ref, 3);
    expect(third.workload.spec.template).toEqual(target.workload.spec.template);
    expect(third.templateHash).toBe(target.templateHash);
    const rollout = await db.rollout.findUniqueOrThrow({ where: { id: result.rolloutId ?? "" } });
    expect(rollout).toMatchObject({ change: "rollback", fromRevision: 2, fromVersion: "2.1.0", toVersion: "2.0.0" });
    expect(await db.rollout.findFirst({ where: { service: ref.name, change: "image" } })).toMatchObject({ state: "superseded" });
  });

  test("a rollback to the present template is skipped and says so", async () => {
    const { ref, target } = await deploy();
    const result = await act(ref, "rollback", { toRevision: 1, seen: seenTemplate(target) });
    expect(result).toMatchObject({ rolloutId: null, message: expect.stringContaining("Nothing was changed") });
    expect((await read(ref)).metadata.generation).toBe(1);
  });

  test("a rollback is refused without history, to an unknown revision, and while paused", async () => {
    const { ref, target } = await deploy();
    const seen = seenTemplate(target);
    expect((await refusal(act(ref, "rollback", { toRevision: 0, seen }))).message).toContain("no earlier revision");
    expect((await refusal(act(ref, "rollback", { toRevision: 7, seen }))).message).toContain("no revision 7");
    await act(ref, "pause", { seen: seenPaused(target) });
    expect((await refusal(act(ref, "rollback", { toRevision: 1, seen }))).message).toContain("paused");
    expect((await refusal(act(ref, "restart", { seen }))).message).toContain("paused");
    expect((await refusal(act(ref, "pause", { seen: { ...seenPaused(target), paused: true } }))).message).toContain(
      "paused already",
    );
    await act(ref, "resume", { seen: { ...seenPaused(target), paused: true } });
    expect((await read(ref)).spec).not.toHaveProperty("paused", true);
  });

  test("an action on a template that was replaced meanwhile is stale and names both versions", async () => {
    const { ref, target } = await deploy();
    await patch(ref, [{ op: "replace", path: "/spec/template/spec/containers/0/image", value: "switchyard/relay:3.0.0" }]);
    await settledRevision(ref, 2);
    const error = await refusal(act(ref, "restart", { seen: seenTemplate(target) }));
    expect(error.details.changed).toEqual([{ field: "revision", seen: "1 (2.0.0)", now: "2 (3.0.0)" }]);
  });

  test("a restart marks the template as kubectl does", async () => {
    const { ref, target } = await deploy();
    await act(ref, "restart", { seen: seenTemplate(target) });
    const { metadata } = (await read(ref)).spec.template;
    expect(metadata?.annotations?.["kubectl.kubernetes.io/restartedAt"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });
});

describe("who and what may act", () => {
  test("a viewer is refused, and the refusal is audited", async () => {
    const { ref, target } = await deploy();
    const viewer = testContext({ db, kubernetes }, { role: "viewer", name: "vera" });
    const error = await refusal(act(ref, "scale", { replicas: 1, seen: seenReplicas(target) }, { as: viewer }));
    expect(error.code).toBe("not-permitted");
    const entry = await db.auditEntry.findFirstOrThrow({ where: { targetName: ref.name } });
    expect(entry).toMatchObject({ outcome: "refused", actorName: "vera", errorCode: "not-permitted" });
  });

  test("an action needs a reason and a key", async () => {
    const { ref, target } = await deploy();
    const noReason = await refusal(act(ref, "scale", { replicas: 1, seen: seenReplicas(target), reason: "" }));
    expect(noReason.details.fields).toHaveProperty("reason");
    const noKey = performAction(context, {
      verb: "scale",
      ref,
      body: { reason, replicas: 1, seen: seenReplicas(target) },
      key: undefined,
    });
    expect((await refusal(noKey)).code).toBe("invalid-input");
  });

  test("a preview tells what would change and writes neither to the cluster nor to the audit", async () => {
    const { ref, target } = await deploy();
    const body = { container: "relay", image: "switchyard/relay:2.1.0", seen: seenTemplate(target) };
    const preview = await previewAction(context, { verb: "image", ref, body });
    expect(preview.changes).toEqual([
      { field: "image of relay", before: "switchyard/relay:2.0.0", after: "switchyard/relay:2.1.0" },
    ]);
    expect(preview.template?.after).toContain("switchyard/relay:2.1.0");
    expect((await read(ref)).metadata.generation).toBe(1);
    expect(await db.auditEntry.count({ where: { targetName: ref.name } })).toBe(0);
  });
});

describe("a repeated request", () => {
  test("gets the first answer and acts once, also when both come at once", async () => {
    const { ref, target } = await deploy();
    const key = randomUUID();
    const input = { seen: seenTemplate(target) };
    const results = await Promise.allSettled([act(ref, "restart", input, { key }), act(ref, "restart", input, { key })]);
    const again = await act(ref, "restart", input, { key });
    for (const result of results) {
      if (result.status === "fulfilled") expect(result.value).toEqual(again);
      else expect(result.reason).toMatchObject({ code: "idempotency-conflict" });
    }
    expect(await db.auditEntry.count({ where: { targetName: ref.name } })).toBe(1);
    expect((await read(ref)).metadata.generation).toBe(2);
  });

  test("gets the first refusal again, even when it would pass now", async () => {
    const { ref, target } = await deploy();
    const key = randomUUID();
    const input = { replicas: 2, seen: { ...seenReplicas(target), replicas: 8 } };
    expect((await refusal(act(ref, "scale", input, { key }))).code).toBe("stale");
    await patch(ref, [{ op: "replace", path: "/spec/replicas", value: 8 }]);
    const second = await refusal(act(ref, "scale", input, { key }));
    expect(second).toMatchObject({ code: "stale", details: { changed: [{ field: "replicas", seen: "8", now: "3" }] } });
  });

  test("is a conflict when the key comes with another request", async () => {
    const { ref, target } = await deploy();
    const key = randomUUID();
    await act(ref, "scale", { replicas: 2, seen: seenReplicas(target) }, { key });
    const error = await refusal(act(ref, "scale", { replicas: 4, seen: seenReplicas(target) }, { key }));
    expect(error.code).toBe("idempotency-conflict");
    expect((await read(ref)).spec.replicas).toBe(2);
  });
});

describe("a process that dies between its row and its answer", () => {
  class Killed extends Error {}

  async function dieWhile(
    ref: Target["workload"]["metadata"] | { namespace: string; name: string },
    when: "before" | "after",
    input: object,
  ) {
    const dying = wrap(
      kubernetes,
      async () => {
        if (when === "before") throw new Killed();
      },
      async () => {
        if (when === "after") throw new Killed();
      },
    );
    const key = randomUUID();
    const died = act(ref, "scale", input, { key, as: { ...context, kubernetes: dying } });
    await expect(died).rejects.toBeInstanceOf(Killed);
    expect(await db.auditEntry.findFirst({ where: { idempotencyKey: key } })).toMatchObject({ outcome: "pending" });
    return key;
  }

  const later = () => testContext({ db, kubernetes, clock: () => new Date(Date.now() + 120_000) });

  test("after the write: the controller settles the row as done and its rollout is followed", async () => {
    const { ref, target } = await deploy();
    const key = await dieWhile(ref, "after", { replicas: 7, seen: seenReplicas(target) });
    expect(await settleAbandoned(context)).toBe(0);
    await settleAbandoned(later());
    const entry = await db.auditEntry.findFirstOrThrow({ where: { idempotencyKey: key }, include: { rollout: true } });
    expect(entry).toMatchObject({ outcome: "succeeded", rollout: { toReplicas: 7 } });
  });

  test("before the write: the row is settled as not done, and nothing was changed", async () => {
    const { ref, target } = await deploy();
    const key = await dieWhile(ref, "before", { replicas: 7, seen: seenReplicas(target) });
    await Promise.all([settleAbandoned(later()), settleAbandoned(later())]);
    const entry = await db.auditEntry.findFirstOrThrow({ where: { idempotencyKey: key } });
    expect(entry).toMatchObject({ outcome: "refused", errorMessage: expect.stringContaining("Nothing was changed") });
    expect((await read(ref)).spec.replicas).toBe(3);
  });

  test("a retry with the same key settles it, too", async () => {
    const { ref, target } = await deploy();
    const input = { replicas: 7, seen: seenReplicas(target) };
    const key = await dieWhile(ref, "after", input);
    expect((await refusal(act(ref, "scale", input, { key }))).code).toBe("idempotency-conflict");
    const result = await act(ref, "scale", input, { key, as: later() });
    expect(result.rolloutId).not.toBeNull();
    expect(await db.rollout.count({ where: { service: ref.name } })).toBe(1);
  });
});

/** The same client with something that happens right before or after each write. */
function wrap(
  client: KubernetesClient,
  before: (path: string, isDryRun: boolean) => Promise<void>,
  after: () => Promise<void> = async () => {},
): KubernetesClient {
  return new Proxy(client, {
    get(target, name) {
      if (name !== "patch") {
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      }
      return async (path: string, operations: JsonPatch, options?: { dryRun?: boolean }) => {
        await before(path, options?.dryRun ?? false);
        const result = await target.patch(path, operations, options);
        await after();
        return result;
      };
    },
  });
}
