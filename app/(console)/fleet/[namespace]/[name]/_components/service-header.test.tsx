// @vitest-environment jsdom
import { cleanup, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aMark } from "#lib/client/fixtures.ts";
import { aRollout } from "#lib/client/rollout-fixtures.ts";
import type { RolloutState } from "#lib/domain/rollouts/schemas.ts";
import { show } from "../rollout/_components/rollout-test-world.tsx";
import { ServiceHeader } from "./service-header.tsx";

const message = "Aborted: 8 % of 90 requests failed.";
let answers: Record<string, unknown>;

beforeEach(() => {
  vi.stubGlobal("fetch", async (url: string) => {
    const [path = ""] = url.split("?");
    return path in answers ? Response.json(answers[path]) : new Promise(() => {});
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function showLast(state: RolloutState, last: Partial<ReturnType<typeof aMark>> = {}) {
  const mark = aMark({ service: "fleet/relay", rolloutId: "rollout-1", rolloutState: state, ...last });
  answers = {
    "/api/rollouts": { items: [aRollout({ state, message })], nextCursor: null },
    "/api/ledger/latest": { changes: { "fleet/relay": mark } },
  };
  show(<ServiceHeader id="fleet/relay" service={undefined} figures={null} />, "viewer");
  await screen.findByText(/^Last change: /);
}

describe("the last change in a service's header", () => {
  it.each(["aborted", "failed"] as const)("says why it was %s", async (state) => {
    await showLast(state);
    expect(screen.getByText(message).className).toContain("text-bad");
  });

  it("says nothing of the kind when it is complete, or of another change", async () => {
    await showLast("complete");
    expect(screen.queryByText(message)).toBeNull();
    cleanup();
    await showLast("aborted", { rolloutId: "rollout-2" });
    expect(screen.queryByText(message)).toBeNull();
  });
});
