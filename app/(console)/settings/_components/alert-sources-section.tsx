"use client";
import { useQuery } from "@tanstack/react-query";
import { RadioTower } from "lucide-react";
import { useState } from "react";
import { alertSourcesQuery } from "#lib/client/alert-sources.ts";
import type { AlertSourceView } from "#lib/domain/alerts/source-schemas.ts";
import { Answer } from "../../../ui/answer.tsx";
import { Button } from "../../../ui/button.tsx";
import { TimeAgo } from "../../../ui/clock.tsx";
import { Empty, TableSkeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { StatusShape } from "../../../ui/status.tsx";
import { RetentionForm } from "./alert-retention-form.tsx";
import { AddSourceDialog, EditSourceDialog, RemoveSourceDialog, RotateSourceDialog } from "./alert-source-dialogs.tsx";

type Opened = { what: "add" } | { what: "edit" | "rotate" | "remove"; source: AlertSourceView };

/** The Alertmanagers whose alerts arrive here, and whether they are heard. */
export function AlertSourcesSection() {
  const query = useQuery(alertSourcesQuery);
  const refusal = useRoleRefusal("admin");
  const [opened, setOpened] = useState<Opened | null>(null);
  const close = () => setOpened(null);
  return (
    <>
      <SectionHeader title="Alert sources" aside="One for each Alertmanager, or for each cluster of them">
        <Button size="small" disabledReason={refusal} onClick={() => setOpened({ what: "add" })}>
          <RadioTower aria-hidden="true" /> Add a source
        </Button>
      </SectionHeader>
      <Answer
        of={query}
        what="The sources of alerts could not be read"
        still="Alerts are taken all the same, or sent again by Alertmanager."
        waiting={<TableSkeleton rows={3} columns={4} />}
      >
        {(sources) =>
          sources.length === 0 ? (
            <Empty title="No Alertmanager sends its alerts here yet">
              Add a source, and paste what it shows into your alertmanager.yml.
            </Empty>
          ) : (
            <ul aria-label="Alert sources">
              {sources.map((source) => (
                <SourceRow key={source.id} source={source} refusal={refusal} open={(what) => setOpened({ what, source })} />
              ))}
            </ul>
          )
        }
      </Answer>
      <RetentionForm />
      {opened?.what === "add" && <AddSourceDialog onClose={close} />}
      {opened?.what === "edit" && <EditSourceDialog source={opened.source} onClose={close} />}
      {opened?.what === "rotate" && <RotateSourceDialog source={opened.source} onClose={close} />}
      {opened?.what === "remove" && <RemoveSourceDialog source={opened.source} onClose={close} />}
    </>
  );
}

function SourceRow({
  source,
  refusal,
  open,
}: {
  source: AlertSourceView;
  refusal: string | null;
  open: (what: "edit" | "rotate" | "remove") => void;
}) {
  const { name, prefix, members, lastReceivedAt, watchdogAt, blind, openAlerts } = source;
  return (
    <li className="grid gap-x-4 gap-y-1.5 border-b px-4 py-2 md:grid-cols-[11rem_1fr_auto]">
      <div className="min-w-0">
        <p className="truncate font-medium" title={name}>
          {name}
        </p>
        <Hearing source={source} />
        {blind && (
          <p className="text-ink-2">
            {blind.reason} Since <TimeAgo at={blind.since} />.
          </p>
        )}
      </div>
      <dl className="grid grid-cols-[7rem_1fr] content-start gap-x-4 gap-y-0.5">
        <Fact name="Last received">{lastReceivedAt ? <TimeAgo at={lastReceivedAt} /> : "never"}</Fact>
        <Fact name="Last Watchdog">
          {watchdogAt ? (
            <TimeAgo at={watchdogAt} />
          ) : (
            "never. Without an alert named Watchdog, silence and a broken path look the same"
          )}
        </Fact>
        <Fact name="Firing now">{openAlerts}</Fact>
        <Fact name="Secret">
          <span className="font-mono text-xs">{prefix}…</span>
        </Fact>
        <Fact name="Alertmanagers">
          {members.length === 0
            ? "none is polled: what its webhook misses is not noticed"
            : members.map((member) => <Member key={member.url} member={member} />)}
        </Fact>
      </dl>
      <div className="flex flex-wrap content-start items-start gap-2">
        <Button size="small" disabledReason={refusal} aria-label={`Change ${name}`} onClick={() => open("edit")}>
          Change
        </Button>
        <Button size="small" disabledReason={refusal} aria-label={`New secret for ${name}`} onClick={() => open("rotate")}>
          New secret
        </Button>
        <Button size="small" disabledReason={refusal} aria-label={`Remove ${name}`} onClick={() => open("remove")}>
          Remove
        </Button>
      </div>
    </li>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <>
      <dt className="text-ink-3">{name}</dt>
      <dd className="min-w-0 text-ink-2">{children}</dd>
    </>
  );
}

function Hearing({ source: { disabled, blind, lastReceivedAt, watchdogAt } }: { source: AlertSourceView }) {
  const [word, health, color] = disabled
    ? (["Disabled", "paused", "text-held"] as const)
    : blind
      ? (["Not heard", "degraded", "text-warn"] as const)
      : lastReceivedAt || watchdogAt
        ? (["Heard", "healthy", "text-good"] as const)
        : (["Nothing came yet", "unknown", "text-quiet"] as const);
  return (
    <span className={`inline-flex items-center gap-1.5 font-medium ${color}`}>
      <StatusShape health={health} /> {word}
    </span>
  );
}

function Member({ member: { url, failingSince, lastError, lastPolledAt } }: { member: AlertSourceView["members"][number] }) {
  return (
    <p className="min-w-0">
      <span className="inline-flex min-w-0 flex-wrap items-center gap-x-1.5">
        <StatusShape health={failingSince ? "down" : lastPolledAt ? "healthy" : "unknown"} />
        <code className="break-all text-xs">{url}</code>
        <span className="text-ink-3">
          {failingSince ? "has not answered since " : lastPolledAt ? "polled " : "not polled yet"}
          {(failingSince ?? lastPolledAt) && <TimeAgo at={failingSince ?? lastPolledAt ?? ""} />}
        </span>
      </span>
      {failingSince && lastError && <span className="block break-words text-bad">{lastError}</span>}
    </p>
  );
}
