// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { anAlert, aSuspect } from "#lib/client/alert-fixtures.ts";
import { wantedByService } from "#lib/client/alert-view.ts";
import { aService } from "#lib/client/fixtures.ts";
import { latestChangesQuery } from "#lib/client/ledger.ts";
import { panelsQuery } from "#lib/client/metrics.ts";
import { objectivesQuery } from "#lib/client/objectives.ts";
import type { LiveAlert } from "#lib/domain/alerts/schemas.ts";
import type { Service } from "#lib/domain/fleet/schemas.ts";
import { ActionContext } from "../../ui/actions/use-actions.ts";
import { TooltipProvider } from "../../ui/tooltip.tsx";
import { OverviewServices } from "./overview-services.tsx";

function show(services: Service[], alerts: LiveAlert[]) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } } });
  queries.setQueryData(latestChangesQuery.queryKey, { changes: {} });
  queries.setQueryData(objectivesQuery.queryKey, { at: null, problem: null, services: {} });
  for (const { id } of services) {
    const { queryKey } = panelsQuery(id, { kind: "live", range: "1h" }, null);
    queries.setQueryData(queryKey, { from: 0, to: 1, panels: [] } as never);
  }
  render(
    <QueryClientProvider client={queries}>
      <TooltipProvider>
        <ActionContext value={{ open: vi.fn() }}>
          <OverviewServices services={services} alerts={wantedByService(alerts)} figures={{}} feeds={[]} />
        </ActionContext>
      </TooltipProvider>
    </QueryClientProvider>,
  );
}

const service = (name: string, over: Partial<Service> = {}) => aService({ id: `fleet/${name}`, name, ...over });
const order = () =>
  within(screen.getByRole("table"))
    .getAllByRole("row")
    .map((row) => row.getAttribute("aria-label")?.split(" ")[0])
    .filter(Boolean);

beforeEach(() => {
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} }));
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe("the services of the overview", () => {
  it("puts what is down first, then what alerts fire on, the worst severity before the others", () => {
    show(
      [
        service("connector"),
        service("hub"),
        service("edge", { health: "down", healthReason: "Nothing runs." }),
        service("relay"),
      ],
      [anAlert({ id: "1", service: "hub", severity: "warning" }), anAlert({ id: "2", service: "relay", severity: "critical" })],
    );
    expect(order()).toEqual(["edge", "relay", "hub", "connector"]);
  });

  it("names under a healthy service what fires on it and what was changed just before", () => {
    show([service("relay")], [anAlert({ suspect: aSuspect() }), anAlert({ id: "alert-2", fingerprint: "other" })]);
    expect(screen.getByRole("link", { name: /RelayHighLatency.*2×/ }).getAttribute("href")).toBe("/alerts/alert-1");
    expect(screen.getByRole("link", { name: "Set image of relay by ana" }).getAttribute("href")).toBe("/rollouts/rollout-1");
  });

  it("says nothing of an alert that somebody has taken", () => {
    show([service("relay")], [anAlert({ standing: "acknowledged", suspect: aSuspect() })]);
    expect(screen.queryByText("RelayHighLatency")).toBeNull();
    expect(screen.queryByText(/by ana/)).toBeNull();
  });
});
