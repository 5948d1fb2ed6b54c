// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { relatedIncidentsQuery } from "#lib/client/incidents.ts";
import { userKeys } from "#lib/client/users.ts";
import type { RelatedIncident } from "#lib/domain/incidents/schemas.ts";
import type { Role } from "#lib/domain/users/schemas.ts";
import { TooltipProvider } from "../../../ui/tooltip.tsx";
import { RelatedList } from "./related-list.tsx";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const earlier: RelatedIncident = {
  id: "i7",
  number: 7,
  title: "Documents open slowly",
  severity: "P2",
  at: "2026-11-01T10:00:00.000Z",
  resolvedAt: "2026-11-01T10:12:00.000Z",
  hasPostmortem: true,
  why: "RelayHighLatency, fleet/relay",
};

function show(related: RelatedIncident[], role: Role = "operator") {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } } });
  queries.setQueryData(relatedIncidentsQuery("i12").queryKey, related);
  queries.setQueryData(userKeys.session, { id: "u", username: "ana", name: "Ana", role });
  return render(
    <QueryClientProvider client={queries}>
      <TooltipProvider>
        <RelatedList incidentId="i12" />
      </TooltipProvider>
    </QueryClientProvider>,
  );
}

it("tells how long it lasted, what both have, and where to read what was learned", () => {
  show([earlier, { ...earlier, id: "i9", number: 9, resolvedAt: null, hasPostmortem: false }]);
  expect(screen.getByRole("link", { name: "INC-7 Documents open slowly" })).toMatchObject({
    title: "Both have RelayHighLatency, fleet/relay",
  });
  expect(screen.getByText(/over in 12 m/)).toBeDefined();
  expect(screen.getByText(/still open/)).toBeDefined();
  expect(screen.getAllByRole("link", { name: "Postmortem" }).map((link) => link.getAttribute("href"))).toEqual([
    "/incidents/i7/postmortem",
  ]);
});

it("is linked with one click", async () => {
  const sent: unknown[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit = {}) => {
    if (init.method === "PUT") sent.push([url, JSON.parse(String(init.body))]);
    return Response.json([]);
  });
  show([earlier]);
  fireEvent.click(screen.getByRole("button", { name: "Link INC-7" }));
  await waitFor(() => expect(sent).toEqual([["/api/incidents/i12/links", { kind: "incident", targetId: "i7" }]]));
  await waitFor(() => expect(screen.queryByText("Looked like it before")).toBeNull());
});

it("takes no room where there is nothing like it", () => {
  expect(show([]).container.textContent).toBe("");
});
