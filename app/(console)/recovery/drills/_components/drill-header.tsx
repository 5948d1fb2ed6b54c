"use client";
import { Download, OctagonX, Printer } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { abortDrill, drillReportAddress, isDrilling } from "#lib/client/drills.ts";
import { drillName, ownSubject, subjectTitle } from "#lib/client/recovery-view.ts";
import type { DrillDetail, DrillView } from "#lib/domain/recovery/drills/schemas.ts";
import { formatUtc } from "#lib/domain/times.ts";
import { Button, buttonLook } from "../../../../ui/button.tsx";
import { Elapsed, TimeAgo } from "../../../../ui/clock.tsx";
import type { Fact } from "../../../../ui/facts.tsx";
import { Tint } from "../../../../ui/figure.tsx";
import { RunMark, VerdictMark } from "../../../../ui/recovery/marks.tsx";
import { OrderDialog } from "../../../../ui/recovery/order-dialog.tsx";
import { ServiceNow } from "../../../../ui/recovery/service-now.tsx";
import { StartDrillButton } from "../../../../ui/recovery/start-drill-button.tsx";
import { SubjectLink } from "../../../../ui/recovery/subject-link.tsx";
import { useRoleRefusal } from "../../../../ui/session.tsx";
import { ThingHeader } from "../../../../ui/thing-header.tsx";

/** What was tried on what, with which verdict, and what came of it. */
export function DrillHeader({ detail: { drill } }: { detail: DrillDetail }) {
  return (
    <ThingHeader
      path={[
        { href: "/recovery", label: "Recovery" },
        { href: "/recovery/drills", label: "Drills" },
      ]}
      name={drillName(drill)}
      title={`${drill.title}: ${subjectTitle(drill.subject)}`}
      marks={
        <Tint value={drill.verdict ?? drill.state} className="inline-flex gap-x-3">
          {drill.verdict && <VerdictMark verdict={drill.verdict} />}
          {(drill.state !== "completed" || !drill.verdict) && <RunMark state={drill.state} />}
        </Tint>
      }
      message={drill.message}
      isWrong={drill.verdict === "missed" || drill.state === "failed"}
      actions={isDrilling(drill.state) ? <AbortButton drill={drill} /> : <EndedActions drill={drill} />}
      facts={factsOf(drill)}
      reason={drill.reason}
    >
      {drill.abortedBy && (
        <p className="mt-3 text-bad">
          Aborted by {drill.abortedBy}
          {drill.abortReason && `: ${drill.abortReason}`}
        </p>
      )}
    </ThingHeader>
  );
}

function factsOf(drill: DrillView): Fact[] {
  const link = (href: string, words: string) => (
    <Link href={href} className="text-accent hover:underline">
      {words}
    </Link>
  );
  return [
    ["Service", <SubjectLink key="service" subject={drill.subject} />],
    isDrilling(drill.state) && drill.subject !== ownSubject && ["Now", <ServiceNow key="now" subject={drill.subject} />],
    drill.target !== null && [
      "Struck",
      <span key="target" className="font-mono text-xs">
        {drill.target}
      </span>,
    ],
    ["By", drill.scheduleId ? `${drill.requestedBy}, by schedule` : drill.requestedBy],
    ["Began", <Began key="began" at={drill.startedAt ?? drill.createdAt} />],
    [
      drill.finishedAt ? "Took in all" : "So far",
      drill.startedAt ? <Elapsed key="took" from={drill.startedAt} to={drill.finishedAt} /> : "–",
    ],
    ["Incident", drill.incidentId ? link(`/incidents/${drill.incidentId}`, "opened by its alert") : "none"],
    drill.actionItemId !== null && ["Action item", link("/action-items", "made of the miss")],
  ];
}

function EndedActions({ drill }: { drill: DrillView }) {
  return (
    <>
      <StartDrillButton subject={drill.subject} scenario={drill.scenario} />
      <Button onClick={() => window.print()}>
        <Printer aria-hidden="true" /> Print
      </Button>
      <a href={drillReportAddress(drill.id)} download className={buttonLook()}>
        <Download aria-hidden="true" /> Markdown
      </a>
    </>
  );
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

/** On paper the time itself: it is read later. */
const Began = ({ at }: { at: string }) => (
  <>
    <span className="print:hidden">
      <TimeAgo at={at} />
    </span>
    <span className="hidden print:inline">{formatUtc(at, "minute")}</span>
  </>
);
