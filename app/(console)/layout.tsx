import type { ReactNode } from "react";
import { liveAlertsQuery } from "#lib/client/alerts.ts";
import { newestDrillsQuery } from "#lib/client/drills.ts";
import { fleetKeys } from "#lib/client/fleet.ts";
import { latestIncidentsQuery } from "#lib/client/incidents.ts";
import { newestRestoresQuery } from "#lib/client/restores.ts";
import { latestRolloutsQuery } from "#lib/client/rollouts.ts";
import { userKeys } from "#lib/client/users.ts";
import { listLiveAlerts } from "#lib/domain/alerts/live-alerts.ts";
import { listServices } from "#lib/domain/fleet/queries.ts";
import { listIncidents } from "#lib/domain/incidents/queries.ts";
import { listDrills } from "#lib/domain/recovery/drills/queries.ts";
import { listRestores } from "#lib/domain/recovery/restores/queries.ts";
import { listRollouts } from "#lib/domain/rollouts/queries.ts";
import { getSessionView } from "#lib/domain/users/commands.ts";
import { BurningBar } from "./_components/burning-bar.tsx";
import { ConsoleProviders } from "./_components/console-providers.tsx";
import { Keyboard } from "./_components/keyboard.tsx";
import { BottomNavigation, SideNavigation } from "./_components/navigation.tsx";
import { readFirstData } from "./first-data.ts";

export default async function ConsoleLayout({ children }: { children: ReactNode }) {
  const firstData = await readFirstData(null, [
    [userKeys.session, getSessionView],
    [fleetKeys.services, listServices],
    // What the bar at the top says must be there with the page: it would push everything down when it comes later.
    [liveAlertsQuery().queryKey, (context) => listLiveAlerts(context, {})],
    [latestIncidentsQuery().queryKey, (context) => listIncidents(context, { state: "open", limit: 50 })],
    [latestRolloutsQuery().queryKey, (context) => listRollouts(context, { limit: 50 })],
    [newestDrillsQuery.queryKey, (context) => listDrills(context, { limit: 10 })],
    [newestRestoresQuery.queryKey, (context) => listRestores(context, { limit: 10 })],
  ]);
  return (
    <ConsoleProviders firstData={firstData}>
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:fixed focus:left-2 focus:top-2 focus:z-50 focus:rounded-md focus:bg-accent-solid focus:px-3 focus:py-1 focus:text-accent-ink"
      >
        Skip to the content
      </a>
      <div className="flex h-dvh flex-col md:flex-row print:block print:h-auto">
        <SideNavigation />
        <div className="flex min-h-0 min-w-0 flex-1 flex-col">
          <BurningBar />
          <main
            id="content"
            data-scroller
            tabIndex={-1}
            // What is positioned in it scrolls with it, and not the document.
            className="scroll-thin relative min-h-0 flex-1 overflow-y-auto overflow-x-hidden outline-none print:overflow-visible"
          >
            {children}
          </main>
        </div>
        <BottomNavigation />
      </div>
      <Keyboard />
    </ConsoleProviders>
  );
}
