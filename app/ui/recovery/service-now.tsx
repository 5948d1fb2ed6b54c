import { useQuery } from "@tanstack/react-query";
import { servicesQuery } from "#lib/client/fleet.ts";
import { readinessOf } from "#lib/client/fleet-view.ts";
import { Status } from "../status.tsx";

/** How a subject's service is at this moment: what was restored or struck may still be on its way. */
export function ServiceNow({ subject }: { subject: string }) {
  const service = useQuery(servicesQuery).data?.services.find(({ id }) => id === subject);
  if (!service) return "not seen";
  const { ready, desired } = readinessOf(service);
  return (
    <span className="inline-flex flex-wrap items-center gap-x-1.5">
      <Status health={service.health} reason={service.healthReason} />
      <span className="text-ink-2">
        {ready}/{desired} ready
      </span>
    </span>
  );
}
