import { describe, expect, test } from "vitest";
import type { Clock } from "./clock.ts";
import { advance, allowedCommands, type Standing } from "./progress.ts";
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
const opened: Standing = { step: "detect", clock: begun, needsPostmortem: false };

function bring(standing: Standing, ...commands: IncidentCommand[]): Standing {
  let last = standing;
  for (const command of commands) last = { ...last, ...advance(last, command, null, now) };
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

  test("take the time that a person gives", () => {
    const at = new Date("2026-03-01T12:30:00.000Z");
    expect(advance(opened, "mitigate", at, now).clock).toEqual({
      ...begun,
      acknowledgedAt: at.toISOString(),
      mitigatedAt: at.toISOString(),
    });
  });

  test("leave a mitigation that nobody told unknown, and keep the first acknowledgement", () => {
    const acknowledged = { ...opened, clock: { ...begun, acknowledgedAt: "2026-03-01T12:05:00.000Z" } };
    expect(advance(acknowledged, "resolve", null, now).clock).toMatchObject({
      acknowledgedAt: "2026-03-01T12:05:00.000Z",
      mitigatedAt: null,
      resolvedAt: now.toISOString(),
    });
  });

  test("put an acknowledgement that comes with the end no later than a mitigation that was seen before", () => {
    const mitigated = { ...opened, clock: { ...begun, mitigatedAt: "2026-03-01T12:10:00.000Z" } };
    expect(advance(mitigated, "resolve", null, now).clock.acknowledgedAt).toBe("2026-03-01T12:10:00.000Z");
  });

  test("come after all that is known, though this process's clock is behind another's", () => {
    const ahead = { ...opened, clock: { ...begun, detectedAt: "2026-03-01T13:00:02.000Z" } };
    expect(advance(ahead, "acknowledge", null, now).clock.acknowledgedAt).toBe("2026-03-01T13:00:02.000Z");
  });

  test("go back to the mitigation with a reopening, which keeps who acknowledged when", () => {
    const reopened = bring(opened, "acknowledge", "mitigate", "resolve", "document", "reopen");
    expect(reopened).toMatchObject({
      step: "mitigate",
      clock: { acknowledgedAt: now.toISOString(), mitigatedAt: null, resolvedAt: null },
    });
  });
});
