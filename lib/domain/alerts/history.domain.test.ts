import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "#lib/database/client.ts";
import { createTestDatabase } from "../../../e2e/postgres.ts";
import { listHistory } from "./history.ts";
import { summariseHistory } from "./history-summary.ts";
import { listAlertFacets, listAlertSpans } from "./queries.ts";
import { alertContext, clearAlerts, makeEpisode, makeSource, minutesAgo, testNow } from "./test-alerts.ts";

let db: Database;
let drop: () => Promise<void>;
let source: string;

beforeAll(async () => {
  ({ database: db, drop } = await createTestDatabase());
});
afterAll(() => drop?.());
beforeEach(async () => {
  await clearAlerts(db);
  source = await makeSource(db);
});

const find = async (filter: Record<string, string>) =>
  (await listHistory(alertContext(db, "viewer"), filter)).items.map(({ name, labels }) => labels.pod ?? name);

describe("the history", () => {
  test("finds episodes by each field, alone and together", async () => {
    await makeEpisode(db, source, { name: "A", severity: "critical", startsAt: minutesAgo(5), labels: { pod: "relay-1" } });
    await makeEpisode(db, source, {
      name: "B",
      severity: "warning",
      service: "hub",
      namespace: "staging",
      endsAt: minutesAgo(5),
    });
    await makeEpisode(db, source, { name: "C", severity: "none", acknowledgedAt: minutesAgo(3), startsAt: minutesAgo(20) });
    const other = await makeSource(db, "second");
    await makeEpisode(db, other, { name: "D", severity: "info", service: "edge", startsAt: minutesAgo(30) });
    expect(await find({})).toEqual(["relay-1", "B", "C", "D"]);
    expect(await find({ severity: "critical,none" })).toEqual(["relay-1", "C"]);
    expect(await find({ name: "B" })).toEqual(["B"]);
    expect(await find({ service: "hub,edge" })).toEqual(["B", "D"]);
    expect(await find({ namespace: "staging" })).toEqual(["B"]);
    expect(await find({ source: "second" })).toEqual(["D"]);
    expect(await find({ state: "resolved" })).toEqual(["B"]);
    expect(await find({ acknowledged: "yes" })).toEqual(["C"]);
    expect(await find({ acknowledged: "no", state: "firing", service: "relay" })).toEqual(["relay-1"]);
    expect(await find({ severity: "critical", service: "hub" })).toEqual([]);
  });

  test("matches labels as Alertmanager does: whole values, and a missing label is empty", async () => {
    for (const pod of ["relay-1", "relay-12", "hub-1"])
      await makeEpisode(db, source, { labels: { pod, team: pod === "hub-1" ? "core" : "" } });
    await makeEpisode(db, source, { name: "NoPod" });
    const matching = async (labels: string) => (await find({ labels })).toSorted();
    expect(await matching('pod="relay-1"')).toEqual(["relay-1"]);
    expect(await matching("pod=~relay-.")).toEqual(["relay-1"]);
    expect(await matching('{pod=~"relay-.*|hub-1"}')).toEqual(["hub-1", "relay-1", "relay-12"]);
    expect(await matching('pod!~"relay-.*"')).toEqual(["NoPod", "hub-1"]);
    expect(await matching('pod!="",team="core"')).toEqual(["hub-1"]);
    expect(await matching('pod=~"(?i)RELAY-1"')).toEqual(["relay-1"]);
    expect(await matching('team=""')).toEqual(["NoPod", "relay-1", "relay-12"]);
  });

  test("refuses a regular expression that cannot be read, and one that Alertmanager would not take, with a sentence", async () => {
    await makeEpisode(db, source);
    for (const labels of ['pod=~"relay-("', 'pod=~"(a)\\\\1"', 'pod=~"(?=a)"', "pod~x"]) {
      await expect(find({ labels })).rejects.toMatchObject({
        code: "invalid-input",
        details: { fields: { labels: [expect.any(String)] } },
      });
    }
  });

  test("does not let a pathological regular expression hold the server up", async () => {
    await makeEpisode(db, source, { labels: { pod: "a".repeat(5_000) } });
    const startedAt = performance.now();
    await find({ labels: 'pod=~"(a+)+b"' });
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });

  test("searches names, labels and summaries in any case, every word of the search, wild cards as they are", async () => {
    await makeEpisode(db, source, {
      name: "RelayHighLatency",
      labels: { pod: "r-1" },
      annotations: { summary: "p95 is at 100%" },
    });
    await makeEpisode(db, source, {
      name: "HubDown",
      service: "hub",
      labels: { pod: "h_1" },
      annotations: { summary: "nobody answers" },
    });
    expect(await find({ search: "highLAT" })).toEqual(["r-1"]);
    expect(await find({ search: "answers hub" })).toEqual(["h_1"]);
    expect(await find({ search: "answers relay" })).toEqual([]);
    expect(await find({ search: "100%" })).toEqual(["r-1"]);
    expect(await find({ search: "_" })).toEqual(["h_1"]);
  });

  test("finds an alert whose labels are rare behind thousands of newer ones, and goes on from there", async () => {
    for (const start of [300, 200])
      await makeEpisode(db, source, {
        labels: { pod: `rare-${start}` },
        startsAt: minutesAgo(start),
        endsAt: minutesAgo(start - 1),
      });
    await db.$executeRaw`
      INSERT INTO alert_episodes (id, source_id, fingerprint, name, severity, service, labels, annotations, state, starts_at, ends_at,
        first_received_at, last_received_at, silenced_by)
      SELECT gen_random_uuid(), ${source}::uuid, 'frequent', 'Frequent', 'info', 'hub', '{}', '{}', 'resolved', ${minutesAgo(100)},
        ${minutesAgo(99)}, ${minutesAgo(100)}, ${minutesAgo(99)}, '{}'
      FROM generate_series(1, 1100)`;
    await db.alertSeries.create({
      data: { sourceId: source, fingerprint: "frequent", labels: { pod: "hub-1" }, searchText: "hub" },
    });
    expect(await find({ labels: "pod=~rare-.*" })).toEqual(["rare-200", "rare-300"]);
    expect(await find({ search: "rare", service: "relay" })).toEqual(["rare-200", "rare-300"]);
    const first = await listHistory(alertContext(db), { search: "rare", limit: 1 });
    const { items, nextCursor } = await listHistory(alertContext(db), {
      search: "rare",
      limit: 1,
      cursor: first.nextCursor ?? "",
    });
    expect([...first.items, ...items].map(({ labels }) => labels.pod)).toEqual(["rare-200", "rare-300"]);
    expect(nextCursor).toBeNull();
    expect((await summariseHistory(alertContext(db), { search: "hub", service: "hub" })).total).toBe(1_100);
  });

  test("finds an alert among many whose labels match, behind newer ones whose labels do not", async () => {
    await db.$executeRaw`
      WITH given AS (
        SELECT n, CASE WHEN n <= 300 THEN 'old' ELSE 'new' END AS age FROM generate_series(1, 1400) AS n
      ), series AS (
        INSERT INTO alert_series (source_id, fingerprint, labels, search_text)
        SELECT ${source}::uuid, 'f' || n, jsonb_build_object('pod', age || n), age FROM given
      )
      INSERT INTO alert_episodes (id, source_id, fingerprint, name, severity, labels, annotations, state, starts_at, ends_at,
        first_received_at, last_received_at, silenced_by)
      SELECT gen_random_uuid(), ${source}::uuid, 'f' || n, 'Many', 'info', jsonb_build_object('pod', age || n), '{}', 'resolved',
        ${minutesAgo(2_000)}::timestamptz + n * interval '1 minute', ${minutesAgo(1)}, ${minutesAgo(1)}, ${minutesAgo(1)}, '{}'
      FROM given`;
    const found = await find({ search: "old", limit: "200" });
    expect(found).toEqual(Array.from({ length: 200 }, (_, index) => `old${300 - index}`));
    expect((await find({ labels: "pod=~old.*" })).slice(0, 2)).toEqual(["old300", "old299"]);
    expect((await find({ labels: 'pod=~"old[12]"' })).slice(0, 3)).toEqual(["old2", "old1"]);
  });

  test("does not find an alert by what another source says of one with the same labels", async () => {
    const other = await makeSource(db, "second");
    await makeEpisode(db, source, { annotations: { summary: "first words" }, endsAt: minutesAgo(5) });
    await makeEpisode(db, other, { annotations: { summary: "other words" } });
    const { items } = await listHistory(alertContext(db), { search: "other words" });
    expect(items.map(({ source: name }) => name)).toEqual(["second"]);
    expect((await summariseHistory(alertContext(db), { search: "other words" })).total).toBe(1);
  });

  test("takes columns as long as they may be, in any writing", async () => {
    // Every character takes three bytes and none repeats: an index cannot compress them.
    const longText = (seed: number) =>
      Array.from({ length: 200 }, (_, index) => String.fromCharCode(0x4e00 + (((seed * 200 + index) * 7_919) % 20_000))).join("");
    const [name = "", severity, namespace, service] = [1, 2, 3, 4].map(longText);
    await makeEpisode(db, source, { name, severity, namespace, service });
    expect(await find({ name })).toEqual([name]);
  });

  test("finds what was firing at any time of a range, also what began before it and what goes on", async () => {
    await makeEpisode(db, source, { name: "Before", startsAt: minutesAgo(100), endsAt: minutesAgo(61) });
    await makeEpisode(db, source, { name: "Into", startsAt: minutesAgo(100), endsAt: minutesAgo(59) });
    await makeEpisode(db, source, { name: "Open", startsAt: minutesAgo(200) });
    await makeEpisode(db, source, { name: "After", startsAt: minutesAgo(29) });
    const range = { from: minutesAgo(60).toISOString(), to: `${minutesAgo(30).getTime() / 1000}` };
    expect(await find(range)).toEqual(["Into", "Open"]);
    expect(await find({ ...range, from: "yesterday" }).catch((error) => error)).toMatchObject({ code: "invalid-input" });
  });

  test("pages through equal starts without losing or repeating one", async () => {
    for (let index = 0; index < 7; index += 1)
      await makeEpisode(db, source, { labels: { pod: `p${index}` }, startsAt: minutesAgo(5) });
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof listHistory>> = await listHistory(alertContext(db), {
        limit: 3,
        cursor: cursor ?? undefined,
        search: "p",
      });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor);
    expect(new Set(seen).size).toBe(7);
    expect(seen).toHaveLength(7);
  });

  test("marks each episode of a flapping alert, and only those", async () => {
    for (const start of [100, 90, 75, 20])
      await makeEpisode(db, source, { startsAt: minutesAgo(start), endsAt: minutesAgo(start - 4) });
    const { items } = await listHistory(alertContext(db), {});
    expect(items.map(({ startsAt, isFlapping }) => [startsAt, isFlapping])).toEqual(
      [20, 75, 90, 100].map((start) => [minutesAgo(start).toISOString(), start > 20]),
    );
  });
});

describe("the summary", () => {
  test("counts by time and severity, names what comes most, what flaps and when nobody could know", async () => {
    for (const start of [170, 160, 150])
      await makeEpisode(db, source, { startsAt: minutesAgo(start), endsAt: minutesAgo(start - 5) });
    await makeEpisode(db, source, { name: "HubDown", service: "hub", severity: "critical", startsAt: minutesAgo(20) });
    await db.blindWindow.create({
      data: { sourceId: source, reason: "unreachable", beganAt: minutesAgo(60), endedAt: minutesAgo(50) },
    });
    const summary = await summariseHistory(alertContext(db), { from: minutesAgo(180).toISOString(), to: testNow.toISOString() });
    expect(summary.total).toBe(4);
    expect(summary.topTalkers).toMatchObject([
      { name: "RelayHighLatency", service: "relay", episodes: 3, firingSeconds: 900 },
      { name: "HubDown", episodes: 1, firingSeconds: 1200 },
    ]);
    expect(summary.flapping).toMatchObject([
      { name: "RelayHighLatency", episodes: 3, lastStartsAt: minutesAgo(150).toISOString() },
    ]);
    const { buckets, stepSeconds } = summary.density;
    expect([stepSeconds, buckets.length]).toEqual([300, 36]);
    expect(buckets.filter(({ unknown }) => unknown).map(({ at }) => at)).toEqual(
      [60, 55].map((start) => minutesAgo(start).toISOString()),
    );
    expect(buckets.flatMap(({ at, bySeverity }) => Object.entries(bySeverity).map((entry) => [at, ...entry]))).toEqual([
      [minutesAgo(170).toISOString(), "warning", 1],
      [minutesAgo(160).toISOString(), "warning", 1],
      [minutesAgo(150).toISOString(), "warning", 1],
      [minutesAgo(20).toISOString(), "critical", 1],
    ]);
    expect(summary.blindWindows).toMatchObject([{ source: "embedded", endedAt: minutesAgo(50).toISOString() }]);
  });

  test("is asked with the same filters, and is empty where nothing is found", async () => {
    await makeEpisode(db, source, { labels: { pod: "relay-1" } });
    await makeEpisode(db, source, { labels: { pod: "relay-2" } });
    expect((await summariseHistory(alertContext(db), { labels: "pod=relay-2" })).total).toBe(1);
    expect(await summariseHistory(alertContext(db), { search: "nowhere" })).toMatchObject({
      total: 0,
      topTalkers: [],
      flapping: [],
    });
  });
});

test("spans of a service are those of the range, the oldest first", async () => {
  await makeEpisode(db, source, { name: "Open", startsAt: minutesAgo(40), acknowledgedAt: minutesAgo(1) });
  await makeEpisode(db, source, { name: "Old", startsAt: minutesAgo(90), endsAt: minutesAgo(80) });
  await makeEpisode(db, source, { name: "Part", startsAt: minutesAgo(70), endsAt: minutesAgo(55) });
  await makeEpisode(db, source, { name: "Hub", service: "hub" });
  const range = { from: minutesAgo(60).toISOString(), to: testNow.toISOString() };
  const { spans } = await listAlertSpans(alertContext(db, "viewer"), { namespace: "fleet", name: "relay" }, range);
  expect(spans.map(({ name, endsAt, acknowledged }) => [name, endsAt === null, acknowledged])).toEqual([
    ["Part", false, false],
    ["Open", true, true],
  ]);
});

test("facets name what there is to filter by, the most frequent first", async () => {
  await makeEpisode(db, source, { labels: { pod: "1" } });
  await makeEpisode(db, source, { labels: { pod: "2" } });
  await makeEpisode(db, source, { name: "HubDown", service: "hub", severity: "critical" });
  expect(await listAlertFacets(alertContext(db, "viewer"))).toEqual({
    sources: ["embedded"],
    severities: ["warning", "critical"],
    names: ["RelayHighLatency", "HubDown"],
    services: [
      { namespace: "fleet", service: "relay" },
      { namespace: "fleet", service: "hub" },
    ],
  });
});
