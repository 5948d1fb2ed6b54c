import { countProbes, detectMs } from "#lib/client/drill-view.ts";
import { isDrilling } from "#lib/client/drills.ts";
import { spanWords } from "#lib/client/recovery-view.ts";
import type { DrillDetail } from "#lib/domain/recovery/drills/schemas.ts";
import { cn } from "../../../../ui/class-names.ts";

type Figure = { name: string; about: string; value: string; note: string; isBad: boolean };

/** What was measured, each beside what it is held to, with how exact it is. */
export function DrillFigures({ detail }: { detail: DrillDetail }) {
  const { drill, report } = detail;
  const { rtoMs, rpoMs, rtoObjectiveMs, rpoObjectiveMs, errorMs, lostWrites } = drill;
  const error = errorMs === null ? "" : `, ± ${spanWords(errorMs)}`;
  const detected = detectMs(detail);
  const probes = countProbes(report?.series ?? []);
  const figures: Figure[] = [
    {
      name: "RTO",
      about: "away from the last success to the first of a row",
      value: spanWords(rtoMs),
      note: `objective ${spanWords(rtoObjectiveMs)}${rtoMs === null ? "" : error}`,
      isBad: rtoMs !== null && rtoMs > rtoObjectiveMs,
    },
    {
      name: "RPO",
      about: "time of which acknowledged writes are lost",
      value: spanWords(rpoMs),
      note: `objective ${spanWords(rpoObjectiveMs)}${rpoMs === null ? "" : error}`,
      isBad: rpoMs !== null && rpoMs > rpoObjectiveMs,
    },
    {
      name: "Lost writes",
      about: "acknowledged, and not there any more",
      value: lostWrites?.toLocaleString("en-US") ?? "–",
      note: ledgerNote(detail),
      isBad: lostWrites !== null && lostWrites > 0,
    },
    {
      name: "Detected",
      about: "after the last success, by an alert that arrived",
      value: spanWords(detected),
      note:
        probes.ok + probes.failed === 0
          ? ""
          : `${probes.failed.toLocaleString("en-US")} of ${(probes.ok + probes.failed).toLocaleString("en-US")} probes failed`,
      isBad: false,
    },
  ];
  return (
    <dl className="grid grid-cols-2 border-b xl:grid-cols-4 print:grid-cols-4">
      {figures.map(({ name, about, value, note, isBad }) => (
        <div key={name} className="border-r border-b px-4 py-3 xl:border-b-0">
          <dt className="text-xs text-ink-3">
            <span className="font-medium text-ink-2">{name}</span> {about}
          </dt>
          <dd>
            <span className={cn("text-xl font-semibold tracking-[-0.015em]", isBad && "text-bad")}>{value}</span>
            <span className="block text-ink-2">{note}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function ledgerNote({ drill, report }: DrillDetail): string {
  if (report?.ledger) return `of ${report.ledger.acknowledged.toLocaleString("en-US")} acknowledged`;
  return isDrilling(drill.state) ? "the ledger was not read yet" : "no ledger was kept";
}
