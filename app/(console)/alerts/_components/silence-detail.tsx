"use client";
import { useQuery } from "@tanstack/react-query";
import { BellOff, CircleDashed, Clock } from "lucide-react";
import Link from "next/link";
import { liveAlertsQuery } from "#lib/client/alerts.ts";
import { matcherText } from "#lib/client/matchers.ts";
import { formatAbsolute } from "#lib/client/time.ts";
import type { SilenceView } from "#lib/domain/alerts/silences-schemas.ts";
import { Button } from "../../../ui/button.tsx";
import { cn } from "../../../ui/class-names.ts";
import { Elapsed } from "../../../ui/clock.tsx";
import { Identifier } from "../../../ui/identifier.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { SeverityShape } from "../../../ui/severity.tsx";

const looks = {
  active: { word: "Active", color: "text-held", icon: BellOff },
  pending: { word: "Pending", color: "text-accent", icon: Clock },
  expired: { word: "Expired", color: "text-quiet", icon: CircleDashed },
};

/** A silence's state as word, shape and colour. */
export function SilenceState({ silence: { state, endsSoon } }: { silence: SilenceView }) {
  const { word, color, icon: Icon } = looks[state];
  return (
    <span className={cn("inline-flex items-center gap-1.5 whitespace-nowrap font-medium", endsSoon ? "text-warn" : color)}>
      <Icon aria-hidden="true" className="size-3.5" />
      {endsSoon ? "Ends soon" : word}
    </span>
  );
}

/** All that a silence says, what it hides now, and what can be done with it. */
export function SilenceDetail({ silence, onChange }: { silence: SilenceView; onChange: (what: "extend" | "expire") => void }) {
  const refusal = useRoleRefusal("operator");
  const ended = silence.state === "expired" ? "It has expired already: make a new one." : null;
  const hidden = useQuery(liveAlertsQuery({ standing: "silenced" })).data?.items.filter((alert) =>
    alert.silencedBy.includes(silence.id),
  );
  return (
    <div className="grid gap-x-10 gap-y-3 whitespace-normal px-4 py-3 md:grid-cols-2">
      <div className="grid content-start gap-2">
        <p className="break-words">{silence.comment || "No reason was given."}</p>
        <ul className="flex flex-wrap gap-1.5">
          {silence.matchers.map((matcher) => (
            <li key={matcherText(matcher)} className="rounded-md border bg-canvas px-1.5 font-mono text-xs leading-6 break-all">
              {matcherText(matcher)}
            </li>
          ))}
        </ul>
        <p className="text-ink-3">
          By {silence.createdBy}, from {formatAbsolute(silence.startsAt)} to {formatAbsolute(silence.endsAt)}, in Alertmanager{" "}
          {silence.source} as <Identifier name={silence.id} keepEnd={8} />
        </p>
        <p className="flex flex-wrap gap-1.5">
          <Button disabledReason={refusal ?? ended} onClick={() => onChange("extend")} aria-keyshortcuts="e">
            <Clock aria-hidden="true" /> Extend
          </Button>
          <Button disabledReason={refusal ?? ended} onClick={() => onChange("expire")} aria-keyshortcuts="x">
            Expire now
          </Button>
        </p>
      </div>
      <div className="min-w-0">
        <p className="text-xs font-medium text-ink-3">Hides now</p>
        {!hidden || hidden.length === 0 ? (
          <p className="text-ink-2">
            {silence.hides > 0 ? `${silence.hides} alerts, which are being read.` : "Nothing that fires now."}
          </p>
        ) : (
          <ul>
            {hidden.slice(0, 12).map((alert) => (
              <li key={alert.id}>
                <Link href={`/alerts/${alert.id}`} className="flex h-6 min-w-0 items-center gap-1.5 hover:underline">
                  <SeverityShape severity={alert.severity} />
                  <span className="name truncate font-medium">{alert.name}</span>
                  <span className="truncate text-ink-3">{alert.instance ?? alert.service}</span>
                  <span className="ml-auto shrink-0 text-ink-3">
                    <Elapsed from={alert.startsAt} to={alert.endsAt} />
                  </span>
                </Link>
              </li>
            ))}
            {hidden.length > 12 && <li className="text-ink-3">and {hidden.length - 12} more</li>}
          </ul>
        )}
      </div>
    </div>
  );
}
