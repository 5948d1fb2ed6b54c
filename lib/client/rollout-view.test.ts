import { describe, expect, it } from "vitest";
import { defaultStrategies } from "#lib/domain/rollouts/strategy.ts";
import { aMeasurement, aRollout } from "./rollout-fixtures.ts";
import { budgetWords, byMetric, commandEffects, commandSentence, planWords, stepShare, timeLeft } from "./rollout-view.ts";

describe("a plan in words", () => {
  it("ends a canary at 100 % whether its last step says so or not", () => {
    const pauseSeconds = 60;
    const steps = [10, 50].map((weight) => ({ weight, pauseSeconds }));
    expect(planWords({ ...defaultStrategies.canary, steps })).toBe("10 % → 50 % → 100 %");
    expect(planWords({ ...defaultStrategies.canary, steps: [...steps, { weight: 100, pauseSeconds }] })).toBe(
      "10 % → 50 % → 100 %",
    );
  });

  it("says who switches the colours and how long the return is instant", () => {
    expect(planWords(defaultStrategies["blue-green"])).toBe("switches by itself, old instances stay 30 s");
    expect(planWords({ ...defaultStrategies["blue-green"], waitForPromotion: true })).toMatch(/^switched by a person/);
  });

  it("says after how many instances a rolling update pauses", () => {
    expect(planWords(defaultStrategies.rolling)).toBe("instance after instance");
    expect(planWords({ ...defaultStrategies.rolling, pauseAfter: 1 })).toBe("pauses after 1 instance");
  });
});

describe("measurements", () => {
  it("stand by metric in the order of time, whatever order they came in", () => {
    const later = aMeasurement({ id: "2", at: "2026-11-21T12:00:10.000Z" });
    const first = aMeasurement({ id: "1", at: "2026-11-21T12:00:00.000Z" });
    const other = aMeasurement({ id: "3", metric: "latency-p95", at: "2026-11-21T12:00:05.000Z" });
    expect(byMetric([later, other, first])).toEqual([
      ["error-ratio", [first, later]],
      ["latency-p95", [other]],
    ]);
  });
});

describe("the time of a step", () => {
  const step = { startedAt: "2026-11-21T12:00:00.000Z", endsAt: "2026-11-21T12:01:00.000Z" };
  const at = (clock: string) => Date.parse(`2026-11-21T${clock}.000Z`);

  it("is over by as much as has passed, never less than nothing or more than all", () => {
    expect([at("11:59:00"), at("12:00:15"), at("12:05:00")].map((now) => stepShare(step, now))).toEqual([0, 0.25, 1]);
    expect(stepShare({ ...step, endsAt: null }, at("12:00:15"))).toBeNull();
  });

  it("counts down and then is due", () => {
    expect(timeLeft(step.endsAt, at("12:00:15"))).toBe("45 s left");
    expect(timeLeft(step.endsAt, at("12:01:05"))).toBe("due now");
  });
});

it("tells of a spent budget what the next bad measurement does", () => {
  expect(budgetWords({ left: 2, of: 3 })).toBe("bears 2 more bad of 3");
  expect(budgetWords({ left: 0, of: 3 })).toBe("the next bad one aborts");
});

describe("what a command will do", () => {
  it("names the step that a promotion ends and the one that comes next", () => {
    expect(commandEffects("promote", aRollout()).does.join(" ")).toBe(
      "Ends the step “Pause at 10 %” now, whatever time it has left. Next: 50 % of the traffic.",
    );
  });

  it("says that an abort takes the traffic back first, where the candidate has any", () => {
    expect(commandEffects("abort", aRollout()).does[0]).toBe(
      "The 10 % of the traffic that the candidate gets go back to stable first.",
    );
    expect(commandEffects("abort", aRollout({ share: null })).does[0]).toMatch(/^The service goes back to the template/);
  });

  it("warns who resumes after a foreign change that it will be written over", () => {
    const hold = { cause: "foreign-change" as const, message: "kubectl set another image.", since: "2026-11-21T12:00:00.000Z" };
    expect(commandEffects("resume", aRollout({ hold })).leaves).toMatch(/in stable is written over/);
  });

  it("is said with its object", () => {
    expect(commandSentence("abort", "relay")).toBe("Abort the rollout of relay");
    expect(commandSentence("skip", "relay")).toBe("Skip to the end of the rollout of relay");
  });
});
