"use client";
import { CircleDashed } from "lucide-react";
import Link from "next/link";
import type { SourceState } from "#lib/domain/alerts/schemas.ts";
import { cn } from "../class-names.ts";
import { Elapsed, TimeAgo } from "../clock.tsx";
import { StatusShape } from "../status.tsx";

export const isBlind = (source: SourceState) => !source.disabled && source.blindSince !== null;

/** Says which sources are not heard: while that is so, quiet is not well. */
export function BlindNotice({ sources, className }: { sources: SourceState[]; className?: string }) {
  const blind = sources.filter(isBlind);
  if (blind.length === 0) return null;
  return (
    <div
      role="alert"
      className={cn(
        "flex items-start gap-2.5 border-b bg-warn-soft bg-[repeating-linear-gradient(135deg,transparent_0_8px,var(--tint)_8px_9px)] px-4 py-2",
        className,
      )}
    >
      <CircleDashed aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-warn" />
      <div className="min-w-0">
        {blind.map((source) => (
          <p key={source.name}>
            <span className="font-medium text-warn">
              Alertmanager {source.name} is not heard
              {source.blindSince && (
                <>
                  {" "}
                  for <Elapsed from={source.blindSince} to={null} />
                </>
              )}
            </span>
            <span className="text-ink-2">
              {source.blindReason ? `: ${source.blindReason.replace(/\.$/, "")}` : ""}. Its alerts can come and go unseen; what is
              listed is what was last known.
            </span>{" "}
            <Link href="/settings?section=alert-sources" className="text-accent hover:underline">
              Look at the source
            </Link>
          </p>
        ))}
      </div>
    </div>
  );
}

/** "last heard from Watchdog 5 s ago", for each source. */
export function HeardFrom({ sources }: { sources: SourceState[] }) {
  return sources
    .filter((source) => !source.disabled)
    .map((source, index) => (
      <span key={source.name} className="inline-flex items-center gap-1.5">
        {index > 0 && " · "}
        <StatusShape health={isBlind(source) ? "unknown" : "healthy"} />
        <span>
          {sources.length > 1 && `${source.name}: `}
          {source.watchdogAt ? (
            <>
              Watchdog heard <TimeAgo at={source.watchdogAt} />
            </>
          ) : source.lastReceivedAt ? (
            <>
              no Watchdog; last heard <TimeAgo at={source.lastReceivedAt} />
            </>
          ) : (
            "never heard"
          )}
        </span>
      </span>
    ));
}
