import { describe, expect, test } from "vitest";
import type { Workload } from "#lib/kubernetes/objects.ts";
import { startRun } from "./compile-steps.ts";
import { candidatePath, stablePath } from "./test-cluster-model.ts";
import {
  analysis,
  answering,
  blueGreen,
  type Case,
  canary,
  count,
  ended,
  rolling,
  Trial,
  total,
  virtualService,
} from "./test-trial.ts";

describe("a rollout without progress", () => {
  test("goes back after its deadline, with what is wrong", () => {
    const trial = new Trial({ strategy: { ...canary, progressDeadlineSeconds: 30 } });
    const before = trial.model.summary();
    trial.model.broken = "2.1.0";
    trial.model.failing = "1 instance is in ImagePullBackOff";
    expect(trial.until(ended).end).toEqual({
      state: "aborted",
      message: "No progress for 31 s: 0 of 1 candidate instances are available; 1 instance is in ImagePullBackOff.",
    });
    expect(trial.model.summary()).toEqual(before);
  });

  test("goes back after its deadline, too, when instances come and go, on either side", () => {
    const trial = new Trial({ strategy: { ...canary, steps: [{ weight: 50, pauseSeconds: 1 }], progressDeadlineSeconds: 30 } });
    let passes = 0;
    const flap = () => {
      passes += 1;
      for (const [path, most] of [
        [candidatePath, 2],
        [stablePath, total],
      ] as const) {
        const { status } = trial.model.objects.get(path) ?? {};
        if (status) status.availableReplicas = Math.min(most - (passes % 2), status.availableReplicas ?? 0);
      }
    };
    expect(trial.until(({ run }) => run.abort !== null, flap).message).toMatch(/^No progress for 31 s: [12] of 3 candidate/);
    expect(passes).toBeLessThan(50);
  });

  test("is none while each instance of a slow rolling update takes less than the deadline", () => {
    const trial = new Trial({ strategy: { ...rolling, progressDeadlineSeconds: 30 } });
    const end = trial.until(ended, () => {
      if (trial.run.steps[trial.run.index]?.kind === "update") trial.now = new Date(trial.now.getTime() + 15_000);
    });
    expect(end.end?.state).toBe("complete");
  });

  test("does not count the time in which no controller was there, neither for the deadline nor for the way back", () => {
    const trial = new Trial({ strategy: { ...canary, progressDeadlineSeconds: 30 } });
    const away = () => {
      trial.now = new Date(trial.now.getTime() + 600_000);
    };
    trial.model.broken = "2.1.0";
    for (let pass = 0; pass < 10; pass += 1) trial.pass();
    away();
    expect(trial.pass().end).toBeNull();
    expect(trial.events.at(-1)).toBe("absent: No controller looked after it for 10 m 5 s; that time does not count.");
    expect(trial.until(({ run }) => run.abort !== null).message).toMatch(/^No progress for 31 s/);
    away();
    expect(trial.until(ended).end?.state).toBe("aborted");
  });

  test("stays as it is where a rolling update is not to go back", () => {
    const trial = new Trial({ strategy: { ...rolling, rollbackOnFailure: false, progressDeadlineSeconds: 30 } });
    trial.model.broken = "2.1.0";
    expect(trial.until(({ run }) => run.hold !== null).message).toContain("No progress for 31 s");
    trial.passes();
    expect(trial.model.summary()).toMatchObject({ version: "2.1.0", paused: true });

    const measured = new Trial({ strategy: { ...rolling, rollbackOnFailure: false, analysis, stableSeconds: 60 } });
    answering(measured, "bad");
    expect(measured.until(({ run }) => run.hold !== null)).toMatchObject({
      state: "paused",
      message: expect.stringContaining("2 of 2 measurements"),
    });
    expect(measured.model.summary()).toMatchObject({ version: "2.1.0" });
  });
});

describe("a candidate that has traffic and no available instance any more", () => {
  const slow = { ...blueGreen, scaleDownDelaySeconds: 60 };
  const byRoute = { strategy: canary, hasService: true, route: virtualService };
  const dies = (trial: Trial) => {
    trial.model.broken = "2.1.0";
    trial.model.tick();
  };
  const isDeleted = (trial: Trial) => trial.model.objects.delete(candidatePath);
  const losses: [string, Case, (trial: Trial) => boolean, (trial: Trial) => void, string][] = [
    ["dies after the switch", { strategy: slow, hasService: true }, ({ run }) => run.weight === 100, dies, "None of"],
    ["is deleted after the switch", { strategy: slow, hasService: true }, ({ run }) => run.weight === 100, isDeleted, "deleted"],
    ["dies with a part of a route", byRoute, ({ run }) => run.weight === 50, dies, "None of"],
    ["is deleted with a part of a route", byRoute, ({ run }) => run.weight === 50, isDeleted, "deleted"],
    ["dies while stable is replaced", byRoute, ({ model }) => model.summary().version === "2.1.0", dies, "None of"],
  ];

  test.each(losses)("and %s is given up at once, and stable serves", (_, one, isThere, lose, why) => {
    for (const isHeld of [false, true]) {
      const trial = new Trial(one);
      const before = trial.model.summary();
      trial.until(() => isThere(trial));
      if (isHeld) trial.order("pause");
      lose(trial);
      for (let pass = 0; pass < 3; pass += 1) trial.pass();
      expect(trial.run.abort?.message).toContain(why);
      expect(JSON.stringify(trial.model.summary().route)).not.toContain("relay-candidate");
      trial.until(ended, () => expect(count(trial.model.served())).toBeGreaterThan(0));
      expect(trial.last?.end?.state).toBe("aborted");
      expect(trial.model.summary()).toEqual({ ...before, objects: expect.any(Array) });
    }
  });
});

describe("a way back", () => {
  test("on which the candidate leaves stable no room ends after the deadline, with everything as before", () => {
    const trial = new Trial({ strategy: { ...canary, progressDeadlineSeconds: 30 }, hasService: true });
    const before = trial.model.summary();
    trial.until(({ run }) => run.weight === 50 || run.weight === 60);
    trial.model.room = total;
    trial.order("abort");
    trial.until(ended, () => expect(count(trial.model.served())).toBeGreaterThanOrEqual(2));
    expect(trial.last?.end?.state).toBe("aborted");
    expect(trial.model.summary()).toEqual(before);
  });

  test.each([
    ["blue-green", { strategy: { ...blueGreen, scaleDownDelaySeconds: 60, progressDeadlineSeconds: 30 }, hasService: true }, ""],
    [
      "a canary by route",
      { strategy: { ...canary, progressDeadlineSeconds: 30 }, hasService: true, route: virtualService },
      ", and 100 % of the route lead to it",
    ],
  ])(
    "to a stable that cannot start any more is given up for %s, and the Service has the instances that there are",
    (_, one, left) => {
      const trial = new Trial(one);
      trial.until(({ run }) => run.weight === 100);
      trial.model.broken = "2.0.0";
      for (let pass = 0; pass < 3; pass += 1) trial.pass();
      trial.order("abort");
      trial.until(ended);
      const message = expect.stringMatching(
        new RegExp(
          `^Aborted by olga: so\\. The way back is left as it is, without progress for .*: 0 of 5 .* The Deployment relay-candidate is left${left}\\.$`,
        ),
      );
      expect(trial.last?.end).toEqual({ state: "failed", message });
      expect(trial.model.summary()).toMatchObject({ selector: { app: "relay" } });
      expect(trial.model.served()).toMatchObject({ "2.1.0": total });
    },
  );

  test("that was given up with a share of the route left keeps the next rollout from removing the candidate", () => {
    const trial = new Trial({ strategy: canary, hasService: true, route: virtualService });
    trial.until(({ run }) => run.weight === 50);
    trial.run = startRun(rolling, trial.model.objects.get(stablePath) as unknown as Workload, trial.now);
    expect(trial.until(ended).end).toEqual({
      state: "failed",
      message: "The VirtualService relay still gives 50 % to relay-candidate. Take that out of it first.",
    });
    expect(trial.model.objects.has(candidatePath)).toBe(true);
  });

  test("of a rolling update whose version before is broken, too, is given up", () => {
    const trial = new Trial({ strategy: { ...rolling, progressDeadlineSeconds: 30 } });
    trial.model.broken = "2.1.0";
    trial.until(({ run }) => run.abort !== null);
    trial.model.broken = "2.0.0";
    trial.until(ended);
    expect(trial.last?.end).toEqual({ state: "failed", message: expect.stringContaining("The way back is left as it is") });
  });
});
