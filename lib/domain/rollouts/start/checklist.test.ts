import { describe, expect, test } from "vitest";
import type { PodTemplate } from "#lib/kubernetes/objects.ts";
import { defaultStrategies } from "../strategy.ts";
import { answerChecklist, type ChecklistFacts } from "./checklist.ts";

const container = {
  name: "relay",
  image: "switchyard/relay:2.1.0",
  resources: { limits: { cpu: "2", memory: "2Gi" } },
  readinessProbe: {},
  livenessProbe: {},
};
const template: PodTemplate = {
  metadata: { labels: { app: "relay" } },
  spec: { containers: [container], securityContext: { runAsNonRoot: true }, terminationGracePeriodSeconds: 60 },
};
const budget = { metadata: { name: "relay" }, spec: { selector: { matchLabels: { app: "relay" } } } };
const good: ChecklistFacts = {
  template,
  strategy: defaultStrategies.canary,
  sharing: null,
  missing: [],
  unreadable: [],
  budgets: [budget as never],
  alerts: [],
  freeze: null,
  freezeAhead: null,
  revision: 3,
  historyLimit: 10,
  forecast: { now: 3, peak: 5, parts: { stable: 3, candidate: 1, surge: 1 }, room: 20, short: 0, message: "All fit.", notes: [] },
  ownPauseSeconds: null,
  backup: { newest: { number: 7, takenAt: new Date("2026-03-18T09:00:00Z") }, hasData: true },
  now: new Date("2026-03-18T10:00:00Z"),
  ticks: new Set(),
};

function stateOf(id: string, facts: Partial<ChecklistFacts>) {
  return answerChecklist({ ...good, ...facts }).find((item) => item.id === id)?.state;
}
const withContainer = (change: object): Partial<ChecklistFacts> => ({
  template: { ...template, spec: { ...template.spec, containers: [{ ...container, ...change }] } },
});
const withSpec = (change: object): Partial<ChecklistFacts> => ({
  template: { ...template, spec: { ...template.spec, ...change } },
});

test("the guides' own relay by the guides' canary passes everything that the cluster can answer", () => {
  const open = answerChecklist(good).filter(({ state }) => state !== "passed");
  expect(open.map(({ group, state }) => `${group} ${state}`)).toEqual(Array(7).fill("manual manual"));
});

test("a share by instances is judged by what it comes to, not by what was asked for", () => {
  const first = (sharing: number) => answerChecklist({ ...good, sharing }).find(({ id }) => id === "canary-first");
  expect(first(2)).toMatchObject({ state: "failed", detail: "The first step has 1 of 2 instances, which is 50 % and not 10 %." });
  expect(first(20)).toMatchObject({ state: "passed", detail: "10 % first." });
});

describe("each of these fails its own line and no other", () => {
  const cases: [string, string, Partial<ChecklistFacts>][] = [
    ["the tag latest", "image-pinned", withContainer({ image: "switchyard/relay:latest" })],
    ["no tag", "image-pinned", withContainer({ image: "registry:5000/relay" })],
    ["no readiness probe", "readiness", withContainer({ readinessProbe: undefined })],
    ["no liveness probe", "liveness", withContainer({ livenessProbe: undefined })],
    ["no limit for memory", "limits", withContainer({ resources: { limits: { cpu: "1" } } })],
    ["user 0", "non-root", withContainer({ securityContext: { runAsUser: 0 } })],
    ["no user", "non-root", withSpec({ securityContext: undefined })],
    ["10 s of grace", "graceful-stop", withSpec({ terminationGracePeriodSeconds: 10 })],
    ["no budget", "disruption-budget", { budgets: [] }],
    ["a missing Secret", "config-present", { missing: [{ kind: "Secret", name: "s", key: null }] }],
    ["a firing alert", "alerts", { alerts: [{ name: "RelayHighLatency", severity: "warning" }] }],
    ["a freeze", "freeze", { freeze: "All rollouts are frozen." }],
    ["no history", "return", { historyLimit: 0 }],
    ["too little room", "room", { forecast: { ...(good.forecast as NonNullable<typeof good.forecast>), short: 2 } }],
    [
      "half of the traffic first",
      "canary-first",
      { strategy: { ...defaultStrategies.canary, steps: [{ weight: 50, pauseSeconds: 3600 }] } },
    ],
    ["one of two instances for 10 %", "canary-first", { sharing: 2 }],
    [
      "a minute of canary",
      "stable-hour",
      { strategy: { ...defaultStrategies.canary, steps: [{ weight: 10, pauseSeconds: 60 }] } },
    ],
    ["no backup", "backup", { backup: { newest: null, hasData: true } }],
    ["a backup of last week", "backup", { now: new Date("2026-03-25T10:00:00Z") }],
    ["no analysis", "watched", { strategy: { ...defaultStrategies.canary, analysis: null } }],
  ];
  test.each(cases)("%s: %s", (_, id, facts) => {
    const failed = answerChecklist({ ...good, ...facts }).filter(({ state }) => state === "failed");
    expect(failed.map((item) => item.id)).toEqual([id]);
  });
});

test("a digest pins an image as well", () => {
  expect(stateOf("image-pinned", withContainer({ image: `relay@sha256:${"0".repeat(64)}` }))).toBe("passed");
});

test("what cannot be asked is unknown, not failed", () => {
  expect(stateOf("alerts", { alerts: null })).toBe("unknown");
  expect(stateOf("disruption-budget", { budgets: null })).toBe("unknown");
  expect(stateOf("room", { forecast: null })).toBe("unknown");
  expect(stateOf("config-present", { unreadable: [{ kind: "Secret", name: "s" }] })).toBe("unknown");
});

test("a service without data needs no backup", () => {
  expect(stateOf("backup", { backup: { newest: null, hasData: false } })).toBe("passed");
});

test("a shorter time is enough where the service's own strategy has it", () => {
  const strategy = { ...defaultStrategies.canary, steps: [{ weight: 10, pauseSeconds: 30 }] };
  expect(stateOf("stable-hour", { strategy, ownPauseSeconds: 30 })).toBe("passed");
  expect(stateOf("stable-hour", { strategy, ownPauseSeconds: 31 })).toBe("failed");
});

test("a person's tick answers what only a person can", () => {
  expect(stateOf("tests", { ticks: new Set(["tests"]) })).toBe("passed");
  expect(stateOf("load-test", { ticks: new Set(["tests"]) })).toBe("manual");
});
