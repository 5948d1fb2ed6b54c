"use client";
import { useQuery } from "@tanstack/react-query";
import { BellPlus, ScrollText } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { eventNames, outcomeWord, targetKindNames, targetsQuery } from "#lib/client/notifications.ts";
import type { TargetView } from "#lib/domain/notifications/schemas.ts";
import { Answer } from "../../../ui/answer.tsx";
import { Button, buttonLook } from "../../../ui/button.tsx";
import { TimeAgo } from "../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { Empty, TableSkeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { StatusShape } from "../../../ui/status.tsx";
import { TargetDialog } from "./target-dialog.tsx";
import { TestDialog } from "./target-test-dialog.tsx";

type Opened = { what: "new" } | { what: "edit" | "test"; target: TargetView };

/** Where notifications go, how that stands, and the ways to change it. */
export function NotificationsSection() {
  const query = useQuery(targetsQuery);
  const refusal = useRoleRefusal("admin");
  const [opened, setOpened] = useState<Opened | null>(null);
  const close = () => setOpened(null);
  return (
    <>
      <SectionHeader title="Notifications" aside="At most one message a target in ten seconds">
        <Link href="/settings/notifications" className={buttonLook({ size: "small" })}>
          <ScrollText aria-hidden="true" /> Log of messages
        </Link>
        <Button size="small" disabledReason={refusal} onClick={() => setOpened({ what: "new" })}>
          <BellPlus aria-hidden="true" /> Add a target
        </Button>
      </SectionHeader>
      <Answer
        of={query}
        what="The notification targets could not be read"
        still="Messages that wait are not lost."
        waiting={<TableSkeleton rows={3} columns={5} />}
      >
        {(targets) => (
          <DataTable
            label="Notification targets"
            columns={columnsOf(refusal, setOpened)}
            rows={targets}
            keyOf={(target) => target.id}
            nameOf={(target) => target.name}
            onOpen={refusal === null ? (target) => setOpened({ what: "edit", target }) : undefined}
            empty={
              <Empty title="Nobody is notified">
                Alerts, failed rollouts and lost feeds show in these pages only. Add a webhook, a chat or mail recipients, then
                send a test.
              </Empty>
            }
          />
        )}
      </Answer>
      {opened?.what === "new" && <TargetDialog target={null} onClose={close} />}
      {opened?.what === "edit" && <TargetDialog target={opened.target} onClose={close} />}
      {opened?.what === "test" && <TestDialog target={opened.target} onClose={close} />}
    </>
  );
}

function columnsOf(refusal: string | null, open: (opened: Opened) => void): Column<TargetView>[] {
  return [
    {
      id: "name",
      header: "Name",
      width: "w-64 max-md:w-auto",
      essential: true,
      cell: ({ name, disabled, settings }) => (
        <span title={name} className={disabled ? "text-ink-3" : "font-medium"}>
          {name} <span className="font-normal text-ink-3 max-md:hidden">{targetKindNames[settings.kind]}</span>
        </span>
      ),
    },
    {
      id: "where",
      header: "Where",
      cell: ({ settings }) => (
        <span className="text-ink-2" title={settings.kind === "email" ? settings.to.join(", ") : settings.address}>
          {settings.kind === "email" ? settings.to.join(", ") : settings.address}
        </span>
      ),
    },
    {
      id: "wants",
      header: "Wants",
      width: "w-52",
      cell: ({ filter }) => (
        <span
          className="text-ink-2"
          title={[...filter.events.map((event) => eventNames[event]), ...filter.severities, ...filter.services].join("\n")}
        >
          {describeFilter(filter)}
        </span>
      ),
    },
    {
      id: "last",
      header: "Last message",
      width: "w-56 max-md:w-28",
      essential: true,
      cell: (target) => <LastResult target={target} />,
    },
    {
      id: "waiting",
      header: "Waiting",
      width: "w-20",
      align: "right",
      cell: ({ waiting }) => <span className={waiting > 0 ? "" : "text-ink-3"}>{waiting}</span>,
    },
    {
      id: "act",
      header: "",
      width: "w-28 max-md:w-18",
      align: "right",
      essential: true,
      cell: (target) => (
        <Button
          size="small"
          disabledReason={refusal}
          aria-label={`Send a test to ${target.name}`}
          onClick={(event) => {
            event.stopPropagation();
            open({ what: "test", target });
          }}
        >
          <span className="max-md:hidden">Send a test</span>
          <span className="md:hidden">Test</span>
        </Button>
      ),
    },
  ];
}

function LastResult({ target: { disabled, heldUntil, last, failed } }: { target: TargetView }) {
  if (disabled) return <span className="text-ink-3">Disabled</span>;
  if (!last) return <span className="text-ink-3">None yet</span>;
  const isGood = last.outcome === "delivered";
  const isHeld = heldUntil !== null && Date.parse(heldUntil) > Date.now();
  return (
    <span className="inline-flex min-w-0 items-center gap-1.5" title={last.answer ?? undefined}>
      <span className={`inline-flex items-center gap-1.5 font-medium ${isGood ? "text-good" : "text-bad"}`}>
        <StatusShape health={isGood ? "healthy" : "down"} /> {last.outcome ? outcomeWord(last.outcome) : "Waiting"}
      </span>
      <TimeAgo at={last.at} className="text-ink-3 max-md:hidden" />
      {failed > 0 && <span className="text-bad">· {failed} given up today</span>}
      {isHeld && <span className="text-warn">· asks to wait</span>}
    </span>
  );
}

function describeFilter({ events, severities, services }: TargetView["filter"]): string {
  const parts = [
    `${events.length} ${events.length === 1 ? "event" : "events"}`,
    severities.length > 0 ? severities.join(", ") : null,
    services.length > 0 ? (services.length === 1 ? services[0] : `${services.length} services`) : null,
  ];
  return parts.filter(Boolean).join(" · ");
}
