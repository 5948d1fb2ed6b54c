"use client";
import { useQuery } from "@tanstack/react-query";
import { DatabaseZap, type LucideIcon, Plug, RotateCcw, RotateCw, Scaling, Unplug } from "lucide-react";
import { servicesQuery } from "#lib/client/fleet.ts";
import { readinessOf } from "#lib/client/fleet-view.ts";
import { incidentName, isOpen } from "#lib/client/incident-view.ts";
import { mitigationsOf } from "#lib/client/mitigations.ts";
import type { ActionVerb } from "#lib/domain/actions/schemas.ts";
import type { Service } from "#lib/domain/fleet/schemas.ts";
import type { IncidentDetail } from "#lib/domain/incidents/schemas.ts";
import { useActions } from "../../../ui/actions/use-actions.ts";
import { Button } from "../../../ui/button.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { ServiceLink } from "../../../ui/service-table-cells.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { Status, StatusShape } from "../../../ui/status.tsx";

const icons: Partial<Record<ActionVerb, LucideIcon>> = {
  rollback: RotateCcw,
  restart: RotateCw,
  scale: Scaling,
  "open-breaker": Unplug,
  "close-breaker": Plug,
  "fail-over": DatabaseZap,
};

/** How the services stand now, and what stops the harm; each by the dialog that every action goes through. */
export function ConcernedServices({ incident }: { incident: IncidentDetail }) {
  const services = useQuery(servicesQuery).data?.services ?? [];
  const concerned = incident.services.flatMap(({ namespace, name }) => {
    const service = services.find(({ id }) => id === `${namespace}/${name}`);
    return service ? [service] : [];
  });
  if (!isOpen(incident) || concerned.length === 0) return null;
  const reason = `${incidentName(incident)}: ${incident.title}`.slice(0, 500);
  return (
    <section aria-labelledby="services">
      <SectionHeader id="services" title="Mitigate" aside="stop the harm first; the cause can wait" />
      <ul>
        {concerned.map((service) => (
          <Mitigations
            key={service.id}
            service={service}
            isHarmed={incident.recoveries.some((recovery) => recovery.service === service.id && recovery.state === "bad")}
            reason={reason}
          />
        ))}
      </ul>
    </section>
  );
}

type MitigationsProps = { service: Service; isHarmed: boolean; reason: string };

/** Instances may all be healthy while clients are not served as they should be: then that is what is said. */
function Mitigations({ service, isHarmed, reason }: MitigationsProps) {
  const actions = useActions();
  const refusal = useRoleRefusal("operator");
  const { ready, desired } = readinessOf(service);
  return (
    <li className="flex min-h-9 flex-wrap items-center gap-x-3 gap-y-1 border-b px-4 py-1">
      <ServiceLink service={service} />
      {isHarmed ? (
        <span className="inline-flex items-center gap-1.5 font-medium text-bad" title={`Its instances: ${service.healthReason}`}>
          <StatusShape health="down" /> Clients harmed
        </span>
      ) : (
        <Status health={service.health} reason={service.healthReason} />
      )}
      <span className="text-ink-2">
        {ready}/{desired} ready · {service.version}
      </span>
      <span role="toolbar" aria-label={`Mitigations on ${service.name}`} className="ml-auto flex flex-wrap justify-end gap-1.5">
        {mitigationsOf(service).map((mitigation) => {
          const Icon = icons[mitigation.verb];
          return (
            <Button
              key={mitigation.verb}
              size="small"
              disabledReason={refusal ?? mitigation.refusal}
              onClick={() => actions.open({ verb: mitigation.verb, service: service.id, reason })}
            >
              {Icon && <Icon aria-hidden="true" />} {mitigation.label}
            </Button>
          );
        })}
      </span>
    </li>
  );
}
