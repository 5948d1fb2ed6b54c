import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AlertmanagerClient } from "#lib/alertmanager/client.ts";
import { startAlertmanager, startPrometheus, type TestProcess } from "#lib/alertmanager/test-alertmanager.ts";
import type { Database } from "#lib/database/client.ts";
import { PrometheusClient } from "#lib/prometheus/client.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { createTestDatabase } from "../../../e2e/postgres.ts";
import { listRules } from "./rules.ts";
import { createSilence, expireSilence, extendSilence, listSilences } from "./silences.ts";
import { announceExpiringSilences, settleAbandonedSilences } from "./silences-expiry.ts";
import { previewSilence } from "./silences-preview.ts";
import type { CreateSilenceInput } from "./silences-schemas.ts";
import { alertContext, clearAlerts, makeEpisode, makeSource } from "./test-alerts.ts";

const rules = `
groups:
  - name: relay
    rules:
      - { record: "job:up:sum", expr: sum(up) }
      - { alert: RelayHighLatency, expr: vector(1), for: 1h, labels: { service: relay, severity: warning }, annotations: { summary: slow } }
      - { alert: ServiceDown, expr: vector(1), labels: { severity: critical, service: "{{ $labels.service }}" } }
      - { alert: Watchdog, expr: vector(0) > 1 }
`;

let db: Database;
let drop: () => Promise<void>;
let first: TestProcess;
let second: TestProcess;
let prometheus: TestProcess;

beforeAll(async () => {
  const [gossip, otherGossip] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  [{ database: db, drop }, first, second, prometheus] = await Promise.all([
    createTestDatabase(),
    startAlertmanager({ gossip, peers: [otherGossip] }),
    startAlertmanager({ gossip: otherGossip, peers: [gossip] }),
    startPrometheus(rules),
  ]);
});
afterAll(() => Promise.all([drop?.(), first?.stop(), second?.stop(), prometheus?.stop()]));
beforeEach(async () => {
  await clearAlerts(db);
  await db.notification.deleteMany();
  await db.notificationTarget.deleteMany();
  // What one member was told the other may learn later: both are asked until neither has any.
  const left = await eventually(
    async () => (await Promise.all([first, second].map(expireAll))).reduce((sum, count) => sum + count),
    (count) => count === 0,
  );
  expect(left).toBe(0);
});

/** Ends the silences that a member knows; resolves to how many there were. */
async function expireAll(member: TestProcess): Promise<number> {
  const client = new AlertmanagerClient(member);
  const open = (await client.listSilences()).filter(({ status }) => status.state !== "expired");
  // The other member may have ended it meanwhile.
  await Promise.allSettled(open.map(({ id }) => client.expireSilence(id)));
  return open.length;
}

/** Alertmanager goes by the real time. */
const context = (role: "viewer" | "operator" = "operator") => ({ ...alertContext(db, role), clock: () => new Date() });
const matcher = (name: string, value: string) => ({ name, value });
const wanted = (change: Partial<CreateSilenceInput> = {}): CreateSilenceInput => ({
  matchers: [matcher("alertname", "RelayHighLatency")],
  durationMinutes: 60,
  reason: "a planned failover",
  ...change,
});

async function eventually<T>(read: () => Promise<T>, isWanted: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const value = await read();
    if (isWanted(value) || Date.now() > deadline) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("a silence", () => {
  beforeEach(async () => {
    await makeSource(db, "embedded", [first.url, second.url]);
  });

  test("is made with every kind of matcher in the person's name, and is audited with the reason", async () => {
    const matchers = [
      matcher("alertname", "RelayHighLatency"),
      { name: "pod", value: "relay-.*", isRegex: true },
      { name: "team", value: "core", isEqual: false },
      { name: "zone", value: 'a"b\\.c|d', isRegex: true, isEqual: false },
    ];
    const { silence, auditId, replacedId } = await createSilence(context(), wanted({ matchers }));
    expect(silence).toMatchObject({
      source: "embedded",
      state: "active",
      createdBy: "olga",
      comment: "a planned failover",
      hides: 0,
    });
    expect(silence.text).toBe('{alertname="RelayHighLatency", pod=~"relay-.*", team!="core", zone!~"a\\"b\\\\.c|d"}');
    expect(replacedId).toBeNull();
    // Either member may have been asked; the other one learns of it.
    const stored = await eventually(
      () => new AlertmanagerClient(first).findSilence(silence.id),
      (found) => found !== null,
    );
    expect(stored?.matchers).toEqual(
      expect.arrayContaining(matchers.map((each) => ({ isRegex: false, isEqual: true, ...each }))),
    );
    expect(await db.auditEntry.findUnique({ where: { id: auditId } })).toMatchObject({
      verb: "create",
      targetKind: "silence",
      targetName: silence.text,
      outcome: "succeeded",
      reason: "a planned failover",
      actorName: "olga",
      after: { id: silence.id },
    });
  });

  test("is listed once, though every member of the cluster has it, with how many open alerts it hides", async () => {
    const { silence } = await createSilence(context(), wanted());
    await eventually(
      () => new AlertmanagerClient(second).findSilence(silence.id),
      (found) => found !== null,
    );
    const source = await db.alertSource.findFirstOrThrow();
    await makeEpisode(db, source.id, { silencedBy: [silence.id] });
    const { items, members } = await listSilences(context("viewer"), {});
    expect(items).toMatchObject([{ id: silence.id, hides: 1, endsSoon: false }]);
    expect(members.map(({ problem }) => problem)).toEqual([null, null]);
  });

  test("keeps its id when only its end moves, and ends at the new end", async () => {
    const { silence } = await createSilence(context(), wanted());
    const endsAt = new Date(Date.now() + 5 * 3_600_000).toISOString();
    const extended = await extendSilence(context(), silence.id, { endsAt, reason: "it takes longer" });
    expect(extended.silence.endsAt).toBe(endsAt);
    expect(extended.silence.createdBy).toBe("olga");
    const { items } = await listSilences(context(), {});
    expect(items.map(({ id }) => id)).toEqual([extended.silence.id]);
    expect(await db.auditEntry.findUnique({ where: { id: extended.auditId } })).toMatchObject({
      verb: "extend",
      before: { id: silence.id },
      after: { id: extended.silence.id, endsAt: expect.stringContaining(endsAt.slice(0, 19)) },
    });
  });

  test("of the future can be extended, and keeps its beginning", async () => {
    const startsAt = new Date(Date.now() + 3_600_000).toISOString();
    const { silence } = await createSilence(context(), wanted({ startsAt }));
    expect(silence.state).toBe("pending");
    const { silence: extended } = await extendSilence(context(), silence.id, { durationMinutes: 120, reason: "two hours" });
    expect([extended.startsAt, Date.parse(extended.endsAt) - Date.parse(startsAt)]).toEqual([startsAt, 120 * 60_000]);
  });

  test("ends when it is ended, once", async () => {
    const { silence } = await createSilence(context(), wanted());
    const ended = await expireSilence(context(), silence.id, { reason: "done early" });
    expect(ended.silence).toMatchObject({ id: silence.id, state: "expired" });
    expect((await listSilences(context(), {})).items).toEqual([]);
    expect((await listSilences(context(), { state: "expired" })).items.map(({ id }) => id)).toContain(silence.id);
    await expect(expireSilence(context(), silence.id, { reason: "again" })).rejects.toMatchObject({
      code: "precondition-failed",
    });
    await expect(extendSilence(context(), silence.id, { durationMinutes: 5, reason: "again" })).rejects.toMatchObject({
      code: "precondition-failed",
    });
  });

  test("is refused to viewers, without a reason, too long, too short, over, or hiding everything", async () => {
    await expect(createSilence(context("viewer"), wanted())).rejects.toMatchObject({ code: "not-permitted" });
    const refused: [Partial<CreateSilenceInput>, string][] = [
      [{ reason: " " }, "reason"],
      [{ durationMinutes: 31 * 24 * 60 }, "durationMinutes"],
      [{ durationMinutes: 0.5 }, "durationMinutes"],
      [{ durationMinutes: undefined }, "endsAt"],
      [{ endsAt: new Date(Date.now() + 3_600_000).toISOString() }, "endsAt"],
      [{ durationMinutes: undefined, endsAt: new Date(Date.now() - 1_000).toISOString() }, "endsAt"],
      [{ matchers: [] }, "matchers"],
      [{ matchers: [{ name: "pod", value: ".*", isRegex: true }] }, "matchers"],
      [{ matchers: [{ name: "pod", value: "(", isRegex: true }] }, "matchers"],
      [{ matchers: [matcher("not a label", "x")] }, "matchers.0.name"],
    ];
    for (const [change, field] of refused) {
      await expect(createSilence(context(), wanted(change)), field).rejects.toMatchObject({
        code: "invalid-input",
        details: { fields: { [field]: [expect.any(String)] } },
      });
    }
    expect((await listSilences(context(), {})).items).toEqual([]);
  });

  test("that nobody knows is not found", async () => {
    const id = "00000000-0000-4000-8000-000000000000";
    await expect(expireSilence(context(), id, { reason: "what is it" })).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("a source whose members do not all answer", () => {
  test("still shows and takes silences, and says who is missing", async () => {
    const dead = `http://127.0.0.1:${await freePort()}`;
    await makeSource(db, "embedded", [dead, first.url]);
    const { silence } = await createSilence(context(), wanted());
    const { items, members } = await listSilences(context(), {});
    expect(items.map(({ id }) => id)).toEqual([silence.id]);
    expect(new Map(members.map(({ url, problem }) => [url, problem]))).toEqual(
      new Map([
        [dead, expect.stringContaining("nothing listens")],
        [first.url, null],
      ]),
    );
  });

  test("answers with an error, audited as failed, when none answers", async () => {
    await makeSource(db, "embedded", [`http://127.0.0.1:${await freePort()}`]);
    await expect(createSilence(context(), wanted())).rejects.toMatchObject({ code: "alertmanager-unavailable" });
    expect(await db.auditEntry.findMany()).toMatchObject([{ outcome: "failed", errorCode: "alertmanager-unavailable" }]);
  });

  test("is to be named when there are several, and to be had at all", async () => {
    await expect(createSilence(context(), wanted())).rejects.toMatchObject({
      details: { fields: { source: [expect.any(String)] } },
    });
    await makeSource(db, "one", [first.url]);
    await makeSource(db, "two", [second.url]);
    await expect(createSilence(context(), wanted())).rejects.toMatchObject({ message: expect.stringContaining("one, two") });
    expect((await createSilence(context(), wanted({ source: "two" }))).silence.source).toBe("two");
    await expect(createSilence(context(), wanted({ source: "three" }))).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("the preview", () => {
  const preview = (matchers: CreateSilenceInput["matchers"]) =>
    previewSilence({ ...context("viewer"), prometheus: new PrometheusClient(prometheus) }, { matchers });

  test("names the open alerts and the rules that would be hidden, for certain and perhaps", async () => {
    const source = await makeSource(db, "embedded", [first.url]);
    await makeEpisode(db, source, { labels: { pod: "relay-1" } });
    await makeEpisode(db, source, { name: "ServiceDown", service: "hub", severity: "critical" });
    await makeEpisode(db, source, { name: "RelayHighLatency", labels: { pod: "relay-2" }, endsAt: new Date() });
    const found = await preview([matcher("service", "relay"), { name: "pod", value: "relay-.", isRegex: true }]);
    expect(found.alerts.map(({ labels }) => labels.pod)).toEqual(["relay-1"]);
    expect(found.alertCount).toBe(1);
    expect(found.rules).toEqual([
      { name: "RelayHighLatency", group: "relay", hides: "maybe" },
      { name: "ServiceDown", group: "relay", hides: "maybe" },
      { name: "Watchdog", group: "relay", hides: "maybe" },
    ]);
    expect((await preview([matcher("alertname", "ServiceDown")])).rules).toEqual([
      { name: "ServiceDown", group: "relay", hides: "always" },
    ]);
    expect((await preview([matcher("severity", "warning")])).rules).toContainEqual({
      name: "RelayHighLatency",
      group: "relay",
      hides: "always",
    });
  });

  test("warns of what hides the Watchdog, everything else, or nothing", async () => {
    await makeSource(db, "embedded", [first.url]);
    expect((await preview([{ name: "alertname", value: "Watch.*", isRegex: true }])).warnings.join()).toContain("Watchdog");
    expect((await preview([{ name: "severity", value: "", isEqual: false }])).warnings.join()).toContain("only negative");
    expect((await preview([matcher("pod", "none")])).warnings.join()).toContain("No open alert");
  });

  test("says so when the rules cannot be looked at", async () => {
    const found = await previewSilence(context("viewer"), { matchers: [matcher("pod", "x")] });
    expect(found).toMatchObject({ rules: [], rulesProblem: expect.stringContaining("No Prometheus") });
  });
});

describe("rules", () => {
  const ask = (client: PrometheusClient | null, filter = {}) =>
    listRules({ ...context("viewer"), prometheus: client }, filter, null);

  test("come from Prometheus with query, for, labels, state and count", async () => {
    const client = new PrometheusClient(prometheus);
    const { items, total } = await eventually(
      () => ask(client, { type: "alerting" }),
      ({ items: found }) => found.some(({ firing }) => firing > 0),
    );
    expect(total).toBe(4);
    expect(items.map(({ name, state, health, firing, pending }) => [name, state, health, firing, pending])).toEqual([
      ["ServiceDown", "firing", "ok", 1, 0],
      ["RelayHighLatency", "pending", "ok", 0, 1],
      ["Watchdog", "inactive", "ok", 0, 0],
    ]);
    expect(items[1]).toMatchObject({ query: "vector(1)", forSeconds: 3600, labels: { service: "relay" }, lastError: null });
    expect((await ask(client, { service: "relay" })).items.map(({ name }) => name)).toEqual(["RelayHighLatency"]);
    expect((await ask(client, { state: "firing,pending", search: "relay HIGH" })).items.map(({ name }) => name)).toEqual([
      "RelayHighLatency",
    ]);
  });

  test("stay, with their age and what is wrong, while Prometheus does not answer", async () => {
    const own = await startPrometheus(rules);
    const client = new PrometheusClient(own);
    const before = await ask(client);
    await own.stop();
    expect(await ask(client)).toMatchObject({ total: 4, at: before.at, problem: expect.stringContaining("cannot be asked") });
    expect(await ask(null)).toMatchObject({ total: 0, at: null, problem: expect.stringContaining("PROMETHEUS_URL") });
  });
});

describe("before a silence ends", () => {
  test("targets that want it are told once, and again after an extension", async () => {
    await makeSource(db, "embedded", [first.url, second.url]);
    await db.notificationTarget.create({
      data: {
        name: "chat",
        kind: "webhook",
        config: {},
        filter: { events: ["silence-expiring"], severities: [], services: [] },
        createdAt: new Date(),
        updatedAt: new Date(),
        updatedByName: "ada",
      },
    });
    const { silence } = await createSilence(context(), wanted({ durationMinutes: 20 }));
    await createSilence(context(), wanted({ durationMinutes: 60 }));
    const inMinutes = (minutes: number) => ({ ...context(), clock: () => new Date(Date.now() + minutes * 60_000) });
    expect(await announceExpiringSilences(context())).toBe(0);
    expect(await announceExpiringSilences(inMinutes(6))).toBe(1);
    await announceExpiringSilences(inMinutes(7));
    expect(await db.notification.count({ where: { event: "silence-expiring" } })).toBe(1);
    await extendSilence(context(), silence.id, { durationMinutes: 22, reason: "a little longer" });
    await announceExpiringSilences(inMinutes(8));
    expect(await db.notification.count({ where: { event: "silence-expiring" } })).toBe(2);
  });
});

test("a silence as short as the notice before its end is not told of", async () => {
  await makeSource(db, "embedded", [first.url]);
  await createSilence(context(), wanted({ durationMinutes: 10 }));
  expect(await announceExpiringSilences(context())).toBe(0);
});

test("what a dead process left pending in the audit is settled as failed", async () => {
  const entry = {
    actorKind: "user",
    actorName: "olga",
    verb: "create",
    targetKind: "silence",
    targetName: "{}",
    requestId: "r",
  } as const;
  await db.auditEntry.create({ data: { ...entry, outcome: "pending", at: new Date(Date.now() - 90_000) } });
  await db.auditEntry.create({ data: { ...entry, outcome: "pending", at: new Date() } });
  expect(await settleAbandonedSilences(context())).toBe(1);
  expect(await settleAbandonedSilences(context())).toBe(0);
});
