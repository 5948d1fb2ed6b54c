import { describe, expect, test } from "vitest";
import { candidatePath, routePath, servicePath, servicesPath, stablePath } from "./test-cluster-model.ts";
import { blueGreen, type Case, canary, cases, count, ended, quick, Trial, total, virtualService } from "./test-trial.ts";

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
