// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { userKeys } from "#lib/client/users.ts";
import type { ItemView } from "#lib/domain/incidents/action-items/schemas.ts";
import { TooltipProvider } from "../../../ui/tooltip.tsx";
import { ItemDialog } from "./item-dialog.tsx";
import { ItemsPage } from "./items-page.tsx";

vi.mock("next/navigation", () => ({
  useRouter: () => ({ push: vi.fn() }),
  usePathname: () => "/action-items",
  useSearchParams: () => new URLSearchParams(window.location.search),
}));
const anItem = (change: Partial<ItemView> = {}): ItemView => ({
  id: "item-1",
  number: 3,
  version: 2,
  incident: { id: "inc", number: 12, title: "The relay is slow", severity: "P1" },
  title: "Test latency before a release",
  type: "prevent",
  owner: "otto",
  dueOn: "2026-11-01",
  isOverdue: true,
  link: null,
  state: "open",
  proof: { kind: "alert-rule", rule: "RelayHighLatency", withinSeconds: 60 },
  proofResult: null,
  overrideReason: null,
  isWatched: true,
  createdAt: "2026-11-21T12:00:00.000Z",
  createdBy: "olga",
  closedAt: null,
  closedBy: null,
  reopenedAt: null,
  reopenReason: null,
  ...change,
});

let items: ItemView[];
let asked: string[];
let sent: { method: string; url: string; body: unknown }[];
let refuse: string | null;

beforeEach(() => {
  items = [anItem()];
  asked = [];
  sent = [];
  refuse = null;
  sessionStorage.clear();
  window.history.replaceState(null, "", "/action-items");
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} }));
  vi.stubGlobal("fetch", async (url: string, { method = "GET", body }: RequestInit = {}) => {
    if (method === "GET") asked.push(url);
    else sent.push({ method, url, body: JSON.parse(String(body)) });
    if (url === "/api/people") return Response.json([]);
    if (url.startsWith("/api/rules")) return Response.json({ items: [], at: null, problem: null, total: 0, prometheusUrl: null });
    if (method === "GET") return Response.json({ items, nextCursor: null });
    if (refuse) return Response.json({ code: "precondition-failed", detail: refuse }, { status: 409 });
    return Response.json(items[0]);
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function show(page: ReactNode) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  queries.setQueryData(userKeys.session, { username: "olga", name: "Olga", role: "operator" });
  render(
    <QueryClientProvider client={queries}>
      <TooltipProvider>{page}</TooltipProvider>
    </QueryClientProvider>,
  );
}

describe("the list of action items", () => {
  it("asks for what the address says, and marks what is overdue in words", async () => {
    window.history.replaceState(null, "", "/action-items?state=overdue&type=prevent&owner=otto");
    show(<ItemsPage />);
    const row = await screen.findByRole("row", { name: /Test latency before a release/ });
    expect(row.textContent).toContain("Overdue");
    expect(within(row).getByRole("link", { name: "INC-12" }).getAttribute("href")).toBe("/incidents/inc/postmortem");
    expect(asked[0]).toBe("/api/action-items?state=overdue&type=prevent&owner=otto&limit=50");
  });

  it("says why one that was done is open again", async () => {
    items = [anItem({ reopenReason: "RelayHighLatency fired again, 2026-11-21 12:05 UTC." })];
    show(<ItemsPage />);
    expect(await screen.findByText("Open again: RelayHighLatency fired again, 2026-11-21 12:05 UTC.")).toBeDefined();
  });

  it("closes one by its proof, and unproven with a reason only", async () => {
    refuse = "It stays open: RelayHighLatency, as it is now, would not have fired in this incident.";
    show(<ItemsPage />);
    fireEvent.click(await screen.findByRole("button", { name: "Close AI-3" }));
    const dialog = screen.getByRole("dialog");
    expect(dialog.textContent).toContain("RelayHighLatency, within 60 s.");
    expect(within(dialog).queryByRole("checkbox")).toBeNull();
    fireEvent.click(within(dialog).getByRole("button", { name: "Close AI-3" }));
    expect(await within(dialog).findByText(/would not have fired in this incident/)).toBeDefined();
    fireEvent.click(within(dialog).getByRole("checkbox"));
    refuse = null;
    fireEvent.click(within(dialog).getByRole("button", { name: "Close AI-3 all the same" }));
    expect(within(dialog).getByText("Say why, in a few words.")).toBeDefined();
    fireEvent.change(within(dialog).getByLabelText("Reason"), { target: { value: "the rule changes tomorrow" } });
    fireEvent.click(within(dialog).getByRole("button", { name: "Close AI-3 all the same" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(sent.map(({ body }) => body)).toEqual([{ override: null }, { override: { reason: "the rule changes tomorrow" } }]);
  });
});

describe("the dialog of an action item", () => {
  it("asks for the drill that is to show it, says what that is, and keeps it", async () => {
    show(<ItemDialog incidentId="019b0000-0000-7000-8000-000000000000" onClose={() => {}} />);
    fireEvent.change(screen.getByLabelText("What is to be done"), { target: { value: "Lose a relay without harm" } });
    fireEvent.change(screen.getByLabelText("Proof"), { target: { value: "drill" } });
    expect(screen.getByText(/The fault, brought about on purpose/)).toBeDefined();
    fireEvent.click(screen.getByRole("button", { name: "Add it" }));
    expect(screen.getByText("Name the drill.")).toBeDefined();
    fireEvent.change(screen.getByLabelText("Drill"), { target: { value: "relay-loss" } });
    fireEvent.click(screen.getByRole("button", { name: "Add it" }));
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]).toMatchObject({ body: { proof: { kind: "drill", drill: "relay-loss" } } });
  });

  it("begins with who adds it and a date in two weeks, and sends what was chosen", async () => {
    const onClose = vi.fn();
    show(<ItemDialog incidentId="019b0000-0000-7000-8000-000000000000" onClose={onClose} />);
    fireEvent.click(screen.getByRole("button", { name: "Add it" }));
    expect(screen.getByText("Say in a few words what is to be done.")).toBeDefined();
    fireEvent.change(screen.getByLabelText("What is to be done"), { target: { value: "Alert on slow tokens" } });
    fireEvent.change(screen.getByLabelText("Type"), { target: { value: "detect" } });
    fireEvent.change(screen.getByLabelText("Proof"), { target: { value: "alert-rule" } });
    fireEvent.change(screen.getByLabelText("Alert rule"), { target: { value: "SlowTokens" } });
    fireEvent.click(screen.getByRole("button", { name: "Add it" }));
    await waitFor(() => expect(onClose).toHaveBeenCalled());
    expect(sent).toMatchObject([
      {
        method: "POST",
        url: "/api/action-items",
        body: {
          title: "Alert on slow tokens",
          type: "detect",
          owner: "olga",
          link: null,
          isWatched: false,
          proof: { kind: "alert-rule", rule: "SlowTokens", withinSeconds: 300 },
        },
      },
    ]);
  });

  it("changes one over the version that was read", async () => {
    show(<ItemDialog incidentId="019b0000-0000-7000-8000-000000000000" item={anItem()} onClose={() => {}} />);
    fireEvent.change(screen.getByLabelText("Owner"), { target: { value: "ada" } });
    fireEvent.click(screen.getByRole("button", { name: "Change it" }));
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]).toMatchObject({ method: "PATCH", url: "/api/action-items/item-1", body: { version: 2, owner: "ada" } });
  });
});
