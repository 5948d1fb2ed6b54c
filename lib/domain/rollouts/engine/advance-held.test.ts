import { describe, expect, test } from "vitest";
import { allowedCommands } from "./run-control.ts";
import { candidatePath, stablePath, templateOf } from "./test-cluster-model.ts";
import {
  analysis,
  answering,
  blueGreen,
  type Case,
  canary,
  cases,
  count,
  ended,
  quick,
  rolling,
  Trial,
  total,
} from "./test-trial.ts";

describe("a pause", () => {
  test("is not over because no controller was there while it lasted", () => {
    const trial = new Trial({ strategy: canary });
    trial.until(({ run }) => run.steps[run.index]?.kind === "pause");
    trial.now = new Date(trial.now.getTime() + 3_600_000);
    const from = trial.now.getTime();
    trial.until(({ run }) => run.steps[run.index]?.kind !== "pause");
    expect(trial.now.getTime() - from).toBeGreaterThanOrEqual(8_000);
  });

  test("lasts its time, and ends when it is promoted", () => {
    const trial = new Trial({ strategy: { ...canary, steps: [{ weight: 50, pauseSeconds: null }] } });
    const { state } = trial.until(({ message }) => message === "Waits until it is promoted.");
    expect(state).toBe("paused");
    trial.now = new Date(trial.now.getTime() + 86_400_000);
    expect(trial.pass().message).toBe("Waits until it is promoted.");
    trial.order("promote");
    expect(trial.until(ended).end?.state).toBe("complete");
  });

  test("of a person stands still until it is resumed", () => {
    const trial = new Trial({ strategy: canary });
    trial.until(({ run }) => run.weight > 0);
    trial.order("pause");
    const { index } = trial.run;
    for (let pass = 0; pass < 60; pass += 1) trial.pass();
    expect(trial.run.index).toBe(index);
    trial.order("resume");
    expect(trial.until(ended).end?.state).toBe("complete");
  });

  test("after so many updated instances holds a rolling update", () => {
    const trial = new Trial({ strategy: { ...rolling, pauseAfter: 2 } });
    expect(trial.until(({ message }) => message.startsWith("Paused with")).message).toBe(
      "Paused with 2 of 5 updated, until it is promoted.",
    );
    trial.order("promote");
    trial.until(ended);
    expect(trial.model.summary()).toMatchObject({ version: "2.1.0", paused: false });
  });
});

describe("a rolling update under way", () => {
  const updated = (trial: Trial) => trial.model.objects.get(stablePath)?.status?.updatedReplicas ?? 0;
  const isAt = (trial: Trial, count_: number) => () => updated(trial) === count_ && trial.model.summary().version === "2.1.0";

  test.each([null, 4])("stands still while a person holds it, and goes on when that is over (pause after %s)", (pauseAfter) => {
    const trial = new Trial({ strategy: { ...rolling, pauseAfter } });
    trial.until(isAt(trial, 2));
    trial.order("pause");
    trial.passes();
    expect(updated(trial)).toBe(2);
    expect(trial.model.summary()).toMatchObject({ paused: true });
    trial.order("resume");
    if (pauseAfter !== null) {
      trial.until(({ message }) => message.startsWith(`Paused with ${pauseAfter}`));
      trial.order("promote");
    }
    expect(trial.until(ended).end?.state).toBe("complete");
    expect(trial.model.summary()).toMatchObject({ version: "2.1.0", paused: false });
    expect(trial.model.objects.get(stablePath)?.metadata.annotations).not.toHaveProperty(["switchyard.dev/rollout-paused"]);
  });

  test("leaves no pause behind when it goes back, also beside a foreign change", () => {
    for (const version of ["2.1.0", "9.9.9"]) {
      const trial = new Trial({ strategy: rolling });
      trial.until(isAt(trial, 2));
      trial.order("pause");
      trial.passes();
      const image = {
        op: "replace",
        path: "/spec/template/spec/containers/0/image",
        value: `switchyard/relay:${version}`,
      } as const;
      templateOf(version);
      trial.model.edit(stablePath, [image]);
      trial.order("abort");
      expect(trial.until(ended).end?.state).toBe("aborted");
      expect(trial.model.summary()).toMatchObject({ version: version === "2.1.0" ? "2.0.0" : version, paused: false });
    }
  });

  test("that fails at its pause and is not to go back by itself takes no further instance until a person decides", () => {
    const strategy = { ...rolling, pauseAfter: 2, stableSeconds: 0, rollbackOnFailure: false, analysis };
    for (const [command, version] of [
      ["abort", "2.0.0"],
      ["resume", "2.1.0"],
    ] as const) {
      const trial = new Trial({ strategy });
      trial.until(({ message }) => message.startsWith("Paused with"));
      answering(trial, "bad", "3 % of 900 requests failed.");
      expect(trial.until(({ run }) => run.hold?.cause === "failed").message).toContain("3 % of 900 requests failed.");
      trial.passes();
      expect(trial.model.summary()).toMatchObject({ paused: true });
      expect(trial.model.objects.get(stablePath)?.status?.updatedReplicas).toBe(2);
      trial.order(command);
      trial.until(({ message }) => command === "abort" || message.startsWith("Paused with"));
      if (command === "resume") trial.order("promote");
      expect(trial.until(ended).end?.state).toBe(command === "abort" ? "aborted" : "complete");
      expect(trial.model.summary()).toMatchObject({ version, paused: false });
    }
  });

  test("goes on over its pause when it is skipped to the end", () => {
    const trial = new Trial({ strategy: { ...rolling, pauseAfter: 2, stableSeconds: 0 } });
    trial.until(({ message }) => message.startsWith("Paused with"));
    expect(allowedCommands("paused", trial.run).skip).toBeNull();
    trial.order("skip");
    expect(trial.until(ended).end?.state).toBe("complete");
  });

  test("that somebody else pauses is not resumed", () => {
    const trial = new Trial({ strategy: rolling });
    trial.until(isAt(trial, 2));
    trial.model.edit(stablePath, [{ op: "add", path: "/spec/paused", value: true }]);
    trial.order("pause");
    trial.passes();
    trial.order("resume");
    expect(trial.pass().message).toBe("Stable was paused by somebody else; resume it.");
    expect(trial.model.summary()).toMatchObject({ paused: true });
  });
});

describe("skipping to the end", () => {
  test("leaves out what is left of a canary, which keeps its size until stable has the new version", () => {
    const trial = new Trial({ strategy: canary, hasService: true });
    trial.until(({ run }) => run.steps[run.index]?.kind === "pause");
    trial.order("skip");
    trial.until(ended, () => expect(trial.model.objects.get(candidatePath)?.spec.replicas ?? 0).toBeLessThanOrEqual(1));
    expect(trial.run.history.map(({ isSkipped }) => isSkipped).filter(Boolean)).toHaveLength(6);
    expect(trial.model.summary()).toMatchObject({ version: "2.1.0", replicas: total });
  });

  test("still switches colours, without a wait", () => {
    const trial = new Trial({ strategy: { ...blueGreen, waitForPromotion: true }, hasService: true });
    trial.until(({ state }) => state === "paused");
    trial.order("skip");
    trial.until(ended);
    expect(trial.events.filter((event) => event.startsWith("traffic"))).toEqual([
      "traffic: All traffic goes to the candidate.",
      "traffic: All traffic goes to stable.",
    ]);
  });
});

describe("analysis", () => {
  test("that fails gives the rollout up, with its sentence, also while a person holds it", () => {
    const trial = new Trial({ strategy: { ...canary, analysis } });
    trial.until(({ run }) => run.steps[run.index]?.kind === "pause");
    trial.order("pause");
    answering(trial, "bad", "3 % of 900 requests failed.");
    const { end } = trial.until(ended);
    expect(end).toEqual({
      state: "aborted",
      message: "Error ratio: 3 % of 900 requests failed. Bad in 2 of 2 measurements, 1 is allowed.",
    });
    expect(trial.model.summary()).toMatchObject({ version: "2.0.0", replicas: total });
  });

  test("without data pauses, and goes on by itself when there are data again, or when a person says so", () => {
    const trial = new Trial({ strategy: { ...canary, analysis } });
    answering(trial, "no-data", "Nothing was asked.");
    expect(trial.until(({ state }) => state === "paused").message).toContain("Error ratio had no verdict for");
    answering(trial, "good");
    expect(trial.until(ended).end?.state).toBe("complete");
    expect(trial.events).toContain("resumed: What held it is over.");

    const excused = new Trial({ strategy: { ...canary, analysis } });
    answering(excused, "no-data");
    excused.until(({ state }) => state === "paused");
    excused.order("resume");
    expect(excused.until(ended).end?.state).toBe("complete");
  });

  test("before the switch keeps traffic from the candidate, and after it sends traffic back", () => {
    const strategy = { ...blueGreen, prePromotion: { ...analysis, count: 1 }, postPromotion: { ...analysis, count: 3 } };
    const trial = new Trial({ strategy, hasService: true });
    answering(trial, "good");
    trial.until(({ run }) => run.weight === 100);
    answering(trial, "bad", "Half of 80 requests failed.");
    expect(trial.until(({ run }) => run.abort !== null).message).toContain("Half of 80 requests failed.");
    trial.pass();
    expect(trial.model.served()).toEqual({ "2.0.0": total });
    expect(trial.until(ended).end?.state).toBe("aborted");
  });
});

describe("a foreign change", () => {
  const image = "/spec/template/spec/containers/0/image";
  const change = (image_: string) => [{ op: "replace", path: image, value: image_ }] as const;

  test("of stable's template holds the rollout, and ends with the change", () => {
    const trial = new Trial({ strategy: canary });
    trial.until(({ run }) => run.weight > 0);
    trial.model.edit(stablePath, [...change("switchyard/relay:9.9.9")]);
    expect(trial.until(({ run }) => run.hold?.cause === "foreign-change").writes).toEqual([]);
    trial.model.edit(stablePath, [...change("switchyard/relay:2.0.0")]);
    expect(trial.until(ended).end?.state).toBe("complete");
  });

  const pinned: [string, Case, string, (trial: Trial) => boolean][] = [
    ["stable's, beside a canary by route", cases[2]?.[1] ?? { strategy: quick }, stablePath, ({ run }) => run.weight === 10],
    ["stable's, before the switch", cases[4]?.[1] ?? { strategy: blueGreen }, stablePath, ({ run }) => run.index === 1],
    [
      "the candidate's, after the switch",
      cases[4]?.[1] ?? { strategy: blueGreen },
      candidatePath,
      ({ run }) => run.weight === 100,
    ],
  ];
  describe.each(pinned)("of %s template", (_, one, path, isThere) => {
    test.each(["abort", "resume"] as const)("leaves the Service its instances, and %s as well", (command) => {
      const trial = new Trial(one);
      const serves = () => expect(count(trial.model.served())).toBeGreaterThanOrEqual(total);
      trial.until(() => isThere(trial));
      trial.model.edit(path, [...change("switchyard/relay:9.9.9")]);
      for (let pass = 0; pass < 20; pass += 1) {
        trial.pass();
        serves();
      }
      expect(trial.run.hold?.cause).toBe("foreign-change");
      trial.order(command);
      expect(trial.until(ended, serves).end?.state).toBe(command === "abort" ? "aborted" : "complete");
      expect(trial.model.summary()).toMatchObject({
        objects: expect.not.arrayContaining([candidatePath]),
        selector: { app: "relay" },
      });
    });

    test("leaves the Service its instances when it is aborted at once", () => {
      const trial = new Trial(one);
      trial.until(() => isThere(trial));
      trial.model.edit(path, [...change("switchyard/relay:9.9.9")]);
      trial.order("abort");
      trial.until(ended, () => expect(count(trial.model.served())).toBeGreaterThanOrEqual(total));
    });
  });

  test("is a return to the version before, too, once stable has the new one", () => {
    const trial = new Trial({ strategy: rolling });
    trial.until(({ run }) => run.steps[run.index]?.kind === "pause");
    trial.model.edit(stablePath, [...change("switchyard/relay:2.0.0")]);
    expect(trial.pass().run.hold?.cause).toBe("foreign-change");
  });

  test("stays when the rollout is aborted", () => {
    const trial = new Trial({ strategy: canary });
    trial.until(({ run }) => run.weight > 0);
    templateOf("9.9.9");
    trial.model.edit(stablePath, [...change("switchyard/relay:9.9.9")]);
    trial.pass();
    trial.order("abort");
    trial.until(ended);
    expect(trial.model.summary()).toMatchObject({ version: "9.9.9", objects: [stablePath] });
  });

  test("of the candidate's template holds the rollout; a Deployment of its name that is not ours is left alone", () => {
    const trial = new Trial({ strategy: canary });
    trial.until(({ run }) => run.weight > 0);
    trial.model.edit(candidatePath, [...change("switchyard/relay:9.9.9")]);
    expect(trial.pass().run.hold?.message).toContain("changed the template of relay-candidate");
    trial.model.edit(candidatePath, [{ op: "replace", path: "/metadata/labels", value: {} }]);
    trial.order("abort");
    trial.until(ended);
    expect(trial.model.objects.has(candidatePath)).toBe(true);
  });
});
