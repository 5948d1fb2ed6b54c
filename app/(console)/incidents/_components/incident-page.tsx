"use client";
import { useQuery } from "@tanstack/react-query";
import { incidentQuery } from "#lib/client/incidents.ts";
import type { IncidentDetail } from "#lib/domain/incidents/schemas.ts";
import { ThingAnswer } from "../../../ui/answer.tsx";
import { IncidentRunbooks } from "../../../ui/runbooks/incident-runbooks.tsx";
import { ConcernedServices } from "./concerned-services.tsx";
import { IncidentCommandButtons } from "./incident-commands.tsx";
import { IncidentHeader } from "./incident-header.tsx";
import { IncidentSuspects } from "./incident-suspects.tsx";
import { LinksSection } from "./links-section.tsx";
import { PeopleSection } from "./people-section.tsx";
import { RecoverySection } from "./recovery-section.tsx";
import { StepsSection } from "./steps-section.tsx";
import { Timeline } from "./timeline.tsx";
import { WhatFires } from "./what-fires.tsx";

export function IncidentPage({ id }: { id: string }) {
  const query = useQuery(incidentQuery(id));
  return (
    <ThingAnswer
      of={query}
      thing="incident"
      all="/incidents?state=all"
      still="The page shows what was last read; what is typed here stays."
    >
      {(incident) => <LoadedIncident incident={incident} />}
    </ThingAnswer>
  );
}

/**
 * What is wrong, since when, what changed before, and whether it is over; then what happened and who does what. The columns are as
 * long as each needs; on a phone what is done now comes before what happened, and who does what after it.
 */
function LoadedIncident({ incident }: { incident: IncidentDetail }) {
  return (
    <>
      <IncidentHeader incident={incident}>
        <IncidentCommandButtons incident={incident} />
      </IncidentHeader>
      <div className="flex flex-col lg:grid lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)] lg:grid-rows-[auto_1fr]">
        <div className="min-w-0">
          <WhatFires incident={incident} />
          <IncidentSuspects incident={incident} />
        </div>
        <div className="contents min-w-0 lg:col-start-2 lg:row-span-2 lg:row-start-1 lg:block lg:border-l">
          <RecoverySection incident={incident} />
          <ConcernedServices incident={incident} />
          <IncidentRunbooks incident={incident} />
          <div className="max-lg:order-1">
            <StepsSection incident={incident} />
            <PeopleSection incident={incident} />
            <LinksSection incident={incident} />
          </div>
        </div>
        <div className="min-w-0">
          <Timeline incident={incident} />
        </div>
      </div>
    </>
  );
}
