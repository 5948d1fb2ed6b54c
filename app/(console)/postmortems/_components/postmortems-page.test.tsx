// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { userKeys } from "#lib/client/users.ts";
import type { ListedPostmortem } from "#lib/domain/incidents/postmortem/schemas.ts";
import { TooltipProvider } from "../../../ui/tooltip.tsx";
import { PostmortemsPage } from "./postmortems-page.tsx";

const push = vi.fn();
vi.mock("next/navigation", () => ({
  usePathname: () => "/postmortems",
  useRouter: () => ({ push }),
  useSearchParams: () => new URLSearchParams(window.location.search),
}));
const at = "2026-11-21T12:00:00.000Z";
const aPostmortem = (change: Partial<ListedPostmortem> = {}): ListedPostmortem => ({
  incident: { id: "inc", number: 12, title: "The relay is slow", severity: "P1", isDrill: false, services: ["fleet/relay"] },
  impactStartedAt: at,
  resolvedAt: at,
  state: "missing",
  isRequired: true,
  owner: null,
  reviewer: null,
  isApproved: false,
  updatedAt: null,
  updatedBy: null,
  publishedAt: null,
  openComments: 0,
  items: { open: 0, all: 0 },
  ...change,
});

let items: ListedPostmortem[];
let asked: string[];

beforeEach(() => {
  items = [];
  asked = [];
  window.history.replaceState(null, "", "/postmortems");
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} }));
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url);
    return Response.json({ items, nextCursor: null });
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function show() {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  queries.setQueryData(userKeys.session, { username: "olga", name: "Olga", role: "operator" });
  render(
    <QueryClientProvider client={queries}>
      <TooltipProvider>
        <PostmortemsPage />
      </TooltipProvider>
    </QueryClientProvider>,
  );
}

it("shows what is missing and what waits for a review, and opens it", async () => {
  const incident = { ...aPostmortem().incident, id: "other", number: 13, title: "The hub is down" };
  items = [
    aPostmortem(),
    aPostmortem({ incident, state: "review", owner: "ada", reviewer: "otto", openComments: 2, items: { open: 1, all: 3 } }),
  ];
  show();
  const missing = await screen.findByRole("row", { name: /The relay is slow/ });
  for (const words of ["Missing", "nobody"]) expect(missing.textContent).toContain(words);
  const review = screen.getByRole("row", { name: /The hub is down/ });
  for (const words of ["In review", "ada", "otto, 2 comments", "1 of 3"]) expect(review.textContent).toContain(words);
  fireEvent.click(review);
  expect(push).toHaveBeenCalledWith("/incidents/other/postmortem");
  expect(asked[0]).toBe("/api/postmortems?state=unpublished&limit=50");
});

it("asks for the state and the owner of its address, and says so when none fits", async () => {
  window.history.replaceState(null, "", "/postmortems?state=published&owner=olga");
  show();
  expect(await screen.findByText("No postmortem fits these filters")).toBeDefined();
  expect(screen.getByRole("button", { name: "Mine only" }).getAttribute("aria-pressed")).toBe("true");
  expect(asked[0]).toBe("/api/postmortems?state=published&owner=olga&limit=50");
});
