"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { useEffect, useState } from "react";
import { deliveryQuery, notificationKeys, outcomeWord, testTarget } from "#lib/client/notifications.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import type { DeliveryDetail, TargetView } from "#lib/domain/notifications/schemas.ts";
import { Button } from "../../../ui/button.tsx";
import { useNow } from "../../../ui/clock.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { ErrorNotice, Skeleton } from "../../../ui/notices.tsx";
import { StatusShape } from "../../../ui/status.tsx";

const patienceMs = 15_000;

/** Sends a test as the controller sends everything, and shows what was answered. */
export function TestDialog({ target, onClose }: { target: TargetView; onClose: () => void }) {
  const queries = useQueryClient();
  const [sentAt, setSentAt] = useState(0);
  const test = useMutation({ mutationFn: () => testTarget(target.id), onMutate: () => setSentAt(Date.now()) });
  const id = test.data?.deliveryId ?? "";
  const { data: delivery } = useQuery({ ...deliveryQuery(id), enabled: id !== "" });
  const state = delivery?.state;
  useEffect(() => {
    if (state && state !== "pending") void queries.invalidateQueries({ queryKey: notificationKeys.targets });
  }, [state, queries]);
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Test ${target.name}`}
      description="A message that says that nothing is wrong, sent once, the way every message goes."
      footer={
        <>
          <Button look="ghost" onClick={onClose}>
            Close
          </Button>
          <Button look="primary" busy={test.isPending || state === "pending"} onClick={() => test.mutate()}>
            {test.data ? "Send another test" : "Send the test"}
          </Button>
        </>
      }
    >
      {test.error ? (
        <ErrorNotice what="No test was sent" error={test.error} />
      ) : id === "" ? (
        <p className="text-ink-2">{describePlace(target)}</p>
      ) : (
        <TestResult delivery={delivery} sentAt={sentAt} />
      )}
    </Dialog>
  );
}

function TestResult({ delivery, sentAt }: { delivery: DeliveryDetail | undefined; sentAt: number }) {
  const now = useNow() ?? sentAt;
  if (!delivery || (delivery.state === "pending" && delivery.log.length === 0)) {
    return (
      <div role="status" className="grid gap-2">
        <p className="text-ink-2">Waiting for the controller to send it, and for the answer.</p>
        {now - sentAt > patienceMs ? (
          <p className="text-warn">
            This takes long. When the controller does not run, nothing is sent: its log and its /health say more. The test is
            dropped after five minutes.
          </p>
        ) : (
          <Skeleton className="h-3 w-40" />
        )}
      </div>
    );
  }
  const [attempt] = delivery.log;
  if (!attempt) return <p className="text-warn">No controller took it up in five minutes; it was dropped.</p>;
  const isGood = attempt.outcome === "delivered";
  return (
    <div role="status" className="grid gap-2">
      <p className={`inline-flex items-center gap-1.5 font-medium ${isGood ? "text-good" : "text-bad"}`}>
        <StatusShape health={isGood ? "healthy" : "down"} /> {outcomeWord(attempt.outcome)}
        <span className="font-normal text-ink-3">after {formatDuration(attempt.durationMs)}</span>
      </p>
      {attempt.error && <p className="text-ink-2">{attempt.error}</p>}
      {(attempt.answer ?? attempt.excerpt) && (
        <pre className="whitespace-pre-wrap break-words rounded-md border bg-sunken px-3 py-2 font-mono text-xs">
          {[attempt.answer, attempt.excerpt].filter(Boolean).join("\n")}
        </pre>
      )}
      <Link href={`/settings/notifications?message=${delivery.id}`} className="text-accent hover:underline">
        In the log
      </Link>
    </div>
  );
}

function describePlace({ settings, disabled }: TargetView): string {
  const where =
    settings.kind === "email" ? `${settings.to.join(", ")} by way of ${settings.host}:${settings.port}` : settings.address;
  return `It goes to ${where}.${disabled ? " The target is disabled and gets tests only." : ""}`;
}
