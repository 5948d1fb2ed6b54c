import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { nextTimes } from "#lib/domain/recovery/backups/schedule.ts";
import { scenarioInfos } from "#lib/domain/recovery/objectives/scenarios.ts";
import { subjectName } from "#lib/domain/recovery/schemas.ts";
import { demoProtection } from "./demo-recovery.ts";
import { projectDir } from "./env.ts";

type Variable = { name: string; value?: string; valueFrom?: { secretKeyRef?: object } };
type Relay = {
  kind: string;
  metadata: { annotations: Record<string, string> };
  spec: { template: { spec: { containers: { env: Variable[] }[] } } };
};

const now = new Date("2026-03-31T23:50:00Z");
const { plans, drills } = demoProtection(now);

const documents = parseAllDocuments(readFileSync(join(projectDir, "deploy", "demo", "20-relay.yaml"), "utf8"));
const relay = documents.map((document) => document.toJS() as Relay).find(({ kind }) => kind === "Deployment");

test("what is saved of the demo's relay is what its instances read", () => {
  const env = relay?.spec.template.spec.containers[0]?.env ?? [];
  const variable = (name: string) => env.find((one) => one.name === name);
  const [{ contents }] = plans as [(typeof plans)[number]];
  const { secret: name, key } = contents.postgres?.address ?? {};
  expect(variable("DATABASE_URL")?.valueFrom?.secretKeyRef).toEqual({ name, key });
  expect(variable("REDIS_URL")?.value).toBe(contents.redis?.url);
});

test("of all that the demo's relay depends on the objects are saved, too", () => {
  const dependsOn = relay?.metadata.annotations["switchyard.dev/depends-on"]?.split(", ") ?? [];
  const saved = plans.filter(({ contents }) => contents.objects).map(({ subject }) => subjectName(subject));
  expect(dependsOn.length).toBeGreaterThan(0);
  expect(saved).toEqual(expect.arrayContaining(dependsOn.map((name) => `fleet/${name}`)));
});

test("each plan's schedule keeps the objective that it brings, from the first backup on", () => {
  for (const { cron, rpoSeconds, firstBackupAt } of plans) {
    const times = [firstBackupAt, ...nextTimes(cron, "UTC", firstBackupAt, 50)].map((at) => at.getTime() / 1000);
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? at));
    expect(Math.max(...gaps)).toBeLessThan(rpoSeconds);
  }
});

test("every quarter each drill comes once, and the one before it has ended by then or been given up", () => {
  const due = drills
    .flatMap(({ scenario, cron }) => nextTimes(cron, "UTC", now, 4).map((at) => ({ scenario, at: at.getTime() })))
    .sort((a, b) => a.at - b.at);
  expect(due.map(({ at }) => new Date(at).toISOString().slice(0, 7))).toEqual(
    ["2026-04", "2026-07", "2026-10", "2027-01"].flatMap((month) => drills.map(() => month)),
  );
  for (const [index, { scenario, at }] of due.entries()) {
    const next = due[index + 1]?.at ?? Number.POSITIVE_INFINITY;
    // A drill is given up after twice its objective; a rehearsal strikes nothing.
    if (scenario !== "control-plane") expect(next - at).toBeGreaterThan(2 * scenarioInfos[scenario].objective.rtoSeconds * 1000);
  }
});
