"use client";
import { type DehydratedState, HydrationBoundary, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { problemOf } from "#lib/client/api.ts";
import { ActionProvider } from "../../ui/actions/action-provider.tsx";
import { AlertActionProvider } from "../../ui/alerts/alert-action-provider.tsx";
import { IncidentProvider } from "../../ui/incidents/incident-provider.tsx";
import { LiveProvider } from "../../ui/live/live-provider.tsx";
import { RecoveryProvider } from "../../ui/recovery/recovery-provider.tsx";
import { TooltipProvider } from "../../ui/tooltip.tsx";

function shouldRetry(count: number, error: unknown): boolean {
  const status = problemOf(error)?.status ?? 0;
  if (status >= 400 && status < 500) return false;
  return count < 2;
}

/** Tells get-nonce, by which open dialogs lock the page's scrolling, the nonce that the page's policy lets styles have. */
function nameStyleNonce(): void {
  const nonce = document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce;
  if (nonce) Object.assign(globalThis, { __webpack_nonce__: nonce });
}

/** Everything that the console's pages share and that lives in the browser. */
export function ConsoleProviders({ firstData, children }: { firstData: DehydratedState | null; children: ReactNode }) {
  const [queries] = useState(
    () => new QueryClient({ defaultOptions: { queries: { retry: shouldRetry, staleTime: 2000, refetchOnWindowFocus: true } } }),
  );
  useEffect(nameStyleNonce, []);
  return (
    <QueryClientProvider client={queries}>
      <HydrationBoundary state={firstData}>
        <TooltipProvider>
          <LiveProvider>
            <ActionProvider>
              <AlertActionProvider>
                <IncidentProvider>
                  <RecoveryProvider>{children}</RecoveryProvider>
                </IncidentProvider>
              </AlertActionProvider>
            </ActionProvider>
          </LiveProvider>
        </TooltipProvider>
      </HydrationBoundary>
    </QueryClientProvider>
  );
}
