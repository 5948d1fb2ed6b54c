import { describe, expect, test } from "vitest";
import { goBack, nextStep, planRun, type RestoreRun, type StepKey, touchedSteps, withStep } from "./run.ts";

const at = new Date("2026-01-01T00:00:00Z");
const all = ["postgres", "redis", "objects"];
const keys = ({ steps }: RestoreRun) => steps.map(({ key }) => key);
const states = ({ steps }: RestoreRun) => Object.fromEntries(steps.map(({ key, state }) => [key, state]));
const problem = { message: "The disk is full.", isCancelled: false };
const relay = { kind: "Deployment", namespace: "fleet", name: "relay", replicas: 3 } as const;

/** The run when all steps before this one are done and it is under way. */
function at_(run: RestoreRun, key: StepKey): RestoreRun {
  let now = run;
  for (const step of run.steps) {
    if (step.key === key) return withStep(now, key, { state: "running" });
    now = withStep(now, step.key, { state: "done" });
  }
  throw new Error(`There is no step ${key}.`);
}

describe("the steps of a restore", () => {
  test("over the present save it first, and stop what writes until the answers were compared", () => {
    const run = planRun({ mode: "in-place", parts: all, isPresentLost: false });
    expect(keys(run)).toEqual(["check", "save", "stop", "postgres", "redis", "objects", "compare", "start", "clean"]);
  });

  test("put objects before their data where nothing is left", () => {
    const run = planRun({ mode: "in-place", parts: all, isPresentLost: true });
    expect(keys(run)).toEqual(["check", "save", "stop", "objects", "postgres", "redis", "compare", "start", "clean"]);
  });

  test("stop nothing when no data are restored", () => {
    expect(keys(planRun({ mode: "in-place", parts: ["objects"], isPresentLost: false }))).toEqual([
      "check",
      "save",
      "objects",
      "compare",
    ]);
  });

  test("into another namespace make the objects, fill in their data, and only then start what reads them", () => {
    expect(keys(planRun({ mode: "namespace", parts: all, isPresentLost: false }))).toEqual([
      "check",
      "objects",
      "postgres",
      "redis",
      "compare",
      "start",
    ]);
    expect(keys(planRun({ mode: "namespace", parts: ["objects"], isPresentLost: false }))).toEqual([
      "check",
      "objects",
      "compare",
    ]);
  });

  test("into scratch are one", () => {
    expect(keys(planRun({ mode: "scratch", parts: all, isPresentLost: false }))).toEqual(["prove"]);
  });
});

describe("the way back", () => {
  const planned = { ...planRun({ mode: "in-place", parts: all, isPresentLost: false }), stopped: [relay] };

  test("takes back what was written, the last first, and then starts what was stopped", () => {
    const back = goBack(at_(planned, "redis"), "in-place", problem, at);
    expect(touchedSteps(back)).toEqual(["redis", "postgres"]);
    expect(states(back)).toMatchObject({ redis: "failed", objects: "skipped", compare: "skipped", clean: "skipped" });
    expect(nextStep(back)?.key).toBe("take-back");
    expect(nextStep(withStep(back, "take-back", { state: "failed" }))?.key).toBe("start");
    expect(nextStep(withStep(withStep(back, "take-back", { state: "failed" }), "start", { state: "done" }))).toBeNull();
  });

  test("only starts what was stopped when nothing was written yet", () => {
    const back = goBack(at_(planned, "stop"), "in-place", problem, at);
    expect(keys(back)).not.toContain("take-back");
    expect(nextStep(back)?.key).toBe("start");
  });

  test("does nothing when nothing was stopped yet", () => {
    const back = goBack({ ...at_(planned, "save"), stopped: null }, "in-place", problem, at);
    expect(nextStep(back)).toBeNull();
  });

  test("takes back objects also where no step starts anything", () => {
    const run = planRun({ mode: "in-place", parts: ["objects"], isPresentLost: false });
    const back = goBack(at_(run, "compare"), "in-place", problem, at);
    expect(nextStep(back)?.key).toBe("take-back");
  });

  test("starts nothing in another namespace, whose data are not whole", () => {
    const run = { ...planRun({ mode: "namespace", parts: all, isPresentLost: false }), stopped: [relay] };
    expect(nextStep(goBack(at_(run, "postgres"), "namespace", problem, at))).toBeNull();
  });

  test("goes on after a kill where it was", () => {
    const back = goBack(at_(planned, "compare"), "in-place", problem, at);
    const killed = withStep(back, "take-back", { state: "running" });
    expect(nextStep(structuredClone(killed))?.key).toBe("take-back");
    expect(touchedSteps(killed)).toEqual(["objects", "redis", "postgres"]);
  });
});
