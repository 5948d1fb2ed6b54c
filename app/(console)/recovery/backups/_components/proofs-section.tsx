"use client";
import { countOf } from "#lib/client/numbers.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import type { BackupDetail, ProofLevel, ProofRunView } from "#lib/domain/recovery/backups/schemas.ts";
import { TimeAgo } from "../../../../ui/clock.tsx";
import { SectionHeader } from "../../../../ui/page-header.tsx";
import { ChecksTable } from "../../../../ui/recovery/checks-table.tsx";
import { ProofMark, ProofRunMark } from "../../../../ui/recovery/marks.tsx";

const rungs: { level: ProofLevel; title: string; about: string }[] = [
  {
    level: "checksums",
    title: "Read back",
    about: "The archive is read from the storage, opened with the key, and every file compared with its checksum.",
  },
  {
    level: "restored",
    title: "Restored into scratch",
    about: "It is restored beside everything and asked what was recorded when it was taken.",
  },
];

const nameOf = (level: ProofLevel) => rungs.find((rung) => rung.level === level)?.title ?? level;

/** The ladder of proofs: what was shown of the backup last, and every attempt with its questions. */
export function ProofsSection({ detail: { backup, proofs } }: { detail: BackupDetail }) {
  const newestFirst = proofs.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
  return (
    <section aria-labelledby="proofs" className="min-w-0 max-xl:border-t">
      <SectionHeader id="proofs" title="Proof" aside={<ProofMark proof={backup.proof} />} />
      <ol aria-label="Ladder of proofs">
        {rungs.map((rung) => {
          const last = newestFirst.find(({ level }) => level === rung.level);
          return (
            <li key={rung.level} className="grid grid-cols-[1fr_auto] gap-x-3 border-b px-4 py-2">
              <span className="min-w-0">
                <span className="font-medium">{rung.title}</span>
                <span className="block text-xs text-ink-3">{rung.about}</span>
              </span>
              {last ? <ProofRunMark state={last.state} /> : <span className="text-ink-3">never tried</span>}
            </li>
          );
        })}
      </ol>
      <ul aria-label="Attempts">
        {newestFirst.map((proof, index) => (
          <Attempt key={proof.id} proof={proof} isOpen={index === 0 && proof.state === "failed"} />
        ))}
      </ul>
    </section>
  );
}

function Attempt({ proof, isOpen }: { proof: ProofRunView; isOpen: boolean }) {
  const { checks, level, state, message, createdAt, durationMs, requestedBy } = proof;
  const failed = checks.filter(({ passed }) => !passed).length;
  const counted = failed > 0 ? `${failed} of ${countOf(checks.length, "check")} failed` : countOf(checks.length, "check");
  return (
    <li className="border-b last:border-b-0">
      <details open={isOpen}>
        <summary className="flex min-h-8 flex-wrap items-center gap-x-3 px-4 py-1 hover:bg-hover">
          <ProofRunMark state={state} />
          <span className="font-medium">{nameOf(level)}</span>
          <span className="text-ink-3">
            <TimeAgo at={createdAt} /> by {requestedBy}
            {durationMs !== null && `, took ${formatDuration(durationMs)}`}
          </span>
          <span className="ml-auto text-ink-3">{counted}</span>
          <span className={state === "failed" ? "basis-full text-bad" : "basis-full text-ink-2"}>{message}</span>
        </summary>
        {checks.length > 0 && (
          <div className="scroll-thin max-h-80 overflow-y-auto border-t bg-sunken">
            <ChecksTable checks={checks} label={`Questions of ${nameOf(level)}`} />
          </div>
        )}
      </details>
    </li>
  );
}
