// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { aService } from "#lib/client/fixtures.ts";
import { fleetKeys } from "#lib/client/fleet.ts";
import { anIncident } from "#lib/client/incident-fixtures.ts";
import { incidentRunbooksQuery } from "#lib/client/runbooks.ts";
import { userKeys } from "#lib/client/users.ts";
import type { NeededRunbook } from "#lib/domain/runbooks/schemas.ts";
import type { Role } from "#lib/domain/users/schemas.ts";
import { ActionContext } from "../actions/use-actions.ts";
import { TooltipProvider } from "../tooltip.tsx";
import { IncidentRunbooks } from "./incident-runbooks.tsx";

const incident = anIncident();
const open = vi.fn();
afterEach(() => {
  cleanup();
  vi.clearAllMocks();
});

function aRunbook(over: Partial<NeededRunbook> = {}): NeededRunbook {
  const text = "1. If it was a rollout: [roll it back](action:roll-back).\n2. Then [delete everything](action:delete).\n";
  const row = { scope: "alert" as const, group: "relay", name: "RelayHighLatency", version: 2, isDelivered: false };
  return { ...row, at: null, by: "ana", text, delivered: null, service: "fleet/relay", isFiring: true, ...over };
}

function show(items: NeededRunbook[], role: Role = "operator") {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } } });
  queries.setQueryData(userKeys.session, { id: "u", username: "ana", name: "Ana", role });
  queries.setQueryData(fleetKeys.services, { services: [aService()], figures: {}, feeds: [] });
  queries.setQueryData(incidentRunbooksQuery(incident.id).queryKey, { items });
  render(
    <QueryClientProvider client={queries}>
      <TooltipProvider>
        <ActionContext value={{ open }}>
          <IncidentRunbooks incident={incident} />
        </ActionContext>
      </TooltipProvider>
    </QueryClientProvider>,
  );
}

it("shows what fires first, in place, with steps that are buttons for the alert's service and carry the incident as reason", () => {
  show([aRunbook(), aRunbook({ scope: "service", group: "fleet", name: "relay", text: "Call Ada.", isFiring: false })]);
  expect(screen.queryByText("Call Ada.")).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "roll it back" }));
  expect(open).toHaveBeenCalledWith(
    expect.objectContaining({ verb: "rollback", service: "fleet/relay", reason: expect.stringContaining(incident.title) }),
  );
  fireEvent.click(screen.getByRole("button", { name: /^relay/ }));
  expect(screen.getByText("Call Ada.")).toBeTruthy();
});

it("draws no button for what is no action that there is", () => {
  show([aRunbook()]);
  expect(screen.queryByRole("button", { name: "delete everything" })).toBeNull();
  expect(screen.getByText("delete everything").tagName).toBe("SPAN");
});

it("refuses who may not act, a service that is not there, and what the service does not have, each with the reason", () => {
  const text = "[Roll back](action:roll-back) [Elsewhere](action:restart?service=fleet/gone) [Fail over](action:fail-over)";
  show([aRunbook({ text })]);
  const buttons = () => within(screen.getByRole("region", { name: "Runbooks" })).getAllByRole("button");
  const reasons = () => buttons().map((button) => button.getAttribute("aria-description"));
  expect(reasons()).toContain("There is no service fleet/gone.");
  expect(reasons().join()).toContain("No replica of its database is configured for relay.");
  fireEvent.click(screen.getByRole("button", { name: "Fail over" }));
  expect(open).not.toHaveBeenCalled();
  cleanup();
  show([aRunbook({ text })], "viewer");
  fireEvent.click(screen.getByRole("button", { name: "Roll back" }));
  expect(open).not.toHaveBeenCalled();
  expect(reasons().join()).toContain("Needs the role operator");
});
