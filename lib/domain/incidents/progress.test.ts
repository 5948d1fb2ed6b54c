import { describe, expect, test } from "vitest";
import { type Clock, refuseClock } from "./clock.ts";
import { advance, allowedCommands, type Given, type Standing } from "./progress.ts";
import { type IncidentCommand, incidentCommands } from "./schemas.ts";

const now = new Date("2026-03-01T13:00:00.000Z");
const begun: Clock = {
  impactStartedAt: "2026-03-01T12:00:00.000Z",
  impactStartSource: "alert",
  detectedAt: "2026-03-01T12:01:00.000Z",
  acknowledgedAt: null,
  mitigatedAt: null,
  resolvedAt: null,
};
const byPerson = { at: null, isPerson: true };
const past = (time: string) => ({ at: new Date(time), isPerson: true });
const opened: Standing = { step: "detect", clock: begun, needsPostmortem: false };

function bring(standing: Standing, ...commands: IncidentCommand[]): Standing {
  let last = standing;
  for (const command of commands) last = { ...last, ...advance(last, command, byPerson, now) };
  return last;
}

const possible = (standing: Standing) => incidentCommands.filter((command) => allowedCommands(standing)[command] === null);

describe("what may be done", () => {
  test.each<[IncidentCommand[], IncidentCommand[]]>([
    [[], ["acknowledge", "assess", "mitigate", "resolve"]],
    [["acknowledge"], ["assess", "mitigate", "resolve"]],
    [
      ["acknowledge", "assess"],
      ["mitigate", "resolve"],
    ],
    [["mitigate"], ["resolve", "reopen"]],
    [
      ["mitigate", "reopen"],
      ["mitigate", "resolve"],
    ],
    [["resolve"], ["reopen", "document"]],
    [["resolve", "document"], ["reopen"]],
    [
      ["resolve", "document", "reopen"],
      ["mitigate", "resolve"],
    ],
  ])("after %j is %j", (done, allowed) => {
    expect(possible(bring(opened, ...done))).toEqual(allowed);
  });

  test("is no end without the postmortem that P1 and P2 need", () => {
    const resolved = { ...bring(opened, "resolve"), needsPostmortem: true };
    expect(allowedCommands(resolved)).toMatchObject({
      document: "Publish its postmortem first: P1 and P2 need one.",
      reopen: null,
    });
  });
});

describe("the steps", () => {
  test("follow each other to the end", () => {
    const steps = (["acknowledge", "assess", "mitigate", "resolve", "document"] as const).map(
      (_, index, all) => bring(opened, ...all.slice(0, index + 1)).step,
    );
    expect(steps).toEqual(["assess", "mitigate", "resolve", "document", "done"]);
  });

  test("set the times that they are about, and only those", () => {
    const at = now.toISOString();
    expect(bring(opened, "acknowledge").clock).toEqual({ ...begun, acknowledgedAt: at });
    expect(bring(opened, "acknowledge", "mitigate", "resolve").clock).toEqual({
      ...begun,
      acknowledgedAt: at,
      mitigatedAt: at,
      resolvedAt: at,
    });
  });

  test("take the time that a person gives, which says nothing of when somebody acknowledged it", () => {
    const { clock } = advance(opened, "mitigate", past("2026-03-01T12:30:00.000Z"), now);
    expect(clock).toEqual({ ...begun, acknowledgedAt: null, mitigatedAt: "2026-03-01T12:30:00.000Z" });
  });

  test("leave a mitigation that nobody told unknown, and keep the first acknowledgement", () => {
    const acknowledged = { ...opened, clock: { ...begun, acknowledgedAt: "2026-03-01T12:05:00.000Z" } };
    expect(advance(acknowledged, "resolve", byPerson, now).clock).toMatchObject({
      acknowledgedAt: "2026-03-01T12:05:00.000Z",
      mitigatedAt: null,
      resolvedAt: now.toISOString(),
    });
  });

  test.each<[string, string | null, string, string | null]>([
    ["between the acknowledgement and now", "2026-03-01T12:05:00.000Z", "2026-03-01T12:20:00.000Z", "2026-03-01T12:20:00.000Z"],
    ["where nobody acknowledged it before", null, "2026-03-01T12:20:00.000Z", null],
    ["before somebody acknowledged it", "2026-03-01T12:05:00.000Z", "2026-03-01T12:04:00.000Z", null],
  ])("take a measured recovery for the mitigation that nobody told, where it fits: %s", (_, acknowledgedAt, at, mitigatedAt) => {
    const standing = { ...opened, clock: { ...begun, acknowledgedAt } };
    const { clock } = advance(standing, "resolve", { ...byPerson, recoveredAt: new Date(at) }, now);
    expect(clock).toMatchObject({ mitigatedAt, resolvedAt: now.toISOString() });
    expect(refuseClock(clock, now)).toBeNull();
  });

  test("keep the mitigation that somebody told, whatever was measured", () => {
    const mitigated = { ...opened, clock: { ...begun, mitigatedAt: "2026-03-01T12:02:00.000Z" } };
    const given = { ...byPerson, recoveredAt: new Date("2026-03-01T12:20:00.000Z") };
    expect(advance(mitigated, "resolve", given, now).clock.mitigatedAt).toBe("2026-03-01T12:02:00.000Z");
  });

  test.each<[string, Partial<Clock>, IncidentCommand, Given, string | null]>([
    ["acknowledge, at its time", {}, "acknowledge", past("2026-03-01T12:20:00.000Z"), "2026-03-01T12:20:00.000Z"],
    ["acknowledge, of a script too", {}, "acknowledge", { at: null, isPerson: false }, now.toISOString()],
    ["assess", {}, "assess", byPerson, now.toISOString()],
    ["mitigate now", {}, "mitigate", byPerson, now.toISOString()],
    ["mitigate now, by a script", {}, "mitigate", { at: null, isPerson: false }, null],
    ["mitigate in the past", {}, "mitigate", past("2026-03-01T12:02:00.000Z"), null],
    ["resolve now", {}, "resolve", byPerson, now.toISOString()],
    ["resolve in the past", {}, "resolve", past("2026-03-01T12:40:00.000Z"), null],
    ["resolve what was mitigated before", { mitigatedAt: "2026-03-01T12:02:00.000Z" }, "resolve", byPerson, null],
    ["reopen", { mitigatedAt: "2026-03-01T12:02:00.000Z" }, "reopen", byPerson, now.toISOString()],
  ])("acknowledge only when somebody was seen to look at it: %s", (_, times, command, given, acknowledgedAt) => {
    const { clock } = advance({ ...opened, clock: { ...begun, ...times } }, command, given, now);
    expect(clock.acknowledgedAt).toBe(acknowledgedAt);
    expect(refuseClock(clock, now)).toBeNull();
  });

  test("let what a script reopened be acknowledged without going back", () => {
    const reopened = { ...opened, step: "mitigate" as const };
    expect(allowedCommands(reopened).acknowledge).toBeNull();
    expect(advance(reopened, "acknowledge", byPerson, now)).toMatchObject({
      step: "mitigate",
      clock: { acknowledgedAt: now.toISOString() },
    });
    const mitigated = { ...reopened, clock: { ...begun, mitigatedAt: "2026-03-01T12:02:00.000Z" } };
    expect(allowedCommands(mitigated).acknowledge).toContain("before anybody acknowledged it");
  });

  test("come after all that is known, though this process's clock is behind another's", () => {
    const ahead = { ...opened, clock: { ...begun, detectedAt: "2026-03-01T13:00:02.000Z" } };
    expect(advance(ahead, "acknowledge", byPerson, now).clock.acknowledgedAt).toBe("2026-03-01T13:00:02.000Z");
  });

  test("go back to the mitigation with a reopening, which keeps who acknowledged when", () => {
    const reopened = bring(opened, "acknowledge", "mitigate", "resolve", "document", "reopen");
    expect(reopened).toMatchObject({
      step: "mitigate",
      clock: { acknowledgedAt: now.toISOString(), mitigatedAt: null, resolvedAt: null },
    });
  });
});
