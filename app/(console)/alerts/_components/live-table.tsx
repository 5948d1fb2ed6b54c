"use client";
import { BellOff, UserCheck } from "lucide-react";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { type ReactNode, useMemo, useState } from "react";
import {
  type AlertGroup,
  type Grouping,
  groupAlerts,
  isWanted,
  type LiveLine,
  liveLines,
  sentenceOf,
} from "#lib/client/alert-view.ts";
import { countOf } from "#lib/client/numbers.ts";
import type { LiveAlert } from "#lib/domain/alerts/schemas.ts";
import { AlertStanding } from "../../../ui/alerts/standing.tsx";
import { SuspectLine } from "../../../ui/alerts/suspect-line.tsx";
import { useAlertActions } from "../../../ui/alerts/use-alert-actions.ts";
import { Button } from "../../../ui/button.tsx";
import { cn } from "../../../ui/class-names.ts";
import { Elapsed } from "../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { Tint } from "../../../ui/figure.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { Severity, SeverityShape, severityWord } from "../../../ui/severity.tsx";
import { useNarrow } from "../../../ui/use-narrow.ts";
import { FlappingBadge } from "./flapping-badge.tsx";
import { alertsOf, withGroups } from "./selection.ts";
import { SelectionBar } from "./selection-bar.tsx";

type Line = LiveLine<LiveAlert>;
/** With more lines than this each takes one row, so that only those in sight need to be drawn. */
const mostWithNotes = 200;

/** Firing alerts under the headings of their groups. */
export function LiveTable({
  alerts,
  group,
  without = [],
  empty,
}: {
  alerts: LiveAlert[];
  group: Grouping;
  /** Columns that say the same in each row. */
  without?: string[];
  empty: ReactNode;
}) {
  const router = useRouter();
  const actions = useAlertActions();
  const isNarrow = useNarrow();
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const lines = useMemo(() => liveLines(groupAlerts(alerts, group), open), [alerts, group, open]);
  const columns = useMemo(() => columnsOf(group), [group]);
  const chosen = alerts.filter((alert) => selected.has(alert.id));
  const targets = (line: Line) =>
    line.type === "alert" ? (selected.has(line.alert.id) ? chosen : [line.alert]) : line.group.alerts;
  const onOpen = (line: Line) => {
    if (line.type === "alert") router.push(`/alerts/${line.alert.id}`);
    else
      setOpen(new Set(open.has(line.group.key) ? [...open].filter((key) => key !== line.group.key) : [...open, line.group.key]));
  };
  return (
    <>
      <SelectionBar alerts={chosen} onClear={() => setSelected(new Set())} />
      <DataTable
        label="Firing alerts"
        columns={columns.filter(({ id }) => !without.includes(id))}
        rows={lines}
        keyOf={(line) => line.key}
        nameOf={(line) =>
          line.type === "alert"
            ? `${line.alert.name} ${severityWord(line.alert.severity)} ${line.alert.standing}`
            : `${line.group.title || "No service"}, ${countOf(line.group.alerts.length, "alert")}`
        }
        onOpen={onOpen}
        keys={{
          a: (line) => actions.acknowledge(targets(line).filter(isWanted)),
          s: (line) => actions.silence({ alerts: targets(line) }),
        }}
        band={(line) =>
          line.type === "group" ? (
            <GroupHeading group={line.group} by={group} />
          ) : line.type === "more" ? (
            <button type="button" tabIndex={-1} onClick={() => onOpen(line)} className="text-accent hover:underline">
              Show {line.hidden.toLocaleString("en-US")} more
            </button>
          ) : null
        }
        selection={
          isNarrow
            ? undefined
            : { selected: withGroups(selected, lines), onChange: (next) => setSelected(alertsOf(next, selected, lines)) }
        }
        note={
          lines.length > mostWithNotes
            ? undefined
            : (line) =>
                line.type === "alert" && (isNarrow || line.alert.suspect) && <Note alert={line.alert} isNarrow={isNarrow} />
        }
        stickyTop={chosen.length > 0 ? "top-19" : "top-9"}
        empty={empty}
      />
    </>
  );
}

function GroupHeading({ group, by }: { group: AlertGroup<LiveAlert>; by: Grouping }) {
  const wanted = group.alerts.filter(isWanted).length;
  return (
    <span className="flex items-center gap-2">
      {by === "severity" ? (
        <Severity severity={group.title} />
      ) : group.service ? (
        <Link href={`/fleet/${group.service}?tab=alerts`} tabIndex={-1} className="name truncate font-semibold hover:underline">
          {group.service.split("/")[1]} <span className="font-normal text-ink-3">{group.service.split("/")[0]}</span>
        </Link>
      ) : (
        <span className="name truncate font-semibold">{group.title}</span>
      )}
      <span className="shrink-0 text-xs text-ink-3">
        {wanted > 0 ? `${wanted.toLocaleString("en-US")} firing` : ""}
        {wanted > 0 && wanted < group.alerts.length ? ", " : ""}
        {wanted < group.alerts.length ? `${(group.alerts.length - wanted).toLocaleString("en-US")} taken or hidden` : ""}
      </span>
    </span>
  );
}

/** Below a row: what changed just before, and on a narrow page also what is wrong. */
function Note({ alert, isNarrow }: { alert: LiveAlert; isNarrow: boolean }) {
  const sentence = sentenceOf(alert);
  return (
    <div className="-mt-1 grid gap-0.5 md:pl-[8.25rem]">
      {isNarrow && sentence !== alert.name && <p className="text-ink-2">{sentence}</p>}
      {isNarrow && alert.standing !== "firing" && <AlertStanding standing={alert.standing} className="text-xs" />}
      {alert.suspect && <SuspectLine suspect={alert.suspect} />}
    </div>
  );
}

function columnsOf(group: Grouping): Column<Line>[] {
  const of = (cell: (alert: LiveAlert) => ReactNode) => (line: Line) => (line.type === "alert" ? cell(line.alert) : null);
  return [
    {
      id: "severity",
      header: "Severity",
      width: "w-26 max-md:w-18",
      essential: true,
      cell: of((alert) => (
        <span className="inline-flex">
          <Severity severity={alert.severity} className="max-md:hidden" />
          <span title={severityWord(alert.severity)} className="md:hidden">
            <SeverityShape severity={alert.severity} />
            <span className="sr-only">{severityWord(alert.severity)}</span>
          </span>
        </span>
      )),
    },
    {
      id: "name",
      header: "Alert",
      width: "w-64 max-md:w-auto",
      essential: true,
      cell: of((alert) => (
        <span className="flex min-w-0 items-center gap-2">
          <Link
            href={`/alerts/${alert.id}`}
            tabIndex={-1}
            className={cn("name truncate hover:underline", isWanted(alert) ? "font-medium" : "text-ink-2")}
            title={alert.name}
          >
            {alert.name}
          </Link>
          {alert.isFlapping && <FlappingBadge />}
        </span>
      )),
    },
    {
      id: "since",
      header: "For",
      width: "w-24 max-md:w-22",
      essential: true,
      cell: of((alert) => <Elapsed from={alert.startsAt} to={alert.endsAt} />),
    },
    {
      id: "standing",
      header: "Standing",
      width: "w-34",
      cell: of((alert) => (
        <Tint value={alert.standing}>
          <AlertStanding standing={alert.standing} />
        </Tint>
      )),
    },
    ...(group === "service"
      ? []
      : [
          {
            id: "service",
            header: "Service",
            width: "w-32",
            cell: of((alert) => (
              <span className="name" title={alert.namespace ?? undefined}>
                {alert.service ?? "–"}
              </span>
            )),
          },
        ]),
    {
      id: "summary",
      header: "What is wrong",
      cell: of((alert) => (
        <span title={sentenceOf(alert)} className="text-ink-2">
          {alert.acknowledgedBy && <span className="text-accent">{alert.acknowledgedBy}: </span>}
          {sentenceOf(alert)}
        </span>
      )),
    },
    {
      id: "instance",
      header: "Instance",
      width: "w-40",
      cell: of((alert) => (
        <span className="font-mono text-xs text-ink-2" title={alert.instance ?? undefined}>
          {alert.instance ?? "–"}
        </span>
      )),
    },
    { id: "actions", header: "", width: "w-24", align: "right", cell: of((alert) => <RowActions alert={alert} />) },
  ];
}

function RowActions({ alert }: { alert: LiveAlert }) {
  const actions = useAlertActions();
  const refusal = useRoleRefusal("operator");
  const isTaken = alert.acknowledgedAt !== null;
  return (
    <span className="inline-flex gap-0.5 align-middle">
      <Button
        look="ghost"
        size="icon"
        tabIndex={-1}
        disabledReason={refusal}
        tooltip={isTaken ? `Taken by ${alert.acknowledgedBy}: take it back` : "Acknowledge (a)"}
        aria-label={`${isTaken ? "Take back the acknowledgement of" : "Acknowledge"} ${alert.name}`}
        onClick={() => (isTaken ? actions.unacknowledge([alert]) : actions.acknowledge([alert]))}
      >
        <UserCheck aria-hidden="true" className={cn(isTaken && "text-accent")} />
      </Button>
      <Button
        look="ghost"
        size="icon"
        tabIndex={-1}
        disabledReason={refusal}
        tooltip="Silence (s)"
        aria-label={`Silence ${alert.name}`}
        onClick={() => actions.silence({ alerts: [alert] })}
      >
        <BellOff aria-hidden="true" />
      </Button>
    </span>
  );
}
