import { describe, expect, it } from "vitest";
import type { Job } from "../job/types.ts";
import { template } from "../test/objects.ts";
import { planCronJob } from "./plan.ts";
import { missedSince, parseSchedule } from "./schedule.ts";
import type { CronJob } from "./types.ts";

const created = "2026-01-01T00:00:00Z";

function cronJob(spec: Partial<CronJob["spec"]> = {}, status: CronJob["status"] = {}): CronJob {
  return {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "backup", namespace: "fleet", uid: "cron-uid", resourceVersion: "1", creationTimestamp: created },
    spec: {
      schedule: "*/5 * * * *",
      jobTemplate: { metadata: { labels: { app: "backup" } }, spec: { template: template() } },
      ...spec,
    },
    status,
  } as CronJob;
}

function job(name: string, end?: "Complete" | "Failed", startTime = created): Job {
  const conditions = end ? [{ type: end, status: "True" as const }] : [];
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace: "fleet", uid: `${name}-uid`, resourceVersion: "1", creationTimestamp: created },
    spec: { template: template() },
    status: { startTime, conditions, ...(end === "Complete" ? { completionTime: startTime } : {}) },
  } as Job;
}

const at = (time: string) => new Date(`2026-01-01T${time}Z`);
const plan = (time: string, cron: CronJob, jobs: Job[] = []) => planCronJob({ cronJob: cron, jobs, now: at(time) });
const reasons = (result: ReturnType<typeof planCronJob>) => result.events.map(({ reason }) => reason);
const activeOf = (...jobs: Job[]) => ({ active: jobs.map(({ metadata }) => ({ name: metadata.name, uid: metadata.uid })) });

describe("a CronJob", () => {
  it("waits for its time, and starts a job named by the minute it was scheduled for", () => {
    expect(plan("00:04:00", cronJob())).toMatchObject({ requeueAfterMs: 60_000 });
    expect(plan("00:04:00", cronJob()).create).toBeUndefined();
    const { create, requeueAfterMs } = plan("00:05:00", cronJob());
    expect(create?.job.metadata).toMatchObject({
      name: `backup-${at("00:05:00").getTime() / 60_000}`,
      labels: { app: "backup" },
      annotations: { "batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-01T00:05:00Z" },
      ownerReferences: [{ kind: "CronJob", uid: "cron-uid", controller: true }],
    });
    expect(requeueAfterMs).toBe(300_000);
  });

  it("starts one job for a time, however often it is looked at", () => {
    expect(plan("00:05:30", cronJob({}, { lastScheduleTime: "2026-01-01T00:05:00Z" })).create).toBeUndefined();
  });

  it("notes the time of a job that a pass made before it was interrupted, so that it runs once although it goes at once", () => {
    const made = plan("00:05:00", cronJob()).create?.job.metadata;
    const name = made?.name ?? "";
    const forgotten = { ...job(name), metadata: { ...job(name).metadata, annotations: made?.annotations } };
    const { create, status } = plan("00:05:10", cronJob(), [forgotten]);
    expect(create).toBeUndefined();
    expect(status).toMatchObject({ active: [{ name }], lastScheduleTime: "2026-01-01T00:05:00Z" });
  });

  it("leaves a job that was made by hand alone, and lets it stand in no other job's way", () => {
    const manual = job("by-hand");
    for (const concurrencyPolicy of ["Forbid", "Replace"] as const) {
      const result = plan("00:05:00", cronJob({ concurrencyPolicy }), [manual]);
      expect([result.create !== undefined, result.replace, result.status.active]).toEqual([true, [], undefined]);
      expect(reasons(result)).toEqual(["UnexpectedJob"]);
    }
  });

  it("makes up for the latest missed time only", () => {
    const { create } = plan("00:17:00", cronJob());
    expect(create?.scheduledAt.toISOString()).toBe("2026-01-01T00:15:00.000Z");
  });

  it("does not make up for a time that is older than startingDeadlineSeconds, and says so", () => {
    const late = plan("00:07:00", cronJob({ startingDeadlineSeconds: 60 }));
    expect(late.create).toBeUndefined();
    expect(reasons(late)).toEqual(["MissSchedule"]);
    expect(plan("00:07:00", cronJob({ startingDeadlineSeconds: 200 })).create).toBeDefined();
  });

  it("warns when more than a hundred times were missed, and starts the latest", () => {
    const result = planCronJob({ cronJob: cronJob(), jobs: [], now: new Date("2026-03-01T00:02:00Z") });
    expect(reasons(result)).toEqual(["TooManyMissedTimes"]);
    expect(result.create?.scheduledAt.toISOString()).toBe("2026-03-01T00:00:00.000Z");
  });

  it("starts nothing while suspended, without a readable schedule or in an unknown time zone", () => {
    expect(plan("00:05:00", cronJob({ suspend: true })).create).toBeUndefined();
    const unreadable = plan("00:05:00", cronJob({ schedule: "every day" }));
    expect([unreadable.create, ...reasons(unreadable)]).toEqual([undefined, "UnparseableSchedule"]);
    expect(reasons(plan("00:05:00", cronJob({ timeZone: "Mars/Olympus" })))).toEqual(["UnknownTimeZone"]);
  });

  it("keeps the hours of its time zone", () => {
    const cron = cronJob({ schedule: "30 6 * * *", timeZone: "Asia/Kolkata" });
    const { create } = plan("01:00:00", cron);
    expect(create?.scheduledAt.toISOString()).toBe("2026-01-01T01:00:00.000Z");
    const annotation = "batch.kubernetes.io/cronjob-scheduled-timestamp";
    expect(create?.job.metadata.annotations?.[annotation]).toBe("2026-01-01T06:30:00+05:30");
  });
});

describe("a CronJob whose last job still runs", () => {
  const running = job("backup-1");

  it("starts another one beside it with Allow", () => {
    const { create, replace } = plan("00:05:00", cronJob({}, activeOf(running)), [running]);
    expect([create !== undefined, replace]).toEqual([true, []]);
  });

  it("waits with Forbid, and serves the missed time once it has ended", () => {
    const waiting = plan("00:05:00", cronJob({ concurrencyPolicy: "Forbid" }, activeOf(running)), [running]);
    expect([waiting.create, ...reasons(waiting)]).toEqual([undefined, "JobAlreadyActive"]);
    const ended = plan("00:07:00", cronJob({ concurrencyPolicy: "Forbid" }, activeOf(running)), [job("backup-1", "Complete")]);
    expect(ended.create?.scheduledAt).toEqual(at("00:05:00"));
  });

  it("deletes it with Replace", () => {
    const { create, replace } = plan("00:05:00", cronJob({ concurrencyPolicy: "Replace" }, activeOf(running)), [running]);
    expect([create !== undefined, replace]).toEqual([true, [running]]);
  });
});

describe("what a CronJob notes", () => {
  it("takes ended and lost jobs from the list of active ones", () => {
    const ended = job("a", "Complete", "2026-01-01T00:01:00Z");
    const { status, events } = plan("00:02:00", cronJob({}, activeOf(ended, job("b"))), [ended]);
    expect(status).toEqual({ lastSuccessfulTime: "2026-01-01T00:01:00Z" });
    expect(events.map(({ message }) => message)).toEqual([
      "Saw completed job: a, condition: Complete",
      "Active job went missing: b",
    ]);
  });

  it("keeps three successful and one failed job by default, the latest", () => {
    const jobs = ["1", "2", "3", "4"].map((n) => job(`good-${n}`, "Complete", `2026-01-01T00:0${n}:00Z`));
    const bad = ["1", "2"].map((n) => job(`bad-${n}`, "Failed", `2026-01-01T00:0${n}:00Z`));
    const { tidy } = plan("00:04:30", cronJob(), [...jobs, ...bad]);
    expect(tidy.map(({ metadata }) => metadata.name)).toEqual(["good-1", "bad-1"]);
    expect(plan("00:04:30", cronJob({ successfulJobsHistoryLimit: 0 }), jobs).tidy).toHaveLength(4);
  });
});

describe("a schedule", () => {
  const next = (text: string, from: string, zone?: string) => parseSchedule(text, zone).next(new Date(from))?.toISOString();

  it.each([
    ["@hourly", "2026-01-01T00:10:00Z", "2026-01-01T01:00:00.000Z"],
    ["@every 1h30m", "2026-01-01T00:10:00Z", "2026-01-01T01:40:00.000Z"],
    ["0 12 * * MON-FRI", "2026-01-03T00:00:00Z", "2026-01-05T12:00:00.000Z"],
    ["0 0 13 * FRI", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00.000Z"],
    ["0 0 ? * 0", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00.000Z"],
  ])("%s comes after %s at %s", (text, from, expected) => expect(next(text, from)).toBe(expected));

  it("knows summer time", () => {
    expect(next("0 9 * * *", "2026-07-01T00:00:00Z", "Europe/Berlin")).toBe("2026-07-01T07:00:00.000Z");
    expect(next("0 9 * * *", "2026-01-01T00:00:00Z", "Europe/Berlin")).toBe("2026-01-01T08:00:00.000Z");
  });

  it.each(["* * * *", "* * * * * *", "61 * * * *", "0 0 L * *", "* * * * 7", "@every fortnight", "@sometimes"])(
    "refuses %j",
    (text) => expect(() => parseSchedule(text)).toThrow(),
  );

  it("finds the latest missed time among years of them", () => {
    const missed = missedSince(parseSchedule("* * * * *"), new Date("2020-01-01T00:00:00Z"), at("00:00:30"));
    expect(missed).toEqual({ count: 101, latest: at("00:00:00") });
  });
});
