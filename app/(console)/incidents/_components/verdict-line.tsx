"use client";
import Link from "next/link";
import type { ActionVerdict } from "#lib/domain/incidents/schemas.ts";
import { cn } from "../../../ui/class-names.ts";
import { TimeAgo } from "../../../ui/clock.tsx";
import { StatusShape } from "../../../ui/status.tsx";

const looks = {
  recovered: { shape: "healthy", color: "text-good" },
  "not-recovered": { shape: "down", color: "text-bad" },
  unknown: { shape: "unknown", color: "text-ink-2" },
  pending: { shape: "progressing", color: "text-ink-2" },
} as const;

/** What the data say of a rollback, a restart or a scaling. */
export function VerdictLine({
  verdict: { verdict, message, actionId, at },
  className,
}: {
  verdict: ActionVerdict;
  className?: string;
}) {
  const { shape, color } = looks[verdict];
  return (
    <p role={verdict === "pending" ? "status" : undefined} className={cn("flex min-w-0 items-start gap-1.5", className)}>
      <span className="mt-1.5 leading-none">
        <StatusShape health={shape} />
      </span>
      <span className="min-w-0">
        <Link
          href={`/audit?entry=${actionId}`}
          className={cn("hover:underline", color, verdict === "recovered" && "font-medium")}
        >
          {message}
        </Link>{" "}
        <TimeAgo at={at} className="text-xs text-ink-3" />
      </span>
    </p>
  );
}
