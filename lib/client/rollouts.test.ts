import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RolloutDetail } from "#lib/domain/rollouts/schemas.ts";
import { aMeasurement, aRollout } from "./rollout-fixtures.ts";
import { isOver, rolloutDetailQuery } from "./rollouts.ts";

let asked: string[] = [];
let answer: RolloutDetail;

beforeEach(() => {
  asked = [];
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url);
    return Response.json(answer);
  });
});
afterEach(() => vi.unstubAllGlobals());

async function askTwice(first: RolloutDetail) {
  const queries = new QueryClient();
  answer = first;
  await queries.fetchQuery(rolloutDetailQuery("rollout-1"));
  await queries.fetchQuery(rolloutDetailQuery("rollout-1"));
  return asked;
}

describe("the query of one rollout", () => {
  it("asks at once first, then waits for the change after the version that it has", async () => {
    expect(await askTwice(aRollout({ version: 4 }))).toEqual([
      "/api/rollouts/rollout-1",
      "/api/rollouts/rollout-1?after=4&waitSeconds=25",
    ]);
  });

  it("waits for nothing of a rollout that is over", async () => {
    expect(await askTwice(aRollout({ state: "aborted" }))).toEqual([
      "/api/rollouts/rollout-1",
      "/api/rollouts/rollout-1?after=4",
    ]);
  });

  it("does not wait for versions of a change without a strategy, which has none", async () => {
    expect(await askTwice(aRollout({ strategy: null, plan: null, version: 0 }))).toEqual([
      "/api/rollouts/rollout-1",
      "/api/rollouts/rollout-1?after=0",
    ]);
  });

  const event = (id: string): RolloutDetail["events"][number] => ({
    id,
    at: "2026-11-21T11:59:00.000Z",
    kind: "step",
    message: "Further.",
    by: "Switchyard",
    check: null,
  });

  /** What is held after the first answer and then the second. */
  async function holdAfter(first: RolloutDetail, second: RolloutDetail) {
    const queries = new QueryClient();
    for (answer of [first, second]) await queries.fetchQuery(rolloutDetailQuery("rollout-1"));
    return queries.getQueryData(rolloutDetailQuery("rollout-1").queryKey);
  }

  it("adds what is new to what it holds, and takes all else as it is now", async () => {
    const [old, fresh] = [aMeasurement({ id: "1" }), aMeasurement({ id: "2", at: "2026-11-21T11:59:45.000Z" })];
    const held = await holdAfter(
      aRollout({ version: 4, measurements: [old], events: [event("a")] }),
      aRollout({ version: 5, after: 4, state: "paused", measurements: [fresh], events: [event("b")] }),
    );
    expect(held).toMatchObject({ version: 5, state: "paused", measurements: [old, fresh] });
    expect(held?.events.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  it("begins anew with an answer that has all, as of a database that was restored", async () => {
    const whole = aRollout({ version: 2, after: null, measurements: [aMeasurement({ id: "9" })], events: [event("z")] });
    expect(await holdAfter(aRollout({ version: 4, events: [event("a")] }), whole)).toEqual(whole);
  });
});

it("counts an aborted rollout as over and one that waits as not", () => {
  expect(isOver("aborted")).toBe(true);
  expect(isOver("queued")).toBe(false);
});
