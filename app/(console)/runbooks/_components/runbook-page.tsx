"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useState } from "react";
import { runbookQuery } from "#lib/client/runbooks.ts";
import { anyGroup, type RunbookRef, type RunbookView } from "#lib/domain/runbooks/schemas.ts";
import { Answer } from "../../../ui/answer.tsx";
import { Button } from "../../../ui/button.tsx";
import { TimeAgo } from "../../../ui/clock.tsx";
import { Empty, Skeleton } from "../../../ui/notices.tsx";
import { PageHeader } from "../../../ui/page-header.tsx";
import { RunbookText } from "../../../ui/runbooks/runbook-text.tsx";
import { useRoleRefusal, useSession } from "../../../ui/session.tsx";
import { RunbookEditor } from "./runbook-editor.tsx";
import { RunbookHistory } from "./runbook-history.tsx";
import { ServiceChoice, useRunbookService } from "./runbook-service.tsx";

/** One runbook: its text with buttons that work, its editor, and the versions that it had. */
export function RunbookPage({ runbookRef }: { runbookRef: RunbookRef }) {
  const query = useQuery(runbookQuery(runbookRef));
  return (
    <Answer of={query} what="The runbook could not be read" waiting={<Skeleton className="m-4 h-40 max-w-3xl" />}>
      {(runbook) => (runbook.scope === "service" ? <OfService runbook={runbook} /> : <OfAlert runbook={runbook} />)}
    </Answer>
  );
}

const OfService = ({ runbook }: { runbook: RunbookView }) => (
  <Loaded runbook={runbook} service={`${runbook.group}/${runbook.name}`} candidates={[]} />
);

function OfAlert({ runbook }: { runbook: RunbookView }) {
  return <Loaded runbook={runbook} {...useRunbookService(runbook.group)} />;
}

function Loaded({ runbook, service, candidates }: { runbook: RunbookView; service: string | null; candidates: string[] }) {
  const [isEdited, setEdited] = useState(false);
  const refusal = useRoleRefusal("operator");
  const session = useSession();
  const { scope, group, name, text } = runbook;
  return (
    <>
      <PageHeader title={<span className="name">{name}</span>} aside={<About runbook={runbook} />}>
        <ServiceChoice service={service} candidates={candidates} />
        {scope === "service" ? (
          <Link href={`/fleet/${group}/${name}`} className="text-accent hover:underline">
            The service
          </Link>
        ) : (
          group !== anyGroup && (
            <Link href={`/runbooks/${group}#${name}`} className="text-accent hover:underline">
              All of {group}
            </Link>
          )
        )}
        <Button disabledReason={refusal} aria-pressed={isEdited} onClick={() => setEdited(!isEdited)}>
          {text === null ? "Write it" : "Edit"}
        </Button>
      </PageHeader>
      {isEdited && session ? (
        <RunbookEditor
          key={`${scope}/${group}/${name}`}
          runbook={runbook}
          author={session.name}
          onDone={() => setEdited(false)}
        />
      ) : (
        <div className="grid lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
          <article className="min-w-0 max-w-3xl px-4 py-4">
            {text === null ? (
              <Empty title="Nobody has written it yet">Say what to look at first, and what stops the harm.</Empty>
            ) : (
              <RunbookText text={text} service={service} reason={`Runbook ${name}`} topLevel={2} />
            )}
          </article>
          <RunbookHistory runbook={runbook} />
        </div>
      )}
    </>
  );
}

function About({ runbook: { scope, group, isDelivered, version, at, by } }: { runbook: RunbookView }) {
  const of = scope === "service" ? `service in ${group}` : group === anyGroup ? "alert of any kind" : `alert of ${group}`;
  return (
    <>
      {of} · {isDelivered ? "as delivered" : `version ${version}`}
      {at && (
        <>
          , <TimeAgo at={at} /> by {by}
        </>
      )}
    </>
  );
}
