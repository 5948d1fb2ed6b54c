"use client";
import { Download, Printer } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { incidentName } from "#lib/client/incident-view.ts";
import { exportAddress } from "#lib/client/postmortems.ts";
import type { PostmortemAnswer, PostmortemCommand, PostmortemView } from "#lib/domain/incidents/postmortem/schemas.ts";
import type { Severity } from "#lib/domain/incidents/schemas.ts";
import { Button, buttonLook } from "../../../../../ui/button.tsx";
import { TimeAgo } from "../../../../../ui/clock.tsx";
import { DrillBadge, IncidentSeverity } from "../../../../../ui/incidents/incident-marks.tsx";
import { useRoleRefusal, useSession } from "../../../../../ui/session.tsx";
import { PostmortemState } from "../../../../postmortems/_components/state-mark.tsx";
import { CommandDialog } from "./command-dialog.tsx";
import { OwnerDialog } from "./owner-dialog.tsx";

/** Whose postmortem it is, where it stands, what is missing, and what may be done with it. */
export function PostmortemHeader({ answer: { incident, isRequired, postmortem } }: { answer: PostmortemAnswer }) {
  return (
    <header className="border-b px-4 py-3 print:hidden">
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-80">
          <p className="flex items-center gap-1.5 text-xs text-ink-3">
            <Link href="/incidents" className="hover:text-ink">
              Incidents
            </Link>
            /
            <Link href={`/incidents/${incident.id}`} className="font-mono hover:text-ink">
              {incidentName(incident)}
            </Link>
            / Postmortem
          </p>
          <h1 className="break-words text-xl font-semibold tracking-[-0.015em]">{incident.title}</h1>
          <p role="status" aria-live="polite" className="mt-0.5 flex flex-wrap items-center gap-x-4 gap-y-1 text-ink-2">
            <IncidentSeverity severity={incident.severity as Severity} />
            {incident.isDrill && <DrillBadge />}
            {postmortem ? <Standing postmortem={postmortem} /> : <span>{isRequired ? "Required" : "Not required"}</span>}
          </p>
        </div>
        {postmortem && <Actions postmortem={postmortem} />}
      </div>
      {postmortem && postmortem.state !== "published" && postmortem.gaps.length > 0 && <Gaps postmortem={postmortem} />}
    </header>
  );
}

function Standing({ postmortem }: { postmortem: PostmortemView }) {
  const [isChanging, setChanging] = useState(false);
  const { state, owner, updatedAt, updatedBy, reviewBy, reviewer, approval, version, publishedAt, publishedBy } = postmortem;
  return (
    <>
      <PostmortemState state={state} />
      <span>
        owned by{" "}
        <button
          type="button"
          aria-label={`Owner: ${owner}. Change`}
          onClick={() => setChanging(true)}
          className="text-accent hover:underline"
        >
          {owner}
        </button>
      </span>
      {state === "published" && publishedAt ? (
        <span>
          by {publishedBy}, <TimeAgo at={publishedAt} />
        </span>
      ) : (
        <span>
          {state === "review" && `${reviewBy} asked ${reviewer === null ? "" : `${reviewer} `}for a review; `}last written by{" "}
          {updatedBy}, <TimeAgo at={updatedAt} />
        </span>
      )}
      {approval?.version === version && (
        <span className="text-good">
          approved by {approval.by}, <TimeAgo at={approval.at} />
        </span>
      )}
      {postmortem.overrideReason !== null && (
        <span className="text-warn">published although something was missing: {postmortem.overrideReason}</span>
      )}
      {isChanging && <OwnerDialog postmortem={postmortem} onClose={() => setChanging(false)} />}
    </>
  );
}

function Gaps({ postmortem: { gaps } }: { postmortem: PostmortemView }) {
  return (
    <details className="mt-2 max-w-3xl text-ink-2">
      <summary className="cursor-pointer">
        {gaps.length === 1 ? "One thing is missing" : `${gaps.length} things are missing`} before it can be published
      </summary>
      <ul className="mt-1 list-disc pl-5">
        {gaps.map(({ id, message }) => (
          <li key={id}>{message}</li>
        ))}
      </ul>
    </details>
  );
}

function Actions({ postmortem }: { postmortem: PostmortemView }) {
  const [command, setCommand] = useState<PostmortemCommand | null>(null);
  const refusal = useRoleRefusal("operator");
  const session = useSession();
  const { incidentId, state, gaps, commands, owner, reviewBy } = postmortem;
  const isOwn = session !== null && (session.username === owner || session.username === reviewBy);
  const notMine = isOwn ? "You own it or asked for its review: another person has to approve it." : null;
  const button = (which: PostmortemCommand, words: string, { isNext = false, not = null as string | null } = {}) => (
    <Button look={isNext ? "primary" : "plain"} disabledReason={refusal ?? not} onClick={() => setCommand(which)}>
      {words}
    </Button>
  );
  const onlyApproval = gaps.every(({ id }) => id === "approval");
  return (
    <div role="toolbar" aria-label="Postmortem" className="flex flex-wrap gap-1.5">
      {state === "draft" && button("review", "Ask for a review", { isNext: onlyApproval && gaps.length > 0 })}
      {state === "review" && button("approve", "Approve", { isNext: !isOwn, not: commands.approve ?? notMine })}
      {state === "review" && button("return", "Give back")}
      {state !== "published" && button("publish", "Publish", { isNext: gaps.length === 0 })}
      {state === "published" && button("reopen", "Reopen")}
      <a href={exportAddress(incidentId, "html")} target="_blank" rel="noopener" className={buttonLook()}>
        <Printer aria-hidden="true" /> Print
      </a>
      <a href={exportAddress(incidentId, "markdown")} download className={buttonLook()}>
        <Download aria-hidden="true" /> Markdown
      </a>
      {command && <CommandDialog command={command} postmortem={postmortem} onClose={() => setCommand(null)} />}
    </div>
  );
}
