import { describe, expect, it } from "vitest";
import { aService } from "#lib/client/fixtures.ts";
import { type ActionVerb, actionSchemas } from "#lib/domain/actions/schemas.ts";
import { actionInput, hasMovedOn, initialValues, inputErrors } from "./action-input.ts";

const verbs = Object.keys(actionSchemas) as ActionVerb[];
const seen = aService({ templateHash: "abc", desired: 3 });

describe("the body of an action", () => {
  it.each(verbs)("%s is valid as the dialog opens it, once there is a reason", (verb) => {
    const input = actionInput(verb, initialValues(seen), "because of the alert", seen);
    expect(inputErrors(verb, input)).toBeNull();
    expect(input.seen.uid).toBe(seen.uid);
  });

  it.each(verbs)("%s without a reason is refused, and only for that", (verb) => {
    expect(Object.keys(inputErrors(verb, actionInput(verb, initialValues(seen), " ", seen)) ?? {})).toEqual(["reason"]);
  });

  it("carries what the person saw, not what is wanted", () => {
    expect(actionInput("scale", { ...initialValues(seen), replicas: 5 }, "more load", seen)).toEqual({
      replicas: 5,
      reason: "more load",
      seen: { uid: seen.uid, replicas: 3 },
    });
  });

  it("names the field that is wrong", () => {
    const empty = actionInput("scale", { ...initialValues(seen), replicas: null }, "more load", seen);
    expect(Object.keys(inputErrors("scale", empty) ?? {})).toEqual(["replicas"]);
    const untagged = actionInput("image", { ...initialValues(seen), image: "switchyard/relay" }, "new build", seen);
    expect(inputErrors("image", untagged)?.image?.join()).toMatch(/tag/);
  });
});

describe("a dialog over a service that moved on", () => {
  it("notices what its own action depends on and nothing else", () => {
    const scaled = aService({ templateHash: "abc", desired: 4 });
    const rolled = aService({ templateHash: "xyz", desired: 3 });
    expect([hasMovedOn("scale", seen, scaled), hasMovedOn("scale", seen, rolled)]).toEqual([true, false]);
    expect([hasMovedOn("rollback", seen, scaled), hasMovedOn("rollback", seen, rolled)]).toEqual([false, true]);
    expect(hasMovedOn("pause", seen, aService({ templateHash: "abc", paused: true }))).toBe(true);
  });
  it("notices a workload made anew under the same name", () => {
    for (const verb of verbs) expect(hasMovedOn(verb, seen, { ...seen, uid: "another" })).toBe(true);
  });
});
