"use client";
import { Pencil } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { backupAddress, backupName, drillAddress, drillName, planAddress } from "#lib/client/recovery-view.ts";
import type { Recoverability, ScenarioStanding } from "#lib/domain/recovery/objectives/schemas.ts";
import { Button } from "../button.tsx";
import { TimeAgo } from "../clock.tsx";
import { type Fact, FactList } from "../facts.tsx";
import { useRoleRefusal } from "../session.tsx";
import { Exposure } from "./exposure.tsx";
import { BackupStateMark, FreshnessMark, ProofMark, VerdictMark } from "./marks.tsx";
import { Measured } from "./measured.tsx";
import { NextTime } from "./next-time.tsx";
import { ObjectiveDialog } from "./objective-dialog.tsx";
import { StartDrillButton } from "./start-drill-button.tsx";

/** What would be lost now, and how long each scenario kept it away when it was last tried. */
export function RecoverabilityCard({ standing }: { standing: Recoverability }) {
  const { subject, newestVerified, running, nextBackupAt, scenarios } = standing;
  const [changed, setChanged] = useState<ScenarioStanding | null>(null);
  const admin = useRoleRefusal("admin");
  const facts: Fact[] = [
    ["Backup", <FreshnessMark key="state" state={standing.state} />],
    ["Lost now, of RPO", <Exposure key="exposure" of={standing} takenAt={newestVerified?.takenAt ?? null} />],
    [
      "Newest verified",
      newestVerified ? (
        <span key="newest" className="inline-flex items-center gap-2">
          <Link href={backupAddress(newestVerified)} className="font-mono text-xs text-accent hover:underline">
            {backupName(newestVerified)}
          </Link>
          <ProofMark proof={newestVerified.proof} />
        </span>
      ) : (
        "none"
      ),
    ],
    running && [
      "Under way",
      <Link key="running" href={backupAddress(running)} className="inline-flex items-center gap-2 hover:underline">
        <span className="font-mono text-xs">{backupName(running)}</span> <BackupStateMark state={running.state} />
      </Link>,
    ],
    [
      "Next",
      <Link key="next" href={planAddress(subject)} className="text-accent hover:underline">
        {nextBackupAt ? <NextTime at={nextBackupAt} /> : "on request only"}
      </Link>,
    ],
  ];
  return (
    <>
      <FactList facts={facts} className="border-b px-4 py-3" />
      <ul aria-label="Scenarios">
        {scenarios.map((scenario) => (
          <ScenarioLine
            key={scenario.scenario}
            subject={subject}
            standing={scenario}
            refusal={admin}
            onChange={() => setChanged(scenario)}
          />
        ))}
        {scenarios.length === 0 && (
          <li className="border-b px-4 py-2 text-ink-3">There is no scenario for a service of its kind.</li>
        )}
      </ul>
      {changed && <ObjectiveDialog subject={subject} standing={changed} onClose={() => setChanged(null)} />}
    </>
  );
}

function ScenarioLine({
  subject,
  standing: { scenario, title, objective, isOwn, measured },
  refusal,
  onChange,
}: {
  subject: string;
  standing: ScenarioStanding;
  refusal: string | null;
  onChange: () => void;
}) {
  return (
    <li className="grid min-h-9 grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-0.5 border-b px-4 py-1 md:grid-cols-[11rem_8rem_9rem_9rem_minmax(0,1fr)_auto]">
      <span className="font-medium">{title}</span>
      <span>{measured ? <VerdictMark verdict={measured.verdict} /> : <span className="text-ink-3">never tried</span>}</span>
      <span className="whitespace-nowrap">
        <span className="text-2xs text-ink-3">RTO </span>
        <Measured ms={measured?.rtoMs ?? null} objectiveMs={objective.rtoSeconds * 1000} errorMs={measured?.errorMs} />
      </span>
      <span className="whitespace-nowrap">
        <span className="text-2xs text-ink-3">RPO </span>
        <Measured ms={measured?.rpoMs ?? null} objectiveMs={objective.rpoSeconds * 1000} errorMs={measured?.errorMs} />
      </span>
      <span className="flex min-w-0 gap-2 truncate text-ink-3">
        {measured && (
          <Link href={drillAddress({ id: measured.drillId })} className="text-accent hover:underline">
            {drillName({ number: measured.drillNumber })}, <TimeAgo at={measured.at} />
          </Link>
        )}
        {isOwn && <span>objective of its own</span>}
      </span>
      <span className="inline-flex items-center gap-1 max-md:col-span-2">
        <Button
          size="icon"
          look="ghost"
          aria-label={`Change the objective of ${title}`}
          tooltip="Change the objective"
          disabledReason={refusal}
          onClick={onChange}
        >
          <Pencil aria-hidden="true" />
        </Button>
        <StartDrillButton subject={subject} scenario={scenario} size="small" />
      </span>
    </li>
  );
}
