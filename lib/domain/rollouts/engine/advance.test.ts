import { describe, expect, test } from "vitest";
import type { Workload } from "#lib/kubernetes/objects.ts";
import { type Analysis, defaultStrategies, type Strategy } from "../strategy.ts";
import { type Advance, advance, giveUp } from "./advance.ts";
import { startRun } from "./compile-steps.ts";
import type { RolloutRun } from "./run.ts";
import type { Measured } from "./run-analyses.ts";
import { allowedCommands, orderRun } from "./run-control.ts";
import {
  ClusterModel,
  candidatePath,
  routePath,
  servicePath,
  servicesPath,
  stablePath,
  templateOf,
} from "./test-cluster-model.ts";
import type { RouteObject } from "./traffic.ts";

const analysis: Analysis = {
  metrics: ["error-ratio"],
  intervalSeconds: 5,
  count: null,
  failureLimit: 1,
  noDataLimit: 2,
  errorLimit: 4,
  minimumSamples: 50,
  windowSeconds: 30,
};
const canary = {
  ...defaultStrategies.canary,
  steps: [
    { weight: 10, pauseSeconds: 10 },
    { weight: 50, pauseSeconds: 10 },
    { weight: 100, pauseSeconds: 10 },
  ],
  analysis: null,
} satisfies Strategy;
const small = { ...canary, steps: [{ weight: 10, pauseSeconds: 2 }] } satisfies Strategy;
const blueGreen = {
  ...defaultStrategies["blue-green"],
  previewReplicas: 1,
  prePromotion: null,
  postPromotion: null,
  scaleDownDelaySeconds: 2,
} satisfies Strategy;
const rolling = { ...defaultStrategies.rolling, stableSeconds: 5 } satisfies Strategy;

const virtualService = {
  kind: "VirtualService",
  metadata: {},
  spec: { http: [{ route: [{ destination: { host: "relay" } }] }] },
} as unknown as RouteObject;

const quick = { ...canary, steps: canary.steps.map((step) => ({ ...step, pauseSeconds: 2 })) } satisfies Strategy;

const total = 5;
const target = { template: templateOf("2.1.0"), before: templateOf("2.0.0") };

type Case = { strategy: Strategy; hasService?: boolean; route?: RouteObject };

/** A rollout with its cluster; a pass is one second. */
class Trial {
  readonly model: ClusterModel;
  readonly strategy: Strategy;
  readonly events: string[] = [];
  run: RolloutRun;
  now = new Date("2026-01-01T00:00:00Z");
  last: Advance | null = null;
  measure: (at: Date) => Measured[] = () => [];

  constructor({ strategy, ...options }: Case) {
    this.model = new ClusterModel({ replicas: total, ...options });
    this.strategy = strategy;
    this.run = startRun(strategy, this.model.objects.get(stablePath) as unknown as Workload, this.now);
  }

  /** One pass; `isLost`: the controller dies after its writes, before it stores. */
  pass(isLost = false): Advance {
    const { run, strategy, model, now } = this;
    const measured = this.measure(now);
    const result = advance({ rolloutId: "r1", run, strategy, target, world: model.world(run.before), measured, now });
    model.apply(result.writes);
    if (!isLost) {
      this.run = JSON.parse(JSON.stringify(result.run));
      this.events.push(...result.events.map(({ kind, message }) => `${kind}: ${message}`));
      this.last = result;
    }
    model.tick();
    this.now = new Date(now.getTime() + 1_000);
    return result;
  }

  until(isSo: (result: Advance) => boolean, each: () => void = () => undefined): Advance {
    for (let passes = 0; passes < 500; passes += 1) {
      const result = this.pass();
      each();
      if (isSo(result)) return result;
      if (result.end) break;
    }
    throw new Error(`it is at: ${this.last?.message}`);
  }

  order(command: "promote" | "skip" | "abort" | "pause" | "resume"): void {
    const world = this.model.world(this.run.before);
    this.run = orderRun(this.run, command, { by: "olga", reason: "so", now: this.now, world }).run;
  }
}

const ended = ({ end }: Advance) => end !== null;

const cases: [string, Case][] = [
  ["a canary by instances", { strategy: quick, hasService: true }],
  ["a small canary by instances", { strategy: small }],
  ["a canary by route", { strategy: quick, hasService: true, route: virtualService }],
  ["a small canary by route", { strategy: small, hasService: true, route: virtualService }],
  ["blue-green", { strategy: blueGreen, hasService: true }],
  ["a rolling update", { strategy: rolling, hasService: true }],
];

describe.each(cases)("%s", (_, one) => {
  test("ends with the new version in all instances, and everything else as before", () => {
    const trial = new Trial(one);
    const before = trial.model.summary();
    expect(trial.until(ended).end).toEqual({ state: "complete", message: "All 5 instances run the new version." });
    expect(trial.model.summary()).toEqual({ ...before, version: "2.1.0" });
  });

  test("never leaves the Service fewer instances than before", () => {
    const trial = new Trial(one);
    trial.until(ended, () => expect(count(trial.model.served())).toBeGreaterThanOrEqual(total));
  });

  test("can be aborted in any pass, and everything is as before, with no fewer instances in between", () => {
    const passes = countPasses(one);
    for (let at = 0; at < passes; at += 1) {
      const trial = new Trial(one);
      const before = trial.model.summary();
      for (let pass = 0; pass < at; pass += 1) trial.pass();
      trial.run = giveUp(trial.run, { message: "Enough.", by: "olga" }, trial.now);
      const { end } = trial.until(ended, () => expect(count(trial.model.served())).toBeGreaterThanOrEqual(total));
      expect(end).toEqual({ state: "aborted", message: "Enough." });
      expect(trial.model.summary()).toEqual(before);
    }
  });

  test("writes the same when its controller dies after every write, and nothing twice", () => {
    const trial = new Trial(one);
    trial.until(ended);
    const crashing = new Trial(one);
    for (let passes = 0; passes < 500 && !crashing.last?.end; passes += 1) {
      const writes = crashing.model.written.length;
      crashing.pass(true);
      if (crashing.model.written.length === writes) crashing.pass();
    }
    expect(crashing.model.written).toEqual(trial.model.written);
    expect(crashing.model.summary()).toEqual(trial.model.summary());
  });
});

function count(served: Record<string, number>): number {
  return Object.values(served).reduce((sum, one) => sum + one, 0);
}

function countPasses(one: Case): number {
  const trial = new Trial(one);
  let passes = 0;
  trial.until(ended, () => {
    passes += 1;
  });
  return passes;
}

describe("traffic", () => {
  test("goes to no candidate before its weight, by route or after a switch", () => {
    for (const one of [cases[2], cases[4]]) {
      const trial = new Trial(one?.[1] ?? { strategy: blueGreen });
      const isPrepared = ({ run }: Advance) => run.steps[run.index]?.kind === "weight" || run.steps[run.index]?.kind === "switch";
      trial.until(isPrepared, () => expect(trial.model.served()).toEqual({ "2.0.0": total }));
      expect(trial.model.objects.get(candidatePath)?.status?.availableReplicas).toBeGreaterThan(0);
    }
  });

  test("is shared by the weights of the route, with the header's requests for the candidate", () => {
    const strategy = { ...canary, header: { name: "X-Canary", value: "yes" } };
    const trial = new Trial({ strategy, hasService: true, route: virtualService });
    trial.until(({ run }) => run.weight === 10);
    expect(trial.model.summary()).toMatchObject({
      route: [
        { match: [{ headers: { "x-canary": { exact: "yes" } } }], route: [{ destination: { host: "relay-candidate" } }] },
        {
          route: [
            { destination: { host: "relay" }, weight: 90 },
            { destination: { host: "relay-candidate" }, weight: 10 },
          ],
        },
      ],
    });
  });
});

describe("a route that somebody else edits", () => {
  const other = { match: [{ uri: { exact: "/metrics" } }], route: [{ destination: { host: "metrics" } }] };
  const edit = (trial: Trial) => {
    const http = trial.model.objects.get(routePath)?.spec.http as unknown[];
    trial.model.edit(routePath, [{ op: "replace", path: "/spec/http", value: [other, ...http] }]);
  };

  test.each(["the rollout is complete", "it is aborted"])("keeps the edit when %s", (how) => {
    const trial = new Trial({ strategy: quick, hasService: true, route: virtualService });
    trial.until(({ run }) => run.weight === 50);
    edit(trial);
    if (how === "it is aborted") trial.order("abort");
    trial.until(ended);
    expect(trial.model.summary()).toMatchObject({ route: [other, { route: [{ destination: { host: "relay" } }] }] });
  });
});

describe("a pause", () => {
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
  const passes = (trial: Trial) => {
    for (let pass = 0; pass < 30; pass += 1) trial.pass();
  };

  test.each([null, 4])("stands still while a person holds it, and goes on when that is over (pause after %s)", (pauseAfter) => {
    const trial = new Trial({ strategy: { ...rolling, pauseAfter } });
    trial.until(isAt(trial, 2));
    trial.order("pause");
    passes(trial);
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
      passes(trial);
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

  test("leaves no pause behind when it fails where it is", () => {
    const trial = new Trial({ strategy: { ...rolling, pauseAfter: 2, rollbackOnFailure: false, analysis } });
    trial.until(({ message }) => message.startsWith("Paused with"));
    answering(trial, "bad");
    expect(trial.until(ended).end?.state).toBe("failed");
    expect(trial.model.summary()).toMatchObject({ paused: false });
    expect(trial.events.filter((event) => event.startsWith("ended"))).toHaveLength(1);
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
    passes(trial);
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

/** Measures as often as is due. */
function answering(trial: Trial, verdict: Measured["verdict"], message = "It is so.") {
  trial.measure = (at) =>
    trial.run.analyses
      .filter(({ isOver, state }) => !isOver && Date.parse(state.dueAt) <= at.getTime())
      .map(({ step }) => ({ step, metric: "error-ratio", verdict, message }));
}

describe("analysis", () => {
  test("that fails gives the rollout up, with its sentence, also while a person holds it", () => {
    const trial = new Trial({ strategy: { ...canary, analysis } });
    trial.until(({ run }) => run.steps[run.index]?.kind === "pause");
    trial.order("pause");
    answering(trial, "bad", "3 % of 900 requests failed.");
    const { end } = trial.until(ended);
    expect(end).toEqual({
      state: "aborted",
      message: "error-ratio was bad in 2 of 2 measurements, and 1 is allowed: 3 % of 900 requests failed.",
    });
    expect(trial.model.summary()).toMatchObject({ version: "2.0.0", replicas: total });
  });

  test("without data pauses, and goes on by itself when there are data again, or when a person says so", () => {
    const trial = new Trial({ strategy: { ...canary, analysis } });
    answering(trial, "no-data", "Nothing was asked.");
    expect(trial.until(({ state }) => state === "paused").message).toContain("error-ratio had no verdict for");
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
      if (trial.run.steps[trial.run.index]?.kind === "update") trial.now = new Date(trial.now.getTime() + 20_000);
    });
    expect(end.end?.state).toBe("complete");
  });

  test("stays as it is where a rolling update is not to go back", () => {
    const trial = new Trial({ strategy: { ...rolling, rollbackOnFailure: false, progressDeadlineSeconds: 30 } });
    trial.model.broken = "2.1.0";
    expect(trial.until(ended).end?.state).toBe("failed");
    expect(trial.model.summary()).toMatchObject({ version: "2.1.0" });

    const measured = new Trial({ strategy: { ...rolling, rollbackOnFailure: false, analysis, stableSeconds: 60 } });
    answering(measured, "bad");
    expect(measured.until(ended).end).toMatchObject({ state: "failed", message: expect.stringContaining("2 of 2 measurements") });
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

describe("an autoscaler", () => {
  test("that moves holds the next step until it stands still", () => {
    const trial = new Trial({ strategy: canary });
    trial.model.autoscaler = { name: "relay", movement: "The autoscaler relay is changing relay from 5 to 6 instances." };
    expect(trial.until(({ state }) => state === "paused").run.hold?.cause).toBe("autoscaler");
    const { index } = trial.run;
    for (let pass = 0; pass < 20; pass += 1) trial.pass();
    expect(trial.run.index).toBe(index);
    trial.model.autoscaler = { name: "relay", movement: null };
    expect(trial.until(ended).end?.state).toBe("complete");
  });

  test("sets the number of stable's instances, but for the time in which the candidate has all of the traffic", () => {
    const trial = new Trial({ strategy: canary });
    trial.model.autoscaler = { name: "relay", movement: null };
    const sizes: (number | undefined)[] = [];
    trial.until(ended, () => {
      const size = trial.model.objects.get(stablePath)?.spec.replicas;
      if (size !== sizes.at(-1)) sizes.push(size);
    });
    expect(sizes).toEqual([5, 0, 5]);
  });
});

test("stable that an autoscaler has made small without traffic is as large as before when it gets all of it back", () => {
  const trial = new Trial({ strategy: { ...blueGreen, scaleDownDelaySeconds: 60 }, hasService: true });
  trial.model.autoscaler = { name: "relay", movement: null };
  trial.until(({ run }) => run.weight === 100);
  trial.model.edit(stablePath, [{ op: "replace", path: "/spec/replicas", value: 2 }]);
  for (let pass = 0; pass < 5; pass += 1) trial.pass();
  trial.order("abort");
  trial.until(ended);
  expect(trial.model.summary()).toMatchObject({ version: "2.0.0", replicas: total, selector: { app: "relay" } });
});

describe.each([
  ["blue-green", { strategy: { ...blueGreen, scaleDownDelaySeconds: 60 }, hasService: true }],
  ["a canary by route", { strategy: canary, hasService: true, route: virtualService }],
])("stable that somebody has scaled down while %s had all of the traffic", (_, one) => {
  const shrunk = (replicas: number) => {
    const trial = new Trial(one);
    trial.until(({ run }) => run.weight === 100);
    trial.model.edit(stablePath, [{ op: "replace", path: "/spec/replicas", value: replicas }]);
    for (let pass = 0; pass < 5; pass += 1) trial.pass();
    return trial;
  };
  const isServed = (trial: Trial) => () => {
    const { route } = trial.model.summary();
    const isDivided = JSON.stringify(route).includes("relay-candidate");
    if (!isDivided) expect(count(trial.model.served())).toBeGreaterThanOrEqual(total - 1);
  };

  test.each([0, 2])("to %i is as large as before when an abort gives it back", (replicas) => {
    const trial = shrunk(replicas);
    trial.order("abort");
    expect(trial.until(ended, isServed(trial)).end?.state).toBe("aborted");
    expect(trial.model.summary()).toMatchObject({ version: "2.0.0", replicas: total });
  });

  test.each([0, 2])("to %i is as large as before when it gets it with the new version", (replicas) => {
    const trial = shrunk(replicas);
    expect(trial.until(ended, isServed(trial)).end?.state).toBe("complete");
    expect(trial.model.summary()).toMatchObject({ version: "2.1.0", replicas: total });
  });
});

test("a route gives nothing back to a stable without instances", () => {
  const trial = new Trial({ strategy: canary, hasService: true, route: virtualService });
  const { route } = trial.model.summary();
  trial.until(({ run }) => run.weight === 50);
  trial.model.edit(stablePath, [{ op: "replace", path: "/spec/replicas", value: 0 }]);
  for (let pass = 0; pass < 5; pass += 1) trial.pass();
  trial.order("abort");
  trial.until(ended, () => {
    const isBack = JSON.stringify(trial.model.summary().route) === JSON.stringify(route);
    if (isBack) expect(trial.model.objects.get(stablePath)?.status?.availableReplicas).toBeGreaterThanOrEqual(3);
  });
  expect(trial.model.summary()).toMatchObject({ version: "2.0.0", replicas: total, route });
});

test.each([
  ["the selector", { strategy: blueGreen, hasService: true }],
  ["the route", { strategy: canary, hasService: true, route: virtualService }],
])("a workload that is deleted ends the rollout, with %s as before", (_, one) => {
  const trial = new Trial(one);
  const { selector, route } = trial.model.summary();
  trial.until(({ run }) => run.weight > 0);
  trial.model.objects.delete(stablePath);
  expect(trial.until(ended).end).toEqual({ state: "failed", message: "The workload was deleted." });
  expect(trial.model.summary()).toMatchObject({ selector, route });
});

test("a workload that is deleted together with its Service still leaves the route as before", () => {
  const trial = new Trial({ strategy: canary, hasService: true, route: virtualService });
  const { route } = trial.model.summary();
  trial.until(({ run }) => run.weight > 0);
  for (const path of [stablePath, servicePath]) trial.model.objects.delete(path);
  expect(trial.until(ended).end?.message).toBe("The workload was deleted.");
  expect(trial.model.summary()).toMatchObject({ route });
});

test.each([
  ["Service", servicePath],
  ["route", routePath],
])("a %s that is deleted meanwhile does not keep an abort from its end", (_, path) => {
  const trial = new Trial({ strategy: canary, hasService: true, route: virtualService });
  const before = trial.model.summary();
  trial.until(({ run }) => run.weight > 0);
  trial.model.objects.delete(path);
  trial.order("abort");
  expect(trial.until(ended).end?.state).toBe("aborted");
  const gone = path === routePath ? { route: null } : { selector: null };
  expect(trial.model.summary()).toMatchObject({ ...before, ...gone, objects: expect.not.arrayContaining([candidatePath]) });
});

test("a strategy that the service cannot have fails before anything is written", () => {
  const byRoute = new Trial({ strategy: { ...canary, traffic: "route" }, hasService: true });
  expect(byRoute.until(ended).end).toMatchObject({ state: "failed", message: expect.stringContaining("No VirtualService") });
  const noService = new Trial({ strategy: blueGreen });
  expect(noService.until(ended).end).toMatchObject({ state: "failed", message: expect.stringContaining("No Service") });
  expect([...byRoute.model.written, ...noService.model.written]).toEqual([]);
});

const second = {
  metadata: { name: "relay-metrics", namespace: "fleet" },
  spec: { selector: { app: "relay" }, ports: [{ port: 90 }] },
};

test.each<[string, Case, string]>([
  ["blue-green", { strategy: blueGreen, hasService: true }, "failed"],
  ["a canary by route", { strategy: quick, hasService: true, route: virtualService }, "failed"],
  ["a canary by instances", { strategy: quick, hasService: true }, "complete"],
])("a second Service over the same instances, which nothing would divide: %s", (_, one, state) => {
  const trial = new Trial(one);
  trial.model.apply([{ kind: "create", path: servicesPath, object: second }]);
  expect(trial.until(ended).end?.state).toBe(state);
  if (state === "failed") {
    expect(trial.last?.message).toBe(
      "The Services relay and relay-metrics all select the instances of relay, and only one can be divided.",
    );
    expect(trial.model.written).toHaveLength(1);
  }
});

test.each(cases.filter(([, { hasService }]) => hasService))(
  "a template without a label that the Service selects by fails before anything is written: %s",
  (_, one) => {
    const trial = new Trial(one);
    trial.model.edit(servicePath, [{ op: "replace", path: "/spec/selector", value: { app: "relay", tier: "front" } }]);
    trial.model.edit(stablePath, [
      { op: "replace", path: "/spec/template/metadata/labels", value: { app: "relay", tier: "front" } },
    ]);
    expect(trial.until(ended).end).toEqual({
      state: "failed",
      message: "The Service relay selects by tier=front, which new instances would not carry.",
    });
    expect(trial.model.written).toEqual([]);
  },
);
