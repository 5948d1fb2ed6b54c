"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { BellPlus, ScrollText } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { notificationKeys, outcomeWord, removeTarget, targetKindNames, targetsQuery } from "#lib/client/notifications.ts";
import { type TargetKind, type TargetView, targetKinds } from "#lib/domain/notifications/schemas.ts";
import { Answer } from "../../../ui/answer.tsx";
import { Button, buttonLook } from "../../../ui/button.tsx";
import { TimeAgo } from "../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { Empty, ErrorNotice, TableSkeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { StatusShape } from "../../../ui/status.tsx";
import { TargetDialog } from "./target-dialog.tsx";
import { TestDialog } from "./target-test-dialog.tsx";

type Opened = { what: "new"; kind: TargetKind } | { what: "edit" | "test" | "remove"; target: TargetView };

/** Where notifications go, how that stands, and the ways to change it. */
export function NotificationsSection() {
  const query = useQuery(targetsQuery);
  const refusal = useRoleRefusal("admin");
  const [opened, setOpened] = useState<Opened | null>(null);
  const close = () => setOpened(null);
  return (
    <>
      <SectionHeader
        title="Notifications"
        aside="What comes close together is put into one message: one a target in ten seconds at most"
      >
        <Link href="/settings/notifications" className={buttonLook({ size: "small" })}>
          <ScrollText aria-hidden="true" /> Log of messages
        </Link>
        {targetKinds.map((kind) => (
          <Button key={kind} size="small" disabledReason={refusal} onClick={() => setOpened({ what: "new", kind })}>
            <BellPlus aria-hidden="true" /> {targetKindNames[kind]}
          </Button>
        ))}
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
                Alerts, failed rollouts and lost feeds show in these pages only. Add a webhook, a Slack-compatible webhook or mail
                recipients above, then send a test.
              </Empty>
            }
          />
        )}
      </Answer>
      {opened?.what === "new" && <TargetDialog kind={opened.kind} target={null} onClose={close} />}
      {opened?.what === "edit" && (
        <TargetDialog
          kind={opened.target.settings.kind}
          target={opened.target}
          onClose={close}
          onRemove={() => setOpened({ what: "remove", target: opened.target })}
        />
      )}
      {opened?.what === "test" && <TestDialog target={opened.target} onClose={close} />}
      {opened?.what === "remove" && <RemoveDialog target={opened.target} onClose={close} />}
    </>
  );
}

function columnsOf(refusal: string | null, open: (opened: Opened) => void): Column<TargetView>[] {
  return [
    {
      id: "name",
      header: "Name",
      width: "w-44 max-md:w-auto",
      essential: true,
      cell: (target) => <span className={target.disabled ? "text-ink-3" : "font-medium"}>{target.name}</span>,
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
      cell: ({ filter }) => <span className="text-ink-2">{describeFilter(filter)}</span>,
    },
    {
      id: "last",
      header: "Last message",
      width: "w-56 max-md:w-36",
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
      width: "w-28 max-md:w-20",
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
          Send a test
        </Button>
      ),
    },
  ];
}

function LastResult({ target: { disabled, heldUntil, last, failed } }: { target: TargetView }) {
  if (disabled) return <span className="text-ink-3">Disabled</span>;
  if (!last) return <span className="text-ink-3">Nothing was sent yet</span>;
  const isGood = last.outcome === "delivered";
  const isHeld = heldUntil !== null && Date.parse(heldUntil) > Date.now();
  return (
    <span className="inline-flex min-w-0 items-center gap-1.5" title={last.answer ?? undefined}>
      <span className={`inline-flex items-center gap-1.5 font-medium ${isGood ? "text-good" : "text-bad"}`}>
        <StatusShape health={isGood ? "healthy" : "down"} /> {last.outcome ? outcomeWord(last.outcome) : "Waiting"}
      </span>
      <TimeAgo at={last.at} className="text-ink-3" />
      {failed > 0 && <span className="text-bad">· {failed} given up</span>}
      {isHeld && <span className="text-warn">· asked for rest</span>}
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

function RemoveDialog({ target, onClose }: { target: TargetView; onClose: () => void }) {
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: () => removeTarget(target.id),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: notificationKeys.targets });
      void queries.invalidateQueries({ queryKey: notificationKeys.log });
      onClose();
    },
  });
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Remove ${target.name}`}
      description="Its secrets, what waits for it and its part of the log go with it."
      footer={
        <>
          <Button look="ghost" onClick={onClose}>
            Cancel
          </Button>
          <Button look="danger" busy={remove.isPending} onClick={() => remove.mutate()}>
            Remove {target.name}
          </Button>
        </>
      }
    >
      {remove.error ? (
        <ErrorNotice what="Not removed" error={remove.error} />
      ) : (
        <p className="text-ink-2">
          {target.waiting > 0
            ? `${target.waiting} ${target.waiting === 1 ? "event waits" : "events wait"} for it and would not be sent.`
            : "Nothing waits for it."}{" "}
          To keep its log, disable it instead.
        </p>
      )}
    </Dialog>
  );
}
