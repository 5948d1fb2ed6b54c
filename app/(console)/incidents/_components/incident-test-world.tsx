import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen, within } from "@testing-library/react";
import { vi } from "vitest";
import { liveAlertsQuery } from "#lib/client/alerts.ts";
import { aService } from "#lib/client/fixtures.ts";
import { fleetKeys } from "#lib/client/fleet.ts";
import { anIncident } from "#lib/client/incident-fixtures.ts";
import { incidentQuery } from "#lib/client/incidents.ts";
import { latestRolloutsQuery } from "#lib/client/rollouts.ts";
import { userKeys } from "#lib/client/users.ts";
import type { IncidentDetail } from "#lib/domain/incidents/schemas.ts";
import type { RolloutView } from "#lib/domain/rollouts/schemas.ts";
import type { Role } from "#lib/domain/users/schemas.ts";
import { ActionContext } from "../../../ui/actions/use-actions.ts";
import { TooltipProvider } from "../../../ui/tooltip.tsx";
import { IncidentPage } from "./incident-page.tsx";

/** What was written to the server, and what it answers. */
export const server = {
  sent: [] as { method: string; path: string; body: unknown }[],
  /** The Idempotency-Key of each. */
  keys: [] as (string | null)[],
  answer: () => Response.json({}),
};
export const actions = { open: vi.fn() };
export const { id } = anIncident();

/** A server that takes every change of the incident, at noon. */
export function begin() {
  server.sent = [];
  server.keys = [];
  server.answer = () => Response.json({ id, number: 12, version: 4, message: "Done." });
  sessionStorage.clear();
  localStorage.clear();
  vi.useFakeTimers({ now: Date.parse("2026-11-21T12:00:00.000Z"), toFake: ["Date"] });
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
  vi.stubGlobal("fetch", async (url: string, init: RequestInit = {}) => {
    // What is asked again while a test looks stays on its way.
    if (init.method === undefined || init.method === "GET") return new Promise(() => {});
    const path = url.replace(`/api/incidents/${id}`, "");
    server.keys.push(new Headers(init.headers).get("idempotency-key"));
    server.sent.push({ method: init.method, path, body: JSON.parse(String(init.body ?? "null")) });
    return server.answer();
  });
}

export function end() {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
  vi.clearAllMocks();
}

/** Shows an incident as a person with a role sees it, and the relay's latest rollout; what is returned changes it. */
export function show(over: Partial<IncidentDetail> = {}, role: Role = "operator", latest: RolloutView | null = null) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } } });
  const set = (next: Partial<IncidentDetail>) => queries.setQueryData(incidentQuery(id).queryKey, anIncident(next));
  set(over);
  queries.setQueryData(userKeys.session, { id: "u", username: "ana", name: "Ana", role });
  queries.setQueryData(fleetKeys.services, { services: [aService()], figures: {}, feeds: [] });
  queries.setQueryData(liveAlertsQuery().queryKey, {
    at: "2026-11-21T12:00:00.000Z",
    items: [],
    total: 0,
    counts: { firing: 0, acknowledged: 0, silenced: 0, inhibited: 0, unknown: 0 },
    firingBySeverity: {},
    sources: [],
  });
  queries.setQueryData(latestRolloutsQuery({ namespace: "fleet", service: "relay" }, 1).queryKey, {
    items: latest ? [latest] : [],
    nextCursor: null,
  });
  render(
    <QueryClientProvider client={queries}>
      <TooltipProvider>
        <ActionContext value={actions}>
          <IncidentPage id={id} />
        </ActionContext>
      </TooltipProvider>
    </QueryClientProvider>,
  );
  return set;
}

export const button = (name: string | RegExp) => screen.getByRole("button", { name });
export const section = (name: string) => within(screen.getByRole("region", { name }));
export const rows = () =>
  within(screen.getByRole("list", { name: "Timeline" }))
    .getAllByRole("listitem")
    .map(({ textContent }) => textContent);
