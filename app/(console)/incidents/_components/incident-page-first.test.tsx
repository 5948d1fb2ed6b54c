import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { renderToString } from "react-dom/server";
import { expect, it } from "vitest";
import { anIncident, aRecovery, aSuspect } from "#lib/client/incident-fixtures.ts";
import { incidentQuery } from "#lib/client/incidents.ts";
import { ActionContext } from "../../../ui/actions/use-actions.ts";
import { TooltipProvider } from "../../../ui/tooltip.tsx";
import { IncidentPage } from "./incident-page.tsx";

it("comes from the server with what is wrong and what changed before, without any store or zone of a browser", () => {
  const incident = anIncident({ suspects: [aSuspect()], recoveries: [aRecovery()] });
  const queries = new QueryClient();
  queries.setQueryData(incidentQuery(incident.id).queryKey, incident);
  const page = renderToString(
    <QueryClientProvider client={queries}>
      <TooltipProvider>
        <ActionContext value={{ open: () => {} }}>
          <IncidentPage id={incident.id} />
        </ActionContext>
      </TooltipProvider>
    </QueryClientProvider>,
  );
  expect(page).toContain("Documents open slowly");
  expect(page).toContain("Set image of relay by ana");
  expect(page).toContain("RelayHighLatency fires.");
  expect(page).not.toContain("<textarea");
});
