import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Database } from "#lib/database/client.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type HorizontalPodAutoscaler, type JsonPatch, paths, type Workload } from "#lib/kubernetes/objects.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { settleAbandoned } from "../actions/settlement.ts";
import { serviceYaml, startTestWorld, type TestWorld, testContext } from "../actions/test-fleet.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { listLedger } from "../ledger/queries.ts";
import { changeLimits, previewLimits } from "./commands.ts";
import { changeAnnotation, restorePatch, revertAnnotation } from "./limits-patch.ts";
import { getAutoscaling } from "./queries.ts";
import { restoreDueLimits, restoreLimits } from "./restore.ts";

let world: TestWorld;
let kubernetes: KubernetesClient;
let db: Database;
let context: Context;

beforeAll(async () => {
  world = await startTestWorld();
  ({ kubernetes, db, context } = world);
});
afterAll(() => world?.stop());

const reason = "more people than usual";
const minute = 60_000;

type Ref = { namespace: string; name: string };

function autoscalerYaml(name: string): string {
  return `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: ${name}-hpa, namespace: fleet }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: ${name} }
  minReplicas: 3
  maxReplicas: 20
  metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 70 } } }]
`;
}

async function deploy() {
  const name = `relay-${randomUUID().slice(0, 8)}`;
  await world.cluster.create(`${serviceYaml(name, { replicas: 3 })}---${autoscalerYaml(name)}`);
  const ref: Ref = { namespace: "fleet", name };
  const { metadata } = await readAutoscaler(ref);
  return { ref, seen: { uid: metadata.uid, minReplicas: 3, maxReplicas: 20 } };
}

const path = ({ namespace, name }: Ref) => paths.autoscaler(namespace, `${name}-hpa`);
const readAutoscaler = (ref: Ref) => kubernetes.get<HorizontalPodAutoscaler>(path(ref));
const limits = async (ref: Ref) => {
  const { spec } = await readAutoscaler(ref);
  return [spec.minReplicas, spec.maxReplicas];
};
const replicas = async ({ namespace, name }: Ref) =>
  (await kubernetes.get<Workload>(paths.workload("Deployment", namespace, name))).spec.replicas;
const setLimit = (ref: Ref, field: "minReplicas" | "maxReplicas", value: number) =>
  kubernetes.patch(path(ref), [{ op: "replace", path: `/spec/${field}`, value }]);

const wanted = { minReplicas: 5, maxReplicas: 30, durationSeconds: 600, reason };
const change = (ref: Ref, seen: object, options: { key?: string; as?: Context; input?: object } = {}) =>
  changeLimits(options.as ?? context, {
    ref,
    body: { ...wanted, seen, ...options.input },
    key: options.key ?? randomUUID(),
  });
const rowsOf = (ref: Ref) => db.timedAutoscaling.findMany({ where: { service: ref.name } });
const auditOf = (ref: Ref) => db.auditEntry.findMany({ where: { targetName: ref.name }, orderBy: { at: "asc" } });

/** The same by a clock that is ahead. */
function later(ms: number, base: Context = context): Context {
  return { ...base, clock: () => new Date(Date.now() + ms) };
}

async function refusal(work: Promise<unknown>): Promise<DomainError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DomainError) return error;
  throw new Error("it was not refused", { cause: error });
}

/** A client whose patches do something else. */
function patchingWith(patch: (path: string, patch: JsonPatch, options?: { dryRun?: boolean }) => Promise<unknown>): Context {
  const client: KubernetesClient = Object.create(kubernetes, { patch: { value: patch } });
  for (const method of ["get", "list"] as const) Object.assign(client, { [method]: kubernetes[method].bind(kubernetes) });
  return { ...context, kubernetes: client };
}

describe("a timed change of an autoscaler's limits", () => {
  test("is followed by the autoscaler, audited, shown, and put back once by two controllers when its time is over", async () => {
    const { ref, seen } = await deploy();
    const answer = await change(ref, seen);
    expect(answer).toMatchObject({ outcome: "succeeded", rolloutId: null });
    expect(answer.message).toMatch(/^The autoscaler relay-\w+-hpa has the limits 5 to 30 until .*Z, then 3 to 20 again\.$/);
    expect(await limits(ref)).toEqual([5, 30]);
    const [row] = await rowsOf(ref);
    expect((await readAutoscaler(ref)).metadata.annotations).toEqual({
      [changeAnnotation]: row?.id,
      [revertAnnotation]: row?.revertAt.toISOString(),
    });
    await until("the autoscaler has followed", async () => (await replicas(ref)) === 5);

    const view = await until("the autoscaler has told", async () => {
      const now = await getAutoscaling(context, ref);
      return now.autoscaler?.movement ? now : null;
    });
    expect(view).toMatchObject({
      autoscaler: { name: `${ref.name}-hpa`, minReplicas: 5, maxReplicas: 30, desiredReplicas: 5 },
      timed: { before: { min: 3, max: 20 }, to: { min: 5, max: 30 }, actor: "olga", reason, endedAt: null },
      foreign: null,
      past: [],
    });

    await restoreDueLimits(later(9 * minute));
    expect(await limits(ref)).toEqual([5, 30]);

    await Promise.all([restoreDueLimits(later(10 * minute)), restoreDueLimits(later(10 * minute))]);
    expect(await limits(ref)).toEqual([3, 20]);
    expect((await readAutoscaler(ref)).metadata.annotations ?? {}).toEqual({});
    expect(await getAutoscaling(context, ref)).toMatchObject({
      timed: null,
      past: [{ outcome: "The limits are 3 to 20 again.", endedAt: expect.any(String) }],
    });
    expect(await auditOf(ref)).toMatchObject([
      { verb: "change-limits", actorName: "olga", reason, outcome: "succeeded", before: { min: 3, max: 20 } },
      { verb: "restore-limits", actorKind: "system", outcome: "succeeded", before: { min: 5, max: 30 } },
    ]);
    const span = { from: Math.floor(Date.now() / 1000) - 600, to: Math.floor(Date.now() / 1000) + 3600 };
    const { marks } = await listLedger(context, ref, span);
    expect(marks.map(({ title }) => title)).toEqual(["autoscaler 3 to 20 → 5 to 30", "autoscaler 5 to 30 → 3 to 20"]);
  });

  test("is told as it was also by a controller that finds the limits put back by another one, which has not said so yet", async () => {
    const { ref, seen } = await deploy();
    await change(ref, seen);
    // Its controller writes its status meanwhile.
    await until("the other one has written them", async () =>
      kubernetes.patch(path(ref), restorePatch(await readAutoscaler(ref), { min: 3, max: 20 })),
    );
    await restoreDueLimits(later(10 * minute));
    expect(await auditOf(ref)).toMatchObject([{ verb: "change-limits" }, { before: { min: 5, max: 30 } }]);
  });

  test("ends before its time when a person puts the limits back, with the reason", async () => {
    const { ref, seen } = await deploy();
    await change(ref, seen);
    const key = randomUUID();
    const body = { reason: "the crowd has left" };
    const first = await restoreLimits(context, { ref, body, key });
    expect(first.message).toBe("The limits are 3 to 20 again.");
    expect(await limits(ref)).toEqual([3, 20]);
    expect(await restoreLimits(context, { ref, body, key })).toEqual(first);
    const error = await refusal(restoreLimits(context, { ref, body, key: randomUUID() }));
    expect(error).toMatchObject({ code: "precondition-failed", message: `No change of limits holds for ${ref.name}.` });
    await restoreDueLimits(later(10 * minute));
    expect((await auditOf(ref)).map(({ verb, outcome, reason: why }) => [verb, outcome, why])).toEqual([
      ["change-limits", "succeeded", reason],
      ["restore-limits", "succeeded", body.reason],
      ["restore-limits", "refused", body.reason],
    ]);
  });

  test("leaves what somebody else has set in the meantime, and says so before and after", async () => {
    const { ref, seen } = await deploy();
    await change(ref, seen);
    await setLimit(ref, "maxReplicas", 25);
    expect((await getAutoscaling(context, ref)).foreign).toBe(
      "Somebody else has set the limits to 5 to 25 since; this change had set 5 to 30.",
    );
    await restoreDueLimits(later(10 * minute));
    expect(await limits(ref)).toEqual([3, 25]);
    expect(await rowsOf(ref)).toMatchObject([
      { outcome: "Somebody else has set maxReplicas to 25 meanwhile, which stays: the limits are 3 to 25 now." },
    ]);
  });

  test("ends with nothing to put back when its autoscaler was made anew", async () => {
    const { ref, seen } = await deploy();
    await change(ref, seen);
    // Its controller writes its status meanwhile.
    await until("it is removed", async () => {
      const { metadata } = await readAutoscaler(ref);
      return kubernetes.remove(path(ref), metadata).then(
        () => true,
        () => undefined,
      );
    });
    await world.cluster.create(autoscalerYaml(ref.name));
    await setLimit(ref, "minReplicas", 5);
    await restoreDueLimits(later(10 * minute));
    expect(await limits(ref)).toEqual([5, 20]);
    expect((await rowsOf(ref))[0]).toMatchObject({ activeKey: null, outcome: expect.stringContaining("made anew") });
  });

  test("waits for its end while the cluster cannot be asked, and ends when it can again", async () => {
    const { ref, seen } = await deploy();
    await change(ref, seen);
    const deaf = patchingWith(() => Promise.reject(new KubernetesError(0, "", "nothing listens at its address.")));
    await restoreDueLimits(later(10 * minute, deaf));
    expect((await rowsOf(ref))[0]).toMatchObject({ endedAt: null });
    await restoreDueLimits(later(10 * minute));
    expect(await limits(ref)).toEqual([3, 20]);
  });
});

describe("a change of limits is refused and audited", () => {
  test("for a viewer", async () => {
    const { ref, seen } = await deploy();
    const viewer = testContext({ db, kubernetes }, { role: "viewer", name: "vera" });
    expect(await refusal(change(ref, seen, { as: viewer }))).toMatchObject({ code: "not-permitted" });
    expect(await refusal(restoreLimits(viewer, { ref, body: { reason }, key: randomUUID() }))).toMatchObject({
      code: "not-permitted",
    });
    expect(await auditOf(ref)).toMatchObject([
      { verb: "change-limits", actorName: "vera", outcome: "refused" },
      { verb: "restore-limits", actorName: "vera", outcome: "refused" },
    ]);
    expect(await limits(ref)).toEqual([3, 20]);
  });

  test("without an autoscaler", async () => {
    const name = `relay-${randomUUID().slice(0, 8)}`;
    await world.cluster.create(serviceYaml(name));
    const ref = { namespace: "fleet", name };
    const error = await refusal(change(ref, { uid: "none", minReplicas: 3, maxReplicas: 20 }));
    expect(error.message).toBe(`No autoscaler sets the number of instances of ${name}: scale it instead.`);
    expect(await getAutoscaling(context, ref)).toEqual({ autoscaler: null, timed: null, foreign: null, past: [] });
  });

  test("as stale, with what has changed since the person looked", async () => {
    const { ref, seen } = await deploy();
    await setLimit(ref, "maxReplicas", 25);
    const error = await refusal(change(ref, seen));
    expect(error).toMatchObject({ code: "stale", details: { changed: [{ field: "maxReplicas", seen: "20", now: "25" }] } });
    expect(await auditOf(ref)).toMatchObject([{ outcome: "refused", errorCode: "stale" }]);
    expect(await rowsOf(ref)).toEqual([]);
  });

  test("as stale when somebody else sets them between read and write, and the way is free again", async () => {
    const { ref, seen } = await deploy();
    let isFirst = true;
    const late = patchingWith(async (...call) => {
      if (isFirst) await setLimit(ref, "minReplicas", 4);
      isFirst = false;
      return kubernetes.patch(...call);
    });
    expect(await refusal(change(ref, seen, { as: late }))).toMatchObject({ code: "stale" });
    expect(await limits(ref)).toEqual([4, 20]);
    expect(await rowsOf(ref)).toMatchObject([{ activeKey: null, outcome: expect.stringMatching(/^It was not written: /) }]);
    await change(ref, { ...seen, minReplicas: 4 });
    expect(await limits(ref)).toEqual([5, 30]);
  });

  test("while another one holds, by the name of who made it", async () => {
    const { ref, seen } = await deploy();
    await change(ref, seen);
    const error = await refusal(change(ref, { ...seen, minReplicas: 5, maxReplicas: 30 }, { input: { minReplicas: 8 } }));
    expect(error.message).toMatch(/^olga has changed the limits of relay-\w+-hpa already, until .*\. Put them back first\.$/);
    expect(await limits(ref)).toEqual([5, 30]);
  });

  test("when the most is less than the least, or the limits are as wanted", async () => {
    const { ref, seen } = await deploy();
    expect(await refusal(change(ref, seen, { input: { minReplicas: 9, maxReplicas: 8 } }))).toMatchObject({
      code: "invalid-input",
      details: { fields: { maxReplicas: ["The most must not be less than the least."] } },
    });
    const same = await refusal(change(ref, seen, { input: { minReplicas: 3, maxReplicas: 20 } }));
    expect(same.message).toBe("The limits are 3 to 20 already.");
  });
});

describe("a repeated request", () => {
  test("with the same key gets the first answer, also when both come at once", async () => {
    const { ref, seen } = await deploy();
    const key = randomUUID();
    const both = await Promise.allSettled([change(ref, seen, { key }), change(ref, seen, { key })]);
    const answers = both.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    expect(answers.length).toBeGreaterThan(0);
    const again = await change(ref, seen, { key });
    for (const answer of answers) expect(answer).toEqual(again);
    expect(await rowsOf(ref)).toHaveLength(1);
    const other = await refusal(change(ref, seen, { key, input: { minReplicas: 6 } }));
    expect(other.code).toBe("idempotency-conflict");
  });

  test("goes through although the autoscaler's own status changes between read and write", async () => {
    const { ref, seen } = await deploy();
    let disturbed = 0;
    const busy = patchingWith(async (...call) => {
      if (disturbed < 2)
        await kubernetes.patch(path(ref), [{ op: "add", path: "/metadata/labels", value: { noise: String(disturbed) } }]);
      disturbed += 1;
      return kubernetes.patch(...call);
    });
    await change(ref, seen, { as: busy });
    expect(disturbed).toBe(3);
    expect(await limits(ref)).toEqual([5, 30]);
  });
});

describe("a process that dies", () => {
  const died = new Error("the process died");

  test("before it writes leaves nothing to put back, and the audit says so after a minute", async () => {
    const { ref, seen } = await deploy();
    const key = randomUUID();
    await expect(change(ref, seen, { key, as: patchingWith(() => Promise.reject(died)) })).rejects.toThrow("died");
    expect(await refusal(change(ref, seen, { key }))).toMatchObject({ code: "idempotency-conflict" });
    await restoreDueLimits(later(minute - 5_000));
    expect(await auditOf(ref)).toMatchObject([{ outcome: "pending" }]);
    await settleAbandoned(later(2 * minute));
    expect(await auditOf(ref)).toMatchObject([{ outcome: "pending" }]);
    await Promise.all([restoreDueLimits(later(2 * minute)), restoreDueLimits(later(2 * minute))]);
    expect(await auditOf(ref)).toMatchObject([{ outcome: "refused" }]);
    expect((await refusal(change(ref, seen, { key }))).message).toBe(
      "Switchyard stopped before the limits were written. Nothing was changed.",
    );
    expect(await limits(ref)).toEqual([3, 20]);
    await change(ref, seen);
    expect(await limits(ref)).toEqual([5, 30]);
  });

  test("is settled although another one's autoscaler cannot be asked for", async () => {
    const [stuck, free] = [await deploy(), await deploy()];
    for (const { ref, seen } of [stuck, free]) {
      await expect(change(ref, seen, { as: patchingWith(() => Promise.reject(died)) })).rejects.toThrow("died");
    }
    const due = await deploy();
    await change(due.ref, due.seen);
    const asking = patchingWith((...call) => kubernetes.patch(...call));
    const get = (asked: string) =>
      asked === path(stuck.ref) ? Promise.reject(new KubernetesError(403, "Forbidden", "not this one.")) : kubernetes.get(asked);
    Object.assign(asking.kubernetes, { get });
    await restoreDueLimits(later(10 * minute, asking));
    expect(await auditOf(stuck.ref)).toMatchObject([{ outcome: "pending" }]);
    expect(await auditOf(free.ref)).toMatchObject([{ outcome: "refused" }]);
    expect(await limits(due.ref)).toEqual([3, 20]);
    await restoreDueLimits(later(10 * minute));
    expect(await auditOf(stuck.ref)).toMatchObject([{ outcome: "refused" }]);
  });

  test("after it wrote is found by the evidence on the autoscaler, and the limits go back in time", async () => {
    const { ref, seen } = await deploy();
    const key = randomUUID();
    const dies = patchingWith(async (...call) => {
      await kubernetes.patch(...call);
      throw died;
    });
    await expect(change(ref, seen, { key, as: dies })).rejects.toThrow("died");
    expect(await limits(ref)).toEqual([5, 30]);
    await restoreDueLimits(later(2 * minute));
    expect(await change(ref, seen, { key })).toMatchObject({ outcome: "succeeded" });
    await restoreDueLimits(later(10 * minute));
    expect(await limits(ref)).toEqual([3, 20]);
  });

  test("after it put the limits back and before it said so leaves one entry in the audit", async () => {
    const { ref, seen } = await deploy();
    await change(ref, seen);
    const dies = patchingWith(async (...call) => {
      await kubernetes.patch(...call);
      throw died;
    });
    await restoreDueLimits(later(10 * minute, dies));
    expect((await rowsOf(ref))[0]).toMatchObject({ endedAt: null });
    expect(await limits(ref)).toEqual([3, 20]);
    await restoreDueLimits(later(10 * minute));
    expect((await auditOf(ref)).map(({ verb }) => verb)).toEqual(["change-limits", "restore-limits"]);
  });

  test("in the cluster's place: an answer that did not come is settled by what the cluster shows", async () => {
    const { ref, seen } = await deploy();
    const cut = patchingWith(async (...call) => {
      await kubernetes.patch(...call);
      throw new KubernetesError(0, "", "the connection was cut.");
    });
    const error = await refusal(change(ref, seen, { as: cut }));
    expect(error).toMatchObject({ code: "kubernetes-unavailable", message: expect.stringContaining("not known yet") });
    await restoreDueLimits(later(2 * minute));
    expect(await auditOf(ref)).toMatchObject([{ outcome: "succeeded" }]);
  });
});

test("a preview comes from a dry run, with the most instances against the room on the nodes, and writes nothing", async () => {
  const { ref, seen } = await deploy();
  const { durationSeconds, minReplicas, maxReplicas } = wanted;
  const preview = await previewLimits(context, ref, { durationSeconds, minReplicas, maxReplicas, seen });
  expect(preview).toMatchObject({
    changes: [
      { field: "minReplicas", before: "3", after: "5" },
      { field: "maxReplicas", before: "20", after: "30" },
    ],
    forecast: { now: 0, peak: 30, room: 0, short: 30 },
  });
  expect(await limits(ref)).toEqual([3, 20]);
  expect(await auditOf(ref)).toEqual([]);
});
