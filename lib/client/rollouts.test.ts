import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RolloutDetail } from "#lib/domain/rollouts/schemas.ts";
import { aRollout } from "./rollout-fixtures.ts";
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
    expect(await askTwice(aRollout({ state: "aborted" }))).toEqual(["/api/rollouts/rollout-1", "/api/rollouts/rollout-1"]);
  });

  it("does not wait for versions of a change without a strategy, which has none", async () => {
    expect(await askTwice(aRollout({ strategy: null, plan: null, version: 0 }))).toEqual([
      "/api/rollouts/rollout-1",
      "/api/rollouts/rollout-1",
    ]);
  });
});

it("counts an aborted rollout as over and one that waits as not", () => {
  expect(isOver("aborted")).toBe(true);
  expect(isOver("queued")).toBe(false);
});
