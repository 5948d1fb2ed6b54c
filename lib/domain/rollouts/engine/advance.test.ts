import { describe, expect, test } from "vitest";
import { type Advance, giveUp } from "./advance.ts";
import { candidatePath, routePath } from "./test-cluster-model.ts";
import { blueGreen, type Case, canary, cases, count, ended, quick, Trial, total, virtualService } from "./test-trial.ts";

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
