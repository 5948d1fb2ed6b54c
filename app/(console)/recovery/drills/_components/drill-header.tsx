"use client";
import { Download, OctagonX, Printer } from "lucide-react";
import Link from "next/link";
import { type ReactNode, useState } from "react";
import { abortDrill, drillReportAddress, isDrilling } from "#lib/client/drills.ts";
import { drillName, subjectTitle } from "#lib/client/recovery-view.ts";
import type { DrillDetail, DrillView } from "#lib/domain/recovery/drills/schemas.ts";
import { Button, buttonLook } from "../../../../ui/button.tsx";
import { Elapsed, TimeAgo } from "../../../../ui/clock.tsx";
import { Tint } from "../../../../ui/figure.tsx";
import { RunMark, VerdictMark } from "../../../../ui/recovery/marks.tsx";
import { OrderDialog } from "../../../../ui/recovery/order-dialog.tsx";
import { StartDrillButton } from "../../../../ui/recovery/start-drill-button.tsx";
import { SubjectLink } from "../../../../ui/recovery/subject-link.tsx";
import { useRoleRefusal } from "../../../../ui/session.tsx";

/** What was tried on what, with which verdict, and what came of it. */
export function DrillHeader({ detail: { drill } }: { detail: DrillDetail }) {
  const isRunning = isDrilling(drill.state);
  return (
    <header className="border-b px-4 py-3">
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-72">
          <p className="text-xs text-ink-3">
            <Link href="/recovery" className="hover:text-ink">
              Recovery
            </Link>{" "}
            /{" "}
            <Link href="/recovery/drills" className="hover:text-ink">
              Drills
            </Link>{" "}
            / {drillName(drill)}
          </p>
          <h1 className="flex flex-wrap items-center gap-x-3 text-xl font-semibold tracking-[-0.015em]">
            {drill.title}: {subjectTitle(drill.subject)}
            <span className="flex gap-x-3 text-sm tracking-normal" role="status" aria-live="polite">
              <Tint value={drill.verdict ?? drill.state} className="inline-flex gap-x-3">
                {drill.verdict && <VerdictMark verdict={drill.verdict} />}
                {(drill.state !== "completed" || !drill.verdict) && <RunMark state={drill.state} />}
              </Tint>
            </span>
          </h1>
          <p className={drill.verdict === "missed" || drill.state === "failed" ? "text-bad" : "text-ink-2"}>{drill.message}</p>
        </div>
        <div className="flex flex-wrap gap-2 print:hidden">
          {isRunning ? (
            <AbortButton drill={drill} />
          ) : (
            <>
              <StartDrillButton subject={drill.subject} scenario={drill.scenario} />
              <Button onClick={() => window.print()}>
                <Printer aria-hidden="true" /> Print
              </Button>
              <a href={drillReportAddress(drill.id)} download className={buttonLook()}>
                <Download aria-hidden="true" /> Markdown
              </a>
            </>
          )}
        </div>
      </div>
      <dl className="mt-3 flex flex-wrap gap-x-7 gap-y-2">
        {factsOf(drill).map(([name, value]) => (
          <div key={name}>
            <dt className="text-2xs text-ink-3">{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {drill.abortedBy && (
        <p className="mt-3 text-bad">
          Aborted by {drill.abortedBy}
          {drill.abortReason && `: ${drill.abortReason}`}
        </p>
      )}
      <p className="mt-3 max-w-3xl border-l-2 border-line-strong pl-3 text-ink-2">{drill.reason}</p>
    </header>
  );
}

function factsOf(drill: DrillView): [string, ReactNode][] {
  const link = (href: string, words: string) => (
    <Link href={href} className="text-accent hover:underline">
      {words}
    </Link>
  );
  return [
    ["Service", <SubjectLink key="service" subject={drill.subject} />],
    ...(drill.target
      ? ([
          [
            "Struck",
            <span key="target" className="font-mono text-xs">
              {drill.target}
            </span>,
          ],
        ] satisfies [string, ReactNode][])
      : []),
    ["By", drill.scheduleId ? `${drill.requestedBy}, by schedule` : drill.requestedBy],
    ["Began", <TimeAgo key="began" at={drill.startedAt ?? drill.createdAt} />],
    [
      drill.finishedAt ? "Took in all" : "So far",
      drill.startedAt ? <Elapsed key="took" from={drill.startedAt} to={drill.finishedAt} /> : "–",
    ],
    ["Incident", drill.incidentId ? link(`/incidents/${drill.incidentId}`, "opened by its alert") : "none"],
    ...(drill.actionItemId ? ([["Action item", link("/action-items", "made of the miss")]] satisfies [string, ReactNode][]) : []),
  ];
}

function AbortButton({ drill }: { drill: DrillView }) {
  const [isOpen, setOpen] = useState(false);
  const refusal = useRoleRefusal("operator");
  return (
    <>
      <Button look="danger" disabledReason={refusal} onClick={() => setOpen(true)}>
        <OctagonX aria-hidden="true" /> Abort
      </Button>
      {isOpen && (
        <OrderDialog
          name={`abort drill ${drill.id}`}
          sentence={`Abort ${drillName(drill)}`}
          about={drill.message}
          does={<p>The fault is taken back and everything is put as it was. What was measured is kept; there is no verdict.</p>}
          refusal={refusal}
          isDangerous
          send={(reason, key) => abortDrill(drill.id, reason, key)}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}
