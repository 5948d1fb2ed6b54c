import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { transact } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { commandIncident } from "../commands.ts";
import { listIncidents } from "../queries.ts";
import { type IncidentWorld, startIncidentWorld } from "../test-incidents.ts";
import { openIncident } from "./open.ts";
import { reportIncident } from "./report.ts";

let world: IncidentWorld;
beforeAll(async () => {
  world = await startIncidentWorld();
});
afterAll(() => world?.drop());

const named = (name: string) => [{ namespace: "fleet", name }];

async function storeAlert({ startsAt, firstReceivedAt }: { startsAt: Date; firstReceivedAt: Date }): Promise<string> {
  const source = await world.db.alertSource.create({
    data: { name: randomUUID(), secretHash: randomUUID(), secretPrefix: "", createdAt: world.now(), createdByName: "olga" },
  });
  const id = randomUUID();
  await world.db.alertEpisode.create({
    data: {
      id,
      sourceId: source.id,
      fingerprint: id,
      name: "RelayHighLatency",
      severity: "critical",
      namespace: "fleet",
      service: "relay",
      labels: {},
      annotations: {},
      state: "firing",
      startsAt,
      firstReceivedAt,
      lastReceivedAt: firstReceivedAt,
    },
  });
  return id;
}

test("an incident begins at its detection, with its row of the timeline, its audit entry and its escalation", async () => {
  const incident = await world.report({ services: named("begun"), impactStartedAt: "2026-11-21T02:50:00Z" });
  expect(incident).toMatchObject({
    step: "detect",
    origin: "person",
    openedBy: "olga",
    version: 1,
    clock: { impactStartedAt: "2026-11-21T02:50:00.000Z", detectedAt: "2026-11-21T03:00:00.000Z", acknowledgedAt: null },
    figures: { ttd: 600, tta: null },
    escalatesAt: "2026-11-21T03:15:00.000Z",
    needsPostmortem: true,
    commands: { acknowledge: null, document: "Resolve it first." },
    timeline: [
      {
        kind: "opened",
        by: "olga",
        message: "Opened as P2 by olga. The impact began 10 m before it was detected.",
        href: expect.stringContaining("/fleet/fleet/begun?from="),
      },
    ],
  });
  expect(await world.db.auditEntry.findMany({ where: { targetUid: incident.id } })).toMatchObject([
    {
      verb: "report",
      targetKind: "incident",
      targetName: `INC-${incident.number}`,
      targetNamespace: "fleet",
      outcome: "succeeded",
    },
  ]);
});

test("a second report of the same service names the open one, unless it is another; a drill is in nobody's way", async () => {
  const first = await world.report({ services: named("twice") });
  const again = world.report({ services: [...named("other"), ...named("twice")] });
  await expect(again).rejects.toMatchObject({
    code: "precondition-failed",
    details: { incidents: [{ id: first.id, number: first.number, title: first.title, severity: "P2" }] },
  });
  await world.report({ services: named("twice"), isDrill: true });
  await world.report({ services: named("twice"), isAnother: true });
  await world.report();
  await world.report();
});

test("of many reports at once of the same service one is opened", async () => {
  const reports = await Promise.allSettled(Array.from({ length: 8 }, () => world.report({ services: named("crowd") })));
  expect(reports.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  for (const report of reports) if (report.status === "rejected") expect(report.reason).toBeInstanceOf(DomainError);
  expect((await listIncidents(world.context, { service: "crowd" })).items).toHaveLength(1);
});

test("a report that is sent again, or twice at once, opens one incident and gets the same answer", async () => {
  const key = randomUUID();
  const input = { title: "Nothing goes through", severity: "P1", services: named("again") };
  const [first, ...same] = await Promise.all([1, 2, 3].map(() => reportIncident(world.context, input, key)));
  expect([...same, await reportIncident(world.context, input, key)]).toEqual([first, first, first]);
  await expect(reportIncident(world.context, { ...input, severity: "P2" }, key)).rejects.toMatchObject({
    code: "idempotency-conflict",
  });
  expect((await listIncidents(world.context, { service: "again" })).items).toHaveLength(1);
});

test("what an alert found began with it, and was detected when it was received", async () => {
  const targetId = await storeAlert({
    startsAt: new Date("2026-11-21T02:40:00Z"),
    firstReceivedAt: new Date("2026-11-21T02:42:00Z"),
  });
  const incident = await world.report({ links: [{ kind: "alert", targetId }] });
  expect(incident.clock).toMatchObject({ impactStartedAt: "2026-11-21T02:40:00.000Z", detectedAt: "2026-11-21T02:42:00.000Z" });
  expect(incident.links).toMatchObject([{ title: "RelayHighLatency on fleet/relay", href: `/alerts/${targetId}`, by: "olga" }]);
  expect(incident.clock.impactStartSource).toBe("alert");
  const same = await world.report({ links: [{ kind: "alert", targetId }], impactStartedAt: "2026-11-21T02:40:00Z" });
  expect(same.clock.impactStartSource).toBe("alert");
  const later = await world.report({ links: [{ kind: "alert", targetId }], impactStartedAt: "2026-11-21T02:30:00Z" });
  expect(later).toMatchObject({ clock: { impactStartSource: "reported" }, figures: { ttd: 720 } });
});

test("what a person reports without a time begins nobody knows when", async () => {
  const { clock, figures } = await world.report();
  expect(clock).toMatchObject({ impactStartSource: "unknown", impactStartedAt: clock.detectedAt });
  expect(figures.ttd).toBeNull();
});

test("what cannot be is refused by its field, and viewers may look only", async () => {
  await expect(world.report({ impactStartedAt: "2026-11-22T00:00:00Z" })).rejects.toMatchObject({
    code: "invalid-input",
    details: { fields: { impactStartedAt: ["This lies in the future."] } },
  });
  await expect(world.report({ links: [{ kind: "rollout", targetId: randomUUID() }] })).rejects.toMatchObject({
    code: "invalid-input",
    message: expect.stringContaining("There is no rollout"),
  });
  const input = { title: "The relay is slow", severity: "P2" };
  await expect(reportIncident(world.as("vera", "viewer"), input)).rejects.toMatchObject({ code: "not-permitted" });
});

test("what opens an incident by itself does so once, however many controllers and passes there are", async () => {
  const origin = `alert/${randomUUID()}`;
  const open = () =>
    transact(world.context, (transaction) =>
      openIncident(transaction, world.as("Switchyard"), {
        title: "RelayHighLatency fires on fleet/relay",
        severity: "P1",
        origin: "alert",
        trigger: origin,
        services: named("by-itself"),
        impactStartedAt: world.now(),
        impactStartSource: "alert",
        detectedAt: new Date(world.now().getTime() + 2_000),
        why: "RelayHighLatency fires with severity critical.",
      }),
    );
  const opened = await Promise.all([open(), open(), open()]);
  expect(opened.filter(({ isNew }) => isNew)).toHaveLength(1);
  expect(new Set(opened.map(({ incident }) => incident.id)).size).toBe(1);
  const id = opened[0]?.incident.id ?? "";
  await commandIncident(world.context, { id, command: "acknowledge", body: {} });
  expect((await open()).incident).toMatchObject({ id, step: "assess", number: opened[0]?.incident.number });
  const detail = await world.detail(id);
  expect(detail.clock.detectedAt).toBe(world.now().toISOString());
  expect(detail.timeline.filter(({ kind }) => kind === "opened")).toMatchObject([
    { message: "Opened as P1 by Switchyard. RelayHighLatency fires with severity critical." },
  ]);
});
