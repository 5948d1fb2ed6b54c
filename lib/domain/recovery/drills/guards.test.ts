import { describe, expect, it } from "vitest";
import { type GuardFacts, judgeGuards, refusalOf } from "./guards.ts";

const facts = (over: Partial<GuardFacts> = {}): GuardFacts => ({
  scenario: "instance",
  isRehearsal: false,
  subject: "fleet/relay",
  namespace: "fleet",
  isLabelled: true,
  otherDrill: null,
  unwell: [],
  firing: [],
  incidents: [],
  rollout: null,
  freeze: null,
  objective: { rtoSeconds: 30, rpoSeconds: 0 },
  witness: { name: "fleet/prober", intervalMs: 600, problem: null },
  hasAlertRule: true,
  expectedAlert: "ProbeInterrupted",
  wants: [],
  ...over,
});
const stateOf = (over: Partial<GuardFacts>, name: string) => judgeGuards(facts(over)).find((guard) => guard.name === name)?.state;

describe("the guard rails of a drill", () => {
  it("let it begin when all is well", () => {
    const guards = judgeGuards(facts());
    expect(guards.every(({ state }) => state === "passed")).toBe(true);
    expect(refusalOf(guards, null)).toBeNull();
  });

  it.each<[string, Partial<GuardFacts>]>([
    ["One drill at a time", { otherDrill: "DR-3" }],
    ["Everything is well", { unwell: ["fleet/hub"] }],
    ["No alert", { firing: ["ProbeFailing"] }],
    ["No incident", { incidents: ["INC-4"] }],
    ["No rollout", { rollout: "A rollout to 2.1.0" }],
    ["Watched from outside", { witness: null }],
    ["Watched from outside", { witness: { name: "fleet/prober", intervalMs: 3_001, problem: null } }],
    ["Watched from outside", { witness: { name: "fleet/prober", intervalMs: 600, problem: "It does not answer." } }],
    ["Alert is in place", { hasAlertRule: false }],
    ["Alert is in place", { hasAlertRule: null }],
    ["Node power", { wants: [{ name: "Node power", problem: "Set SWITCHYARD_NODE_POWER.", found: "" }] }],
  ])("block it: %s", (name, over) => {
    expect(stateOf(over, name)).toBe("blocked");
    expect(refusalOf(judgeGuards(facts(over)), "it has to be")).not.toBeNull();
  });

  it.each<[string, Partial<GuardFacts>]>([
    ["Cluster is meant for drills", { isLabelled: false }],
    ["Freeze windows", { freeze: "All rollouts are frozen until tonight." }],
    ["Data", { scenario: "database" }],
  ])("want an administrator's word: %s", (name, over) => {
    const guards = judgeGuards(facts(over));
    expect(stateOf(over, name)).toBe("override");
    expect(refusalOf(guards, null)).not.toBeNull();
    expect(refusalOf(guards, "the owner knows of it")).toBeNull();
  });

  it("permit an interval of a tenth of the objective", () => {
    expect(stateOf({ witness: { name: "fleet/prober", intervalMs: 3_000, problem: null } }, "Watched from outside")).toBe(
      "passed",
    );
  });

  it("ask of a rehearsal only what stands in its own way, since it strikes nothing", () => {
    const guards = judgeGuards(facts({ isRehearsal: true, isLabelled: false, witness: null, firing: ["ProbeFailing"] }));
    expect(refusalOf(guards, null)).toBeNull();
  });
});
