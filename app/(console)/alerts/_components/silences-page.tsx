"use client";
import { useQuery } from "@tanstack/react-query";
import { BellOff, Clock, Plus, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { silencesQuery } from "#lib/client/alerts.ts";
import { countOf } from "#lib/client/numbers.ts";
import { expiryNoticeMinutes, type SilencesAnswer, type SilenceView } from "#lib/domain/alerts/silences-schemas.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import { useAlertActions } from "../../../ui/alerts/use-alert-actions.ts";
import { Answer } from "../../../ui/answer.tsx";
import { Button } from "../../../ui/button.tsx";
import { Choice } from "../../../ui/choice.tsx";
import { TimeAgo } from "../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { Empty, ErrorNotice, TableSkeleton } from "../../../ui/notices.tsx";
import { SearchField } from "../../../ui/search-field.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";
import { AlertsHeader } from "./alerts-header.tsx";
import { ChangeSilenceDialog } from "./change-silence-dialog.tsx";
import { SilenceDetail, SilenceState } from "./silence-detail.tsx";

const shownStates = ["current", "expired", "all"] as const;
export type SilenceChange = { what: "extend" | "expire"; silence: SilenceView };

/** What is hidden, by whom, why and until when. */
export function SilencesPage() {
  const [search, setSearch] = useUrlState();
  const shown = shownStates.find((state) => state === search.get("state")) ?? "current";
  const text = search.get("q") ?? "";
  const open = search.get("silence");
  const actions = useAlertActions();
  const refusal = useRoleRefusal("operator");
  const [changing, setChanging] = useState<SilenceChange | null>(null);
  const query = useQuery(silencesQuery(shown === "current" ? {} : { state: shown }));
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = (query.data?.items ?? []).filter((silence) => {
    const searched = `${silence.text} ${silence.comment} ${silence.createdBy} ${silence.source} ${silence.id}`.toLowerCase();
    return words.every((word) => searched.includes(word));
  });
  const soon = query.data?.items.filter((silence) => silence.endsSoon) ?? [];
  return (
    <>
      <AlertsHeader aside={query.data ? <Counts answer={query.data} /> : null}>
        <SearchField
          label="Filter silences"
          value={text}
          onChange={(next) => setSearch({ q: next || null })}
          className="max-md:order-last max-md:w-full"
        />
        <Choice
          label="Which"
          value={shown}
          options={[
            ["current", "Active and pending"],
            ["expired", "Expired"],
            ["all", "All"],
          ]}
          onChange={(next) => setSearch({ state: next === "current" ? null : next })}
        />
        <Button look="primary" disabledReason={refusal} onClick={() => actions.silence({})}>
          <Plus aria-hidden="true" /> New silence
        </Button>
      </AlertsHeader>
      {soon.length > 0 && <EndingSoon silences={soon} onExtend={(silence) => setChanging({ what: "extend", silence })} />}
      {query.data?.members
        .filter((member) => member.problem !== null)
        .map((member) => (
          <ErrorNotice
            key={member.url}
            className="m-4"
            what={`Alertmanager ${member.source} could not be asked for its silences`}
            error={new Error(`${member.url}: ${member.problem}`)}
            still="Silences of other sources are listed."
          />
        ))}
      <Answer
        of={query}
        what="The silences could not be read"
        still="Alerts still arrive; they show which silences hide them."
        waiting={<TableSkeleton rows={5} columns={5} />}
      >
        {() => (
          <DataTable
            label="Silences"
            columns={columns}
            rows={rows}
            keyOf={(silence) => silence.id}
            nameOf={(silence) => `${silence.comment} ${silence.state}`}
            onOpen={(silence) => setSearch({ silence: silence.id === open ? null : silence.id })}
            keys={{
              e: (silence) => silence.state !== "expired" && setChanging({ what: "extend", silence }),
              x: (silence) => silence.state !== "expired" && setChanging({ what: "expire", silence }),
            }}
            expanded={(silence) =>
              silence.id === open ? <SilenceDetail silence={silence} onChange={(what) => setChanging({ what, silence })} /> : null
            }
            stickyTop="top-9"
            empty={
              text || shown === "expired" ? (
                <Empty title="No silence fits" />
              ) : (
                <Empty title="Nothing is silenced">
                  A silence keeps Alertmanager from telling anybody of certain alerts for a while. Make one here or from an alert:
                  its labels are filled in then.
                </Empty>
              )
            }
          />
        )}
      </Answer>
      {changing && (
        <ChangeSilenceDialog key={`${changing.what} ${changing.silence.id}`} {...changing} onClose={() => setChanging(null)} />
      )}
    </>
  );
}

function Counts({ answer }: { answer: SilencesAnswer }) {
  const active = answer.items.filter((silence) => silence.state === "active");
  const hides = active.reduce((sum, silence) => sum + silence.hides, 0);
  return (
    <>
      {countOf(active.length, "silence")} active, {countOf(hides, "firing alert")} hidden
    </>
  );
}

function EndingSoon({ silences, onExtend }: { silences: SilenceView[]; onExtend: (silence: SilenceView) => void }) {
  const refusal = useRoleRefusal("operator");
  return (
    <div role="status" className="grid gap-1 border-b bg-warn-soft px-4 py-2">
      {silences.map((silence) => (
        <p key={silence.id} className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <TriangleAlert aria-hidden="true" className="size-4 shrink-0 text-warn" />
          <span className="font-medium text-warn">
            Ends <TimeAgo at={silence.endsAt} />
          </span>
          <span className="min-w-0 truncate">
            {silence.comment} <span className="text-ink-3">by {silence.createdBy}</span>
          </span>
          <span className="text-ink-2">
            {silence.hides > 0
              ? `${countOf(silence.hides, "alert")} that still fire will be told again.`
              : "Nothing fires under it now."}
          </span>
          <Button size="small" disabledReason={refusal} onClick={() => onExtend(silence)}>
            <Clock aria-hidden="true" /> Extend
          </Button>
        </p>
      ))}
      <p className="sr-only">Silences that end within {expiryNoticeMinutes} minutes.</p>
    </div>
  );
}

const columns: Column<SilenceView>[] = [
  {
    id: "state",
    header: "State",
    width: "w-28 max-md:w-24",
    essential: true,
    cell: (silence) => <SilenceState silence={silence} />,
  },
  {
    id: "comment",
    header: "Why",
    width: "w-72 max-md:w-auto",
    essential: true,
    cell: (silence) => (
      <span className="font-medium" title={silence.comment}>
        {silence.comment || "no reason given"}
      </span>
    ),
  },
  {
    id: "matchers",
    header: "Hides alerts with",
    cell: (silence) => (
      <span className="font-mono text-xs text-ink-2" title={silence.text}>
        {silence.text}
      </span>
    ),
  },
  {
    id: "hides",
    header: "Hides now",
    width: "w-24",
    align: "right",
    cell: (silence) =>
      silence.hides > 0 ? (
        <span className="inline-flex items-center gap-1 text-held">
          <BellOff aria-hidden="true" className="size-3" /> {silence.hides.toLocaleString("en-US")}
        </span>
      ) : (
        <span className="text-ink-3">0</span>
      ),
  },
  { id: "by", header: "By", width: "w-32", cell: (silence) => <span className="text-ink-2">{silence.createdBy}</span> },
  {
    id: "ends",
    header: "Ends",
    width: "w-24 max-md:w-22",
    align: "right",
    essential: true,
    cell: (silence) => <TimeAgo at={silence.endsAt} className={silence.endsSoon ? "font-medium text-warn" : "text-ink-2"} />,
  },
  {
    id: "length",
    header: "Length",
    width: "w-24",
    align: "right",
    cell: (silence) => <Length from={silence.startsAt} to={silence.endsAt} />,
  },
];

/** To the minute: Alertmanager's own clock sets the start some milliseconds late. */
function Length({ from, to }: { from: string; to: string }) {
  const minutes = Math.round((Date.parse(to) - Date.parse(from)) / 60_000);
  return <span>{minutes < 1 ? "under 1 m" : formatDuration(minutes * 60_000)}</span>;
}
