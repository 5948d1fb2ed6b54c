import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { testContext } from "../actions/test-fleet.ts";
import { changeIncident } from "../incidents/change.ts";
import { commandIncident } from "../incidents/commands.ts";
import { reportIncident } from "../incidents/opening/report.ts";
import { previewFilter } from "./preview.ts";
import { type NotificationWorld, startNotificationWorld } from "./test-world.ts";

let world: NotificationWorld;
const now = new Date("2026-11-21T03:00:00Z");

beforeAll(async () => {
  world = await startNotificationWorld();
  world.setClock(now);
});
afterAll(() => world?.drop());

describe("the preview of a filter", () => {
  beforeAll(async () => {
    const source = await world.db.alertSource.create({
      data: { name: "embedded", secretHash: "x", secretPrefix: "x", createdAt: now, createdByName: "test" },
    });
    const episode = (index: number, severity: string, service: string | null, hoursAgo: number, isOver = false) => {
      const startsAt = new Date(now.getTime() - hoursAgo * 3_600_000);
      return {
        sourceId: source.id,
        fingerprint: `f${index}`,
        name: "A",
        severity,
        namespace: "fleet",
        service,
        labels: {},
        annotations: {},
        state: isOver ? ("resolved" as const) : ("firing" as const),
        startsAt,
        endsAt: isOver ? new Date(startsAt.getTime() + 60_000) : null,
        firstReceivedAt: startsAt,
        lastReceivedAt: startsAt,
        silencedBy: [],
      };
    };
    await world.db.alertEpisode.createMany({
      data: [
        episode(1, "critical", "relay", 1, true),
        episode(2, "critical", "hub", 2),
        episode(3, "warning", "relay", 23),
        episode(4, "critical", "relay", 25),
        episode(5, "critical", null, 3),
      ],
    });
  });

  const preview = (given: object) =>
    previewFilter(world.as("admin"), { filter: { events: ["alert-fired", "alert-resolved"], ...given } });

  test("counts what would have passed in the last 24 hours, by kind, severity and service", async () => {
    expect(await preview({})).toMatchObject({ matched: 5, total: 5, uncounted: [] });
    expect(await preview({ severities: ["critical"] })).toMatchObject({ matched: 4 });
    expect(await preview({ severities: ["critical"], services: ["fleet/relay"] })).toEqual({
      matched: 2,
      total: 5,
      byEvent: [
        { event: "alert-fired", matched: 1, total: 4 },
        { event: "alert-resolved", matched: 1, total: 1 },
      ],
      uncounted: [],
    });
    expect(await preview({ events: ["feed-lost"] })).toMatchObject({ matched: 0, uncounted: ["feed-lost"] });
  });

  test("counts what was told of incidents, of any of their services", async () => {
    const context = testContext({ ...world.as("admin"), clock: world.clock }, { role: "operator" });
    const services = ["relay", "hub"].map((name) => ({ namespace: "fleet", name }));
    const { id } = await reportIncident(context, { title: "It is slow", severity: "P3", services });
    await changeIncident(context, id, { severity: "P2" });
    await commandIncident(context, { id, command: "resolve", body: { override: { reason: "only counted" } } });
    await reportIncident(context, { title: "A colour is wrong", severity: "P4" });
    const events = ["incident-opened", "incident-severity-changed", "incident-resolved"];
    expect(await preview({ events, severities: ["P2"], services: ["fleet/hub"] })).toMatchObject({
      matched: 3,
      uncounted: [],
      byEvent: [
        { event: "incident-opened", matched: 1, total: 2 },
        { event: "incident-severity-changed", matched: 1, total: 1 },
        { event: "incident-resolved", matched: 1, total: 1 },
      ],
    });
    expect(await preview({ events, services: ["fleet/edge"] })).toMatchObject({ matched: 1 });
  });
});
