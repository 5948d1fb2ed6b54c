"use client";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Command } from "cmdk";
import { BookOpen } from "lucide-react";
import { useRouter } from "next/navigation";
import { Dialog as Radix } from "radix-ui";
import { useState } from "react";
import { actionSentence } from "#lib/client/action-texts.ts";
import { byUrgency } from "#lib/client/alert-view.ts";
import { liveAlertsQuery } from "#lib/client/alerts.ts";
import { servicesQuery } from "#lib/client/fleet.ts";
import { readinessOf } from "#lib/client/fleet-view.ts";
import { byWeight, incidentName } from "#lib/client/incident-view.ts";
import { latestIncidentsQuery } from "#lib/client/incidents.ts";
import { readWishes } from "#lib/client/palette.ts";
import { runbookAddress, runbooksQuery } from "#lib/client/runbooks.ts";
import { useActions } from "../../ui/actions/use-actions.ts";
import { useAlertActions } from "../../ui/alerts/use-alert-actions.ts";
import { Elapsed } from "../../ui/clock.tsx";
import { IncidentSeverity } from "../../ui/incidents/incident-marks.tsx";
import { useIncidents } from "../../ui/incidents/use-incidents.ts";
import { destinations, furtherPlaces, settings } from "../../ui/navigation.ts";
import { useRoleRefusal } from "../../ui/session.tsx";
import { SeverityShape } from "../../ui/severity.tsx";
import { StatusShape } from "../../ui/status.tsx";
import { Group, Item } from "./palette-parts.tsx";
import { PaletteRecovery } from "./palette-recovery.tsx";

/** Finds services, pages and actions. Sentences such as "scale relay to 5" open the action's dialog filled in. */
export function Palette({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-black/40 dark:bg-black/60" />
        <Radix.Content
          aria-describedby={undefined}
          className="fixed inset-x-3 top-[8vh] z-40 mx-auto max-w-[600px] overflow-hidden rounded-xl border bg-raised shadow-float outline-none"
        >
          <Radix.Title className="sr-only">Find or do</Radix.Title>
          <PaletteContent onClose={onClose} />
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

function PaletteContent({ onClose }: { onClose: () => void }) {
  const router = useRouter();
  const [text, setText] = useState("");
  const services = useQuery(servicesQuery).data?.services ?? [];
  const actions = useActions();
  const alertActions = useAlertActions();
  const incidentActions = useIncidents();
  const refusal = useRoleRefusal("operator");
  const wishes = readWishes(text, services);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (candidate: string) => words.every((word) => candidate.toLowerCase().includes(word));
  const found = services.filter((service) => fits(`${service.id} ${service.kind} ${service.version}`)).slice(0, 30);
  const pages = [...destinations, settings].filter((page) => fits(`go to ${page.label}`));
  const further = text === "" ? [] : furtherPlaces.filter((page) => fits(`go to ${page.label}`));
  const alerts = (useQuery(liveAlertsQuery()).data?.items ?? [])
    .filter((alert) => fits(`alert ${alert.name} ${alert.service ?? ""} ${alert.instance ?? ""} ${alert.severity}`))
    .sort(byUrgency)
    .slice(0, text === "" ? 5 : 15);
  const incidents = (useQuery(latestIncidentsQuery()).data?.items ?? [])
    .filter((incident) =>
      fits(
        `incident ${incidentName(incident)} ${incident.severity} ${incident.title} ${incident.services.map(({ name }) => name)}`,
      ),
    )
    .sort(byWeight)
    .slice(0, text === "" ? 5 : 15);
  const runbooks = (useInfiniteQuery({ ...runbooksQuery({}), enabled: text !== "" }).data?.pages ?? [])
    .flatMap(({ items }) => items)
    .filter(({ scope, group, name }) => fits(`runbook ${scope} ${group} ${name}`))
    .slice(0, 8);
  const isReporting = text !== "" && "report an incident".includes(text.toLowerCase().trim());
  const isSilencing = text !== "" && "new silence".includes(text.toLowerCase().trim());
  const suggestions = [
    "scale",
    "restart",
    "set image",
    "roll back",
    "pause",
    "resume",
    "open breaker",
    "fail over",
    "back up",
    "drill",
  ].filter((verb) => text !== "" && verb.startsWith(text.toLowerCase()) && text.toLowerCase() !== verb);
  const go = (href: string) => {
    onClose();
    router.push(href);
  };

  return (
    <Command shouldFilter={false} label="Find or do" loop>
      <Command.Input
        autoFocus
        value={text}
        onValueChange={setText}
        placeholder="Find a service, an alert or an incident, or say what to do: scale relay to 5"
        className="h-11 w-full border-b bg-transparent px-4 text-base outline-none"
      />
      <Command.List className="scroll-thin max-h-[56vh] overflow-y-auto p-1.5">
        <Command.Empty className="px-3 py-8 text-center text-ink-3">
          Nothing is called that. Try a service's name, a page, or “restart hub”.
        </Command.Empty>
        {wishes.length > 0 && (
          <Group heading="Do">
            {wishes.map((wish) => (
              <Item
                key={`${wish.verb} ${wish.service.id}`}
                value={`wish ${wish.verb} ${wish.service.id}`}
                disabled={refusal !== null}
                onSelect={() => {
                  onClose();
                  actions.open({ verb: wish.verb, service: wish.service.id, values: wish });
                }}
              >
                <StatusShape health={wish.service.health} />
                <span className="font-medium">
                  {actionSentence(wish.verb, wish.service.name, {
                    replicas: wish.replicas ?? null,
                    container: "",
                    image: wish.image ?? "",
                    toRevision: wish.toRevision ?? 0,
                  })}
                </span>
                <span className="ml-auto text-ink-3">{refusal ?? wish.service.namespace}</span>
              </Item>
            ))}
          </Group>
        )}
        {isSilencing && (
          <Group heading="Do">
            <Item
              value="new silence"
              disabled={refusal !== null}
              onSelect={() => {
                onClose();
                alertActions.silence({});
              }}
            >
              <span className="font-medium">New silence</span>
              <span className="ml-auto text-ink-3">{refusal}</span>
            </Item>
          </Group>
        )}
        {isReporting && (
          <Group heading="Do">
            <Item
              value="report incident"
              disabled={refusal !== null}
              onSelect={() => {
                onClose();
                incidentActions.report();
              }}
            >
              <span className="font-medium">Report an incident</span>
              <span className="ml-auto text-ink-3">{refusal ?? "c"}</span>
            </Item>
          </Group>
        )}
        {text !== "" && <PaletteRecovery text={text} fits={fits} onClose={onClose} />}
        {suggestions.length > 0 && (
          <Group heading="Do">
            {suggestions.map((verb) => (
              <Item key={verb} value={`verb ${verb}`} onSelect={() => setText(`${verb} `)}>
                <span className="font-medium">{verb}</span>
                <span className="text-ink-3">then a service's name</span>
              </Item>
            ))}
          </Group>
        )}
        {incidents.length > 0 && (
          <Group heading="Incidents">
            {incidents.map((incident) => (
              <Item key={incident.id} value={`incident ${incident.id}`} onSelect={() => go(`/incidents/${incident.id}`)}>
                <IncidentSeverity severity={incident.severity} isBare />
                <span className="shrink-0 font-mono text-xs text-ink-3">{incidentName(incident)}</span>
                <span className="truncate font-medium">{incident.title}</span>
                <span className="ml-auto shrink-0 text-ink-3">
                  <Elapsed from={incident.clock.impactStartedAt} to={null} />
                </span>
              </Item>
            ))}
          </Group>
        )}
        {alerts.length > 0 && (
          <Group heading="Alerts">
            {alerts.map((alert) => (
              <Item key={alert.id} value={`alert ${alert.id}`} onSelect={() => go(`/alerts/${alert.id}`)}>
                <SeverityShape severity={alert.severity} />
                <span className="name truncate font-medium">{alert.name}</span>
                <span className="name truncate text-ink-3">{alert.instance ?? alert.service}</span>
                <span className="ml-auto shrink-0 text-ink-3">
                  {alert.standing === "firing" ? "" : `${alert.standing} · `}
                  <Elapsed from={alert.startsAt} to={null} />
                </span>
              </Item>
            ))}
          </Group>
        )}
        {found.length > 0 && (
          <Group heading="Services">
            {found.map((service) => (
              <Item key={service.id} value={`service ${service.id}`} onSelect={() => go(`/fleet/${service.id}`)}>
                <StatusShape health={service.health} />
                <span className="font-medium">{service.name}</span>
                <span className="text-ink-3">
                  {service.namespace} · {service.kind}
                </span>
                <span className="ml-auto text-ink-3">
                  {readinessOf(service).ready}/{readinessOf(service).desired} · {service.version}
                </span>
              </Item>
            ))}
          </Group>
        )}
        {runbooks.length > 0 && (
          <Group heading="Runbooks">
            {runbooks.map((runbook) => (
              <Item
                key={runbookAddress(runbook)}
                value={`runbook ${runbookAddress(runbook)}`}
                onSelect={() => go(runbookAddress(runbook))}
              >
                <BookOpen aria-hidden="true" className="size-3.5 text-ink-3" />
                <span className="name truncate font-medium">{runbook.name}</span>
                <span className="ml-auto shrink-0 text-ink-3">
                  {runbook.scope} · {runbook.group}
                </span>
              </Item>
            ))}
          </Group>
        )}
        {pages.length + further.length > 0 && (
          <Group heading="Pages">
            {pages.map(({ href, label, letter, icon: Icon }) => (
              <Item key={href} value={`page ${label}`} onSelect={() => go(href)}>
                <Icon aria-hidden="true" className="size-3.5 text-ink-3" />
                <span>Go to {label}</span>
                <kbd className="ml-auto text-xs text-ink-3">g {letter}</kbd>
              </Item>
            ))}
            {further.map(({ href, label, icon: Icon }) => (
              <Item key={href} value={`page ${label}`} onSelect={() => go(href)}>
                <Icon aria-hidden="true" className="size-3.5 text-ink-3" />
                <span>Go to {label}</span>
              </Item>
            ))}
          </Group>
        )}
      </Command.List>
    </Command>
  );
}
