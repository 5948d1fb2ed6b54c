import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Prisma } from "#lib/database/generated/client.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { createTestDatabase } from "../../../e2e/postgres.ts";
import { testContext } from "../actions/test-fleet.ts";
import { getRolloutDetail } from "./detail.ts";
import { getRolloutPreflight, listRollouts } from "./queries.ts";
import type { PreflightRecord } from "./start/start-schemas.ts";
import { defaultStrategies, type StrategyKind } from "./strategy.ts";

let own: Awaited<ReturnType<typeof createTestDatabase>>;
const now = new Date("2026-11-21T12:00:00.000Z");

beforeAll(async () => {
  own = await createTestDatabase();
});
afterAll(() => own?.drop());
afterEach(() => own.database.rollout.deleteMany());

const viewer = () => {
  const noCluster = null as unknown as KubernetesClient;
  return testContext({ db: own.database, kubernetes: noCluster, clock: () => now }, { role: "viewer", name: "vic" });
};

async function add(service: string, strategy: StrategyKind | null, over: Partial<Prisma.RolloutUncheckedCreateInput> = {}) {
  const entry = { actorKind: "user", actorName: "olga", verb: "rollout", targetKind: "service", targetName: service } as const;
  const audit = await own.database.auditEntry.create({ data: { ...entry, outcome: "succeeded", requestId: "r" } });
  const { id } = await own.database.rollout.create({
    data: {
      auditEntryId: audit.id,
      namespace: "fleet",
      service,
      workloadUid: "u",
      change: "image",
      targetGeneration: 2,
      state: "progressing",
      message: "On its way.",
      startedAt: now,
      ...(strategy === null ? {} : { strategy: defaultStrategies[strategy] }),
      ...over,
    },
  });
  return id;
}

describe("the list of rollouts", () => {
  test("is filtered by strategy, and by having none", async () => {
    const canary = await add("relay", "canary");
    const blueGreen = await add("relay", "blue-green");
    const atOnce = await add("relay", null);
    const idsOf = async (strategy?: string) => (await listRollouts(viewer(), { strategy })).items.map(({ id }) => id);
    expect(await idsOf("canary")).toEqual([canary]);
    expect(await idsOf("blue-green")).toEqual([blueGreen]);
    expect(await idsOf("rolling")).toEqual([]);
    expect(await idsOf("none")).toEqual([atOnce]);
    expect((await idsOf()).toSorted()).toEqual([canary, blueGreen, atOnce].toSorted());
  });

  test("keeps its filters from page to page", async () => {
    const wanted: string[] = [];
    for (let minute = 0; minute < 3; minute += 1) {
      const startedAt = new Date(now.getTime() + minute * 60_000);
      wanted.unshift(await add("relay", "canary", { startedAt }));
      await add("relay", null, { startedAt });
      await add("hub", "canary", { startedAt });
      await add("relay", "canary", { startedAt, state: "complete" });
    }
    const filter = { strategy: "canary", state: "progressing", namespace: "fleet", service: "relay", limit: 2 };
    const first = await listRollouts(viewer(), filter);
    const second = await listRollouts(viewer(), { ...filter, cursor: first.nextCursor ?? "" });
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(wanted);
    expect([first.items.length, second.nextCursor]).toEqual([2, null]);
  });

  test("refuses a strategy that there is none of", async () => {
    await expect(listRollouts(viewer(), { strategy: "rainbow" })).rejects.toMatchObject({ code: "invalid-input" });
  });
});

describe("what was checked before a rollout", () => {
  test("is told as it was found", async () => {
    const preflight = {
      at: now.toISOString(),
      dryRun: { accepted: true, message: "The cluster accepts it." },
      checklist: [],
      blockers: [],
      ticks: [{ id: "tests", by: "olga", at: now.toISOString() }],
      override: null,
    } satisfies PreflightRecord;
    expect(await getRolloutPreflight(viewer(), await add("relay", "canary", { preflight }))).toEqual(preflight);
  });

  test("is nothing for a change that was written at once, and unknown for an id that there is none of", async () => {
    expect(await getRolloutPreflight(viewer(), await add("relay", null))).toBeNull();
    await expect(getRolloutPreflight(viewer(), randomUUID())).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("a rollout followed", () => {
  test("answers at once with another version than the one known", async () => {
    const id = await add("relay", "canary", { runVersion: 3 });
    expect(await getRolloutDetail(viewer(), id, { after: 2, waitSeconds: 30 })).toMatchObject({ id, version: 3 });
  });

  test("waits for the change after the version known", async () => {
    const id = await add("relay", "canary", { runVersion: 3 });
    const followed = getRolloutDetail(viewer(), id, { after: 3, waitSeconds: 30 });
    await own.database.rollout.update({ where: { id }, data: { runVersion: 4, message: "Further." } });
    expect(await followed).toMatchObject({ version: 4, message: "Further." });
  });

  test("answers with the same when the time is over, and waits no longer for whoever has gone", async () => {
    const id = await add("relay", "canary", { runVersion: 3 });
    let began = performance.now();
    expect(await getRolloutDetail(viewer(), id, { after: 3, waitSeconds: 1 })).toMatchObject({ version: 3 });
    expect(performance.now() - began).toBeGreaterThan(900);
    const gone = AbortSignal.abort();
    began = performance.now();
    await getRolloutDetail(viewer(), id, { after: 3, waitSeconds: 30 }, gone);
    expect(performance.now() - began).toBeLessThan(15_000);
  });

  test("tells what the checks afterwards found, and of other events that they are none", async () => {
    const id = await add("relay", "canary");
    const event = { rolloutId: id, at: now, by: "Switchyard" };
    await own.database.rolloutEvent.createMany({
      data: [
        { ...event, kind: "ended", message: "All 3 instances run the new version." },
        { ...event, kind: "check", message: "Alerts: RelayDown fires.", detail: { check: "alerts", state: "failed" } },
      ],
    });
    const { events } = await getRolloutDetail(viewer(), id, {});
    expect(events.map(({ kind, check }) => [kind, check])).toEqual(
      expect.arrayContaining([
        ["ended", null],
        ["check", "failed"],
      ]),
    );
  });
});
