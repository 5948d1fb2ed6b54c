// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { aSuspect } from "#lib/client/alert-fixtures.ts";
import { aRollout } from "#lib/client/rollout-fixtures.ts";
import { latestRolloutsQuery, rolloutDetailQuery, rolloutQuery } from "#lib/client/rollouts.ts";
import { userKeys } from "#lib/client/users.ts";
import type { RolloutView } from "#lib/domain/rollouts/schemas.ts";
import { ActionContext } from "../actions/use-actions.ts";
import { TooltipProvider } from "../tooltip.tsx";
import { SuspectUndo } from "./suspect-line.tsx";

const suspected = {
  id: "rollout-1",
  namespace: "fleet",
  service: "relay",
  change: "image",
  strategy: null,
  state: "complete",
  actor: "ana",
  reason: "try the new cache",
  startedAt: "2026-11-21T10:59:18.000Z",
  fromRevision: 6,
  toRevision: 7,
  fromVersion: "2.0.0",
  toVersion: "2.2.0",
} as RolloutView;
const actions = { open: vi.fn() };

function show(latest: RolloutView, suspect = suspected) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } } });
  queries.setQueryData(userKeys.session, { id: "u", username: "ben", name: "Ben", role: "operator" });
  queries.setQueryData(rolloutQuery("rollout-1").queryKey, suspect);
  queries.setQueryData(rolloutDetailQuery("rollout-1").queryKey, aRollout({ id: "rollout-1" }));
  queries.setQueryData(latestRolloutsQuery({ namespace: "fleet", service: "relay" }, 1).queryKey, {
    items: [latest],
    nextCursor: null,
  });
  render(
    <QueryClientProvider client={queries}>
      <TooltipProvider>
        <ActionContext value={actions}>
          <SuspectUndo suspect={aSuspect()} />
        </ActionContext>
      </TooltipProvider>
    </QueryClientProvider>,
  );
}

afterEach(() => {
  cleanup();
  actions.open.mockClear();
});

it("offers to roll back to the revision that the suspect replaced", () => {
  show(suspected);
  fireEvent.click(screen.getByRole("button", { name: "Roll back relay to revision 6" }));
  expect(actions.open).toHaveBeenCalledWith({ verb: "rollback", service: "fleet/relay", values: { toRevision: 6 } });
});

it("shows who has rolled it back since instead of offering it again", () => {
  show({ ...suspected, id: "rollout-2", change: "rollback", actor: "chris", startedAt: "2026-11-21T11:02:00.000Z" });
  expect(screen.queryByRole("button")).toBeNull();
  expect(screen.getByRole("link", { name: /^Rolled back by chris/ }).getAttribute("href")).toBe("/rollouts/rollout-2");
});

it("does not offer to undo what was changed again since, as that would be undone too", () => {
  show({ ...suspected, id: "rollout-2", state: "progressing", actor: "chris", startedAt: "2026-11-21T11:02:00.000Z" });
  expect(screen.queryByRole("button")).toBeNull();
  expect(screen.getByRole("link", { name: /^Being changed again by chris/ }).getAttribute("href")).toBe("/rollouts/rollout-2");
});

it("still offers it when the rollback under way came before the suspect", () => {
  show({ ...suspected, id: "rollout-0", change: "rollback", state: "progressing", startedAt: "2026-11-21T10:00:00.000Z" });
  expect(screen.getByRole("button", { name: "Roll back relay to revision 6" })).toBeDefined();
});

it("offers to abort a rollout that is still carried out, which takes the traffic back first", () => {
  const running: RolloutView = { ...suspected, strategy: "canary", state: "progressing" };
  show(running, running);
  fireEvent.click(screen.getByRole("button", { name: "Abort the rollout" }));
  expect(screen.getByRole("dialog", { name: "Abort the rollout of relay" })).toBeDefined();
  expect(actions.open).not.toHaveBeenCalled();
});
