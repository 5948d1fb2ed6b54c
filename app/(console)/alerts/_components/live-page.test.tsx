// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { anAlert, aSource, aSuspect, liveAlerts } from "#lib/client/alert-fixtures.ts";
import { alertKeys } from "#lib/client/alerts.ts";
import { userKeys } from "#lib/client/users.ts";
import type { LiveAlerts } from "#lib/domain/alerts/schemas.ts";
import type { Role } from "#lib/domain/users/schemas.ts";
import { ActionContext } from "../../../ui/actions/use-actions.ts";
import { AlertActionContext } from "../../../ui/alerts/use-alert-actions.ts";
import { TooltipProvider } from "../../../ui/tooltip.tsx";
import { LivePage } from "./live-page.tsx";

const router = { push: vi.fn() };
vi.mock("next/navigation", () => ({
  useRouter: () => router,
  usePathname: () => "/alerts",
  useSearchParams: () => new URLSearchParams(),
}));
const alertActions = { acknowledge: vi.fn(), unacknowledge: vi.fn(), silence: vi.fn() };
const actions = { open: vi.fn() };

function show(live: LiveAlerts, role: Role = "operator") {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } } });
  queries.setQueryData(userKeys.session, { id: "u", username: "ana", name: "Ana", role });
  queries.setQueryData([...alertKeys.live, {}], live);
  queries.setQueryData([...alertKeys.all, "facets"], { sources: [], severities: [], names: [], services: [] });
  render(
    <QueryClientProvider client={queries}>
      <TooltipProvider>
        <ActionContext value={actions}>
          <AlertActionContext value={alertActions}>
            <LivePage />
          </AlertActionContext>
        </ActionContext>
      </TooltipProvider>
    </QueryClientProvider>,
  );
}
const row = (name: RegExp) => screen.getByRole("row", { name });

beforeEach(() => {
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} }));
  vi.stubGlobal("CSS", { escape: (text: string) => text });
  vi.useFakeTimers({ now: Date.parse("2026-11-21T12:00:00.000Z"), toFake: ["Date"] });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
  vi.clearAllMocks();
});

describe("the page of firing alerts", () => {
  it("is good news only when the sources are heard, and says since when they were", () => {
    show(liveAlerts([], { sources: [aSource({ watchdogAt: "2026-11-21T11:59:48.000Z" })] }));
    expect(screen.getByText("Nothing fires")).toBeTruthy();
    expect(screen.getByText(/Watchdog heard/).textContent).toMatch(/12 s ago/);
  });

  it("says unknown, not quiet, while a source is blind", () => {
    const blind = aSource({ blindSince: "2026-11-21T11:57:00.000Z", blindReason: "The Watchdog is missing." });
    show(liveAlerts([], { sources: [blind] }));
    expect(screen.queryByText("Nothing fires")).toBeNull();
    expect(screen.getByText("Unknown whether anything fires")).toBeTruthy();
    expect(screen.getByRole("alert").textContent).toMatch(/embedded is not heard for 3 m: The Watchdog is missing\. Its alerts/);
  });

  it("says how to get alerts when no source is set up", () => {
    show(liveAlerts([], { sources: [] }));
    expect(screen.getByText(/No Alertmanager sends its alerts here yet/)).toBeTruthy();
    expect(screen.queryByText("Nothing fires")).toBeNull();
  });

  it("names the suspect under its alert, with the way to the rollout", () => {
    show(liveAlerts([anAlert({ suspect: aSuspect() })]));
    const suspect = screen.getByRole("link", { name: "Set image of relay by ana" });
    expect(suspect.getAttribute("href")).toBe("/rollouts/rollout-1");
    expect(suspect.closest("p")?.textContent).toMatch(/^42 s before: .*“try the new cache”$/);
  });

  it("acknowledges and silences the row that has the focus, and opens it with Enter", () => {
    const alert = anAlert();
    show(liveAlerts([alert]));
    fireEvent.keyDown(row(/^RelayHighLatency/), { key: "a" });
    expect(alertActions.acknowledge).toHaveBeenCalledExactlyOnceWith([alert]);
    fireEvent.keyDown(row(/^RelayHighLatency/), { key: "s" });
    expect(alertActions.silence).toHaveBeenCalledExactlyOnceWith({ alerts: [alert] });
    fireEvent.keyDown(row(/^RelayHighLatency/), { key: "Enter" });
    expect(router.push).toHaveBeenCalledExactlyOnceWith("/alerts/alert-1");
  });

  it("leaves alerts that are taken or hidden out when a whole group is acknowledged", () => {
    const alerts = [anAlert({ id: "1" }), anAlert({ id: "2", name: "Other", standing: "silenced", silencedBy: ["s"] })];
    show(liveAlerts(alerts));
    fireEvent.keyDown(row(/^fleet\/relay, 2 alerts/), { key: "a" });
    expect(alertActions.acknowledge.mock.lastCall?.[0].map((alert: { id: string }) => alert.id)).toEqual(["1"]);
  });

  it("ticks a group by its heading and acts on what is ticked", () => {
    show(liveAlerts([anAlert({ id: "1" }), anAlert({ id: "2", name: "Other" }), anAlert({ id: "3", service: "hub" })]));
    fireEvent.click(screen.getByRole("checkbox", { name: "Select group fleet/relay" }));
    fireEvent.click(screen.getByRole("button", { name: "Acknowledge 2" }));
    expect(alertActions.acknowledge.mock.lastCall?.[0].map((alert: { id: string }) => alert.id)).toEqual(["1", "2"]);
    fireEvent.click(screen.getByRole("checkbox", { name: "Select 2" }));
    expect(screen.getByRole("button", { name: "Acknowledge 1" })).toBeTruthy();
  });

  it("shows a viewer why they may not acknowledge", () => {
    vi.stubGlobal(
      "ResizeObserver",
      class {
        observe() {}
        unobserve() {}
        disconnect() {}
      },
    );
    show(liveAlerts([anAlert()]), "viewer");
    const button = within(row(/^RelayHighLatency/)).getByRole("button", { name: /^Acknowledge/ });
    expect(button.getAttribute("aria-description")).toMatch(/operator/);
    fireEvent.click(button);
    expect(alertActions.acknowledge).not.toHaveBeenCalled();
  });

  it("says so when there are more than it lists", () => {
    show(liveAlerts([anAlert()], { total: 4000 }));
    expect(screen.getByText(/The 1 most urgent of 4,000/)).toBeTruthy();
  });
});
