import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render } from "@testing-library/react";
import type { ReactNode } from "react";
import { vi } from "vitest";
import { aService } from "#lib/client/fixtures.ts";
import { fleetKeys } from "#lib/client/fleet.ts";
import { userKeys } from "#lib/client/users.ts";
import type { Role } from "#lib/domain/users/schemas.ts";
import { RecoveryProvider } from "../../../ui/recovery/recovery-provider.tsx";
import { TooltipProvider } from "../../../ui/tooltip.tsx";

/** What was asked of the server and written to it, and what it answers by path. What has no answer stays on its way. */
export const server = {
  asked: [] as string[],
  sent: [] as { method: string; path: string; body: unknown; key: string | null }[],
  answers: {} as Record<string, unknown>,
};

/** Begins at noon with a server that knows nothing yet. */
export function begin() {
  server.asked = [];
  server.sent = [];
  server.answers = {};
  sessionStorage.clear();
  vi.useFakeTimers({ now: Date.parse("2026-11-21T12:00:00.000Z"), toFake: ["Date"] });
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} }));
  vi.spyOn(HTMLElement.prototype, "getBoundingClientRect").mockReturnValue(new DOMRect(0, 0, 720, 208));
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
  vi.stubGlobal("fetch", async (path: string, init: RequestInit = {}) => {
    const { method = "GET" } = init;
    server.asked.push(path);
    const isQuestion = method === "GET" || path.endsWith("/preview");
    if (!isQuestion) {
      const key = new Headers(init.headers).get("idempotency-key");
      server.sent.push({ method, path, body: JSON.parse(String(init.body ?? "null")), key });
    }
    const answer = server.answers[`${method} ${path}`] ?? server.answers[`${method} ${path.split("?")[0]}`];
    if (answer instanceof Response) return answer.clone();
    return answer === undefined ? new Promise(() => {}) : Response.json(answer);
  });
}

export function end() {
  cleanup();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
}

/** Shows children as a person with a role sees them, with the services relay and hub. */
export function show(children: ReactNode, role: Role = "operator") {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 60_000 } } });
  queries.setQueryData(userKeys.session, { id: "u", username: "ana", name: "Ana", role });
  queries.setQueryData(fleetKeys.services, {
    services: [aService(), aService({ name: "hub", kind: "hub" })],
    figures: {},
    feeds: [],
  });
  render(
    <QueryClientProvider client={queries}>
      <TooltipProvider>
        <RecoveryProvider>{children}</RecoveryProvider>
      </TooltipProvider>
    </QueryClientProvider>,
  );
  return queries;
}
