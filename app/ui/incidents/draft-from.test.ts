import { QueryClient } from "@tanstack/react-query";
import { expect, it } from "vitest";
import { aRollout } from "#lib/client/rollout-fixtures.ts";
import { rolloutDetailQuery } from "#lib/client/rollouts.ts";
import { draftFrom } from "./draft-from.ts";

const queries = new QueryClient();
queries.setQueryData(rolloutDetailQuery("rollout-1").queryKey, aRollout());

it("begins a report with the service whose page is open, whichever of its tabs or forms", () => {
  expect(draftFrom("/fleet/fleet/relay", queries)).toEqual({ services: ["fleet/relay"] });
  expect(draftFrom("/fleet/fleet/relay/rollout", queries)).toEqual({ services: ["fleet/relay"] });
});

it("begins it with the rollout that is looked at", () => {
  expect(draftFrom("/rollouts/rollout-1", queries)).toMatchObject({
    services: ["fleet/relay"],
    links: [{ kind: "rollout", targetId: "rollout-1" }],
  });
});

it("begins it with nothing where a page is about nothing, or not loaded yet", () => {
  for (const path of ["/", "/fleet", "/alerts/history", "/rollouts/other"]) expect(draftFrom(path, queries)).toEqual({});
});
