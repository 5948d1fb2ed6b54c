import { QueryClient, QueryClientProvider, type QueryKey } from "@tanstack/react-query";
import { cleanup, render } from "@testing-library/react";
import type { ReactNode } from "react";
import { vi } from "vitest";
import type { FigureSummary } from "#lib/domain/incidents/trends/schemas.ts";
import { TooltipProvider } from "../tooltip.tsx";

/** A server from which nothing comes, so that a test sees what it keeps itself. */
export function begin() {
  vi.stubGlobal("fetch", () => new Promise(() => {}));
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} }));
}

export function end() {
  cleanup();
  vi.unstubAllGlobals();
}

/** The figure of three incidents, and of a fourth nobody knows, for tests. */
export const aFigure = (over: Partial<FigureSummary> = {}): FigureSummary => ({
  n: 3,
  missing: 1,
  pending: 0,
  median: 120,
  p90: 600,
  mean: 240,
  ...over,
});

/** What every trend of a test is over: 30 days. */
export const span = { from: "2026-10-22T12:00:00.000Z", to: "2026-11-21T12:00:00.000Z" };

/** Shows children with what was read before, by its key. */
export function show(children: ReactNode, known: readonly (readonly [QueryKey, unknown])[]) {
  const queries = new QueryClient({ defaultOptions: { queries: { staleTime: Number.POSITIVE_INFINITY } } });
  for (const [key, answer] of known) queries.setQueryData(key, answer);
  render(
    <QueryClientProvider client={queries}>
      <TooltipProvider>{children}</TooltipProvider>
    </QueryClientProvider>,
  );
}
