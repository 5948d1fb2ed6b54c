// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fleetKeys } from "#lib/client/fleet.ts";
import { aRollout } from "#lib/client/rollout-fixtures.ts";
import type { RolloutView } from "#lib/domain/rollouts/schemas.ts";
import { TooltipProvider } from "../../../ui/tooltip.tsx";
import { RolloutsPage } from "./rollouts-page.tsx";

const router = { push: vi.fn() };
let search = new URLSearchParams();
vi.mock("next/navigation", () => ({ useRouter: () => router, useSearchParams: () => search }));
const asked: string[] = [];
let items: RolloutView[] = [];

beforeEach(() => {
  asked.length = 0;
  search = new URLSearchParams();
  window.history.replaceState(null, "", "/rollouts");
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} }));
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url);
    return Response.json({ items, nextCursor: null });
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.clearAllMocks();
});

function show() {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } } });
  queries.setQueryData(fleetKeys.services, { services: [], figures: {}, feeds: [] });
  render(
    <QueryClientProvider client={queries}>
      <TooltipProvider>
        <RolloutsPage />
      </TooltipProvider>
    </QueryClientProvider>,
  );
}

describe("the list of rollouts", () => {
  it("asks for what the address says, and names each rollout's strategy", async () => {
    items = [aRollout(), aRollout({ id: "rollout-2", strategy: null, change: "restart" })];
    search = new URLSearchParams("state=paused&strategy=canary&service=fleet/relay");
    show();
    expect((await screen.findAllByRole("row")).slice(1).map((row) => row.textContent)).toEqual([
      expect.stringContaining("Canary"),
      expect.stringContaining("At once"),
    ]);
    expect(Object.fromEntries(new URL(asked[0] ?? "", "http://localhost").searchParams)).toEqual({
      state: "paused",
      strategy: "canary",
      namespace: "fleet",
      service: "relay",
      limit: "50",
    });
  });

  it("keeps the chosen strategy in the address", async () => {
    items = [];
    show();
    await screen.findByText("No rollouts yet");
    fireEvent.change(screen.getByLabelText("Strategy"), { target: { value: "blue-green" } });
    expect(window.location.search).toBe("?strategy=blue-green");
  });

  it("says of nothing found that the filters did it, and takes them away", async () => {
    items = [];
    search = new URLSearchParams("strategy=canary");
    window.history.replaceState(null, "", "/rollouts?strategy=canary");
    show();
    expect(await screen.findByText("No rollout fits these filters")).toBeDefined();
    fireEvent.click(screen.getByRole("button", { name: "Clear the filters" }));
    expect(window.location.search).toBe("");
  });

  it("shows in red why one was aborted", async () => {
    items = [
      aRollout({
        state: "aborted",
        message: "Error ratio: 8 % of 90 requests failed. Bad in 2 of 3 measurements, 1 is allowed.",
      }),
    ];
    show();
    const [message] = await screen.findAllByText(
      "Error ratio: 8 % of 90 requests failed. Bad in 2 of 3 measurements, 1 is allowed.",
    );
    expect(message?.className).toContain("text-bad");
  });
});
