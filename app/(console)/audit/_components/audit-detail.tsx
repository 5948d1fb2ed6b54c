"use client";
import Link from "next/link";
import type { ReactNode } from "react";
import { auditChanges, auditMessage } from "#lib/client/audit-changes.ts";
import { formatAbsolute } from "#lib/client/time.ts";
import type { AuditView } from "#lib/domain/audit-schemas.ts";
import { BeforeAfter } from "../../../ui/actions/preview-view.tsx";
import { Elapsed } from "../../../ui/clock.tsx";
import { Identifier } from "../../../ui/identifier.tsx";

/** All that an entry holds: before and after, why, how it ended. */
export function AuditDetail({ entry, onFilter }: { entry: AuditView; onFilter: (name: string, value: string) => void }) {
  const changes = auditChanges(entry.before, entry.after);
  const message = auditMessage(entry.after);
  const filter = (name: string, value: string) => (
    <button
      type="button"
      onClick={() => onFilter(name, value)}
      title={`Only ${name} ${value}`}
      className="text-accent hover:underline"
    >
      {value}
    </button>
  );
  const facts: [string, ReactNode][] = [
    ["At", formatAbsolute(entry.at)],
    [
      "By",
      <>
        {filter("actor", entry.actor)} <span className="text-ink-3">({entry.actorKind})</span>
      </>,
    ],
    ["Action", filter("verb", entry.verb)],
    [
      entry.targetKind,
      <>
        {entry.targetNamespace && <>{filter("namespace", entry.targetNamespace)} / </>}
        {filter("target", entry.target)}
      </>,
    ],
    [
      "Settled",
      entry.settledAt ? (
        <>
          after <Elapsed from={entry.at} to={entry.settledAt} />
        </>
      ) : (
        "not yet"
      ),
    ],
    ["Request", <Identifier key="request" name={entry.requestId} keepEnd={12} />],
  ];
  return (
    <div className="grid gap-x-10 gap-y-4 whitespace-normal px-4 py-3 md:grid-cols-[minmax(0,22rem)_1fr]">
      <dl className="grid grid-cols-[6rem_minmax(0,1fr)] gap-x-3 gap-y-1 self-start">
        {facts.map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="truncate text-ink-3">{name}</dt>
            <dd className="min-w-0 break-words">{value}</dd>
          </div>
        ))}
      </dl>
      <div className="grid min-w-0 content-start gap-3">
        {entry.error && (
          <p className="text-bad">
            {entry.error.message} <span className="font-mono text-2xs text-ink-3">{entry.error.code}</span>
          </p>
        )}
        {message && !entry.error && <p className="text-ink-2">{message}</p>}
        <div>
          <p className="text-xs font-medium text-ink-3">Reason</p>
          <p className="break-words">{entry.reason ?? "None given."}</p>
        </div>
        {changes.length > 0 && (
          <div>
            <p className="text-xs font-medium text-ink-3">Before and after</p>
            <ul className="grid gap-0.5">
              {changes.map((change) => (
                <li key={change.field} className="grid grid-cols-[minmax(0,9rem)_1fr] gap-3">
                  <span className="truncate text-ink-2" title={change.field}>
                    {change.field}
                  </span>
                  {change.differs ? (
                    <BeforeAfter before={change.before} after={change.after} />
                  ) : (
                    <span className="break-all font-mono text-xs text-ink-3">{change.after}</span>
                  )}
                </li>
              ))}
            </ul>
          </div>
        )}
        <p className="flex gap-4 text-xs">
          {entry.rolloutId && (
            <Link href={`/rollouts/${entry.rolloutId}`} className="text-accent hover:underline">
              The rollout it started
            </Link>
          )}
          {entry.targetNamespace && (
            <Link href={`/fleet/${entry.targetNamespace}/${entry.target}`} className="text-accent hover:underline">
              The service
            </Link>
          )}
        </p>
      </div>
    </div>
  );
}
