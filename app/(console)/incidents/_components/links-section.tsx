"use client";
import { ChevronRight, X } from "lucide-react";
import Link from "next/link";
import { type FormEvent, useState } from "react";
import { readLink } from "#lib/client/incident-view.ts";
import { putLink, removeLink } from "#lib/client/incidents.ts";
import { countOf } from "#lib/client/numbers.ts";
import type { IncidentDetail, LinkKind } from "#lib/domain/incidents/schemas.ts";
import { Button } from "../../../ui/button.tsx";
import { TimeAgo } from "../../../ui/clock.tsx";
import { Input } from "../../../ui/field.tsx";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { RelatedList } from "./related-list.tsx";
import { UnlinkDialog } from "./unlink-dialog.tsx";
import { useIncidentWrite } from "./use-incident-write.ts";

const words: Record<LinkKind, string> = {
  alert: "Alert",
  rollout: "Rollout",
  action: "Action",
  backup: "Backup",
  incident: "Incident",
};

type LinkRow = IncidentDetail["links"][number];

/** What belongs to the incident: rollouts, actions, backups, other incidents, and its alerts on demand. */
export function LinksSection({ incident }: { incident: IncidentDetail }) {
  const refusal = useRoleRefusal("operator");
  const [address, setAddress] = useState("");
  const [unlinking, setUnlinking] = useState<LinkRow | null>(null);
  const write = useIncidentWrite({ onDone: () => setAddress("") });
  const link = readLink(address);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!refusal && !write.isPending && link) write.mutate(() => putLink(incident.id, link));
  };
  const alerts = incident.links.filter(({ kind }) => kind === "alert");
  const others = incident.links.filter(({ kind }) => kind !== "alert");
  // Of an alert people will ask why: it says what is wrong.
  const takeAway = (each: LinkRow) =>
    each.kind === "alert" ? setUnlinking(each) : write.mutate(() => removeLink(incident.id, each));
  return (
    <section aria-labelledby="links">
      <SectionHeader id="links" title="Belongs to it" />
      <Links links={others} refusal={refusal} onTakeAway={takeAway} />
      {alerts.length > 0 && (
        <details className="group/alerts border-b">
          <summary className="flex h-8 cursor-pointer list-none items-center gap-2 px-4 hover:bg-hover">
            <span className="w-16 shrink-0 text-ink-3">Alerts</span>
            {countOf(alerts.length, "alert")}, shown above
            <ChevronRight aria-hidden="true" className="ml-auto size-3.5 text-ink-3 group-open/alerts:rotate-90" />
          </summary>
          <Links links={alerts} refusal={refusal} onTakeAway={takeAway} />
        </details>
      )}
      {incident.links.length === 0 && <p className="border-b px-4 py-1.5 text-ink-3">Nothing is linked yet.</p>}
      <form onSubmit={submit} className="flex items-center gap-2 border-b px-4 py-1.5">
        <Input
          aria-label="Address of an alert, a rollout, an action or an incident"
          placeholder="Paste the address of an alert, rollout, action or incident"
          value={address}
          onChange={({ target }) => setAddress(target.value)}
          className="h-7"
        />
        <Button
          type="submit"
          size="small"
          busy={write.isPending}
          disabledReason={refusal ?? (link ? null : "Paste the address of one of their pages.")}
        >
          Link
        </Button>
      </form>
      {write.error !== null && <ErrorNotice className="m-4" what="Not linked" error={write.error} />}
      <RelatedList incidentId={incident.id} />
      {unlinking && <UnlinkDialog incident={incident} link={unlinking} onClose={() => setUnlinking(null)} />}
    </section>
  );
}

function Links({
  links,
  refusal,
  onTakeAway,
}: {
  links: readonly LinkRow[];
  refusal: string | null;
  onTakeAway: (link: LinkRow) => void;
}) {
  return (
    <ul>
      {links.map((each) => (
        <li key={`${each.kind} ${each.targetId}`} className="flex h-8 min-w-0 items-center gap-2 border-b px-4">
          <span className="w-16 shrink-0 text-ink-3">{words[each.kind]}</span>
          <Link href={each.href} title={each.title} className="min-w-0 truncate font-medium hover:underline">
            {each.title}
          </Link>
          <span className="ml-auto shrink-0 text-xs text-ink-3">
            {each.by} <TimeAgo at={each.at} />
          </span>
          <Button
            size="small"
            look="ghost"
            disabledReason={refusal}
            aria-label={`Take ${each.title} away`}
            tooltip="Take it away"
            onClick={() => onTakeAway(each)}
            className="size-6 p-0"
          >
            <X aria-hidden="true" />
          </Button>
        </li>
      ))}
    </ul>
  );
}
