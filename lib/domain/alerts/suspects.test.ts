import { describe, expect, test } from "vitest";
import { rankSuspects, type SuspectAction } from "./suspects.ts";

const startsAt = new Date("2026-11-21T03:00:00Z");
const alert = { startsAt, service: "fleet/relay", dependsOn: ["fleet/redis"] };
const action = (auditId: string, secondsBefore: number, change: Partial<SuspectAction> = {}): SuspectAction => ({
  auditId,
  at: new Date(startsAt.getTime() - secondsBefore * 1000).toISOString(),
  verb: "image",
  actorKind: "user",
  actor: "olga",
  reason: null,
  service: "fleet/relay",
  rolloutId: null,
  ...change,
});
const ranked = (actions: SuspectAction[]) => rankSuspects(alert, actions).map(({ auditId }) => auditId);

describe("suspects", () => {
  test("are ranked by how shortly before they were, when all else is equal", () => {
    expect(ranked([action("early", 1500), action("late", 60), action("middle", 600)])).toEqual(["late", "middle", "early"]);
  });

  test("on the service itself come before those on what it needs, unless those are much closer", () => {
    expect(ranked([action("redis", 10, { service: "fleet/redis" }), action("own", 900)])).toEqual(["own", "redis"]);
  });

  test("that change what runs come before those that change how much of it", () => {
    expect(ranked([action("scale", 60, { verb: "scale" }), action("image", 300)])).toEqual(["image", "scale"]);
    expect(ranked([action("scale", 10, { verb: "scale" }), action("image", 1700)])).toEqual(["scale", "image"]);
  });

  test("lie within the 30 minutes before, never after, both ends included", () => {
    expect(ranked([action("after", -1), action("at", 0), action("edge", 1800), action("before", 1801)])).toEqual(["at", "edge"]);
  });

  test("are of the service and what it needs only", () => {
    expect(ranked([action("hub", 60, { service: "fleet/hub" }), action("other", 60, { service: "staging/relay" })])).toEqual([]);
  });

  test("say in a sentence why they stand there", () => {
    const [own, redis] = rankSuspects(alert, [action("a", 130), action("b", 59.6, { service: "fleet/redis" })]);
    expect([own?.closeness, redis?.closeness]).toEqual([
      "2 m 10 s before, on relay itself",
      "59 s before, on redis, which relay needs",
    ]);
  });

  test("are at most ten", () => {
    expect(ranked(Array.from({ length: 30 }, (_, index) => action(`${index}`, index)))).toHaveLength(10);
  });
});
