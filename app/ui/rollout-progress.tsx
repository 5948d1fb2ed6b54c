"use client";
import type { ServiceAnswer } from "#lib/domain/fleet/schemas.ts";
import { cn } from "./class-names.ts";
import { Age } from "./clock.tsx";
import { Tint } from "./figure.tsx";
import { Identifier } from "./identifier.tsx";
import { InstanceStatus, TrackMark } from "./instance-status.tsx";

/** A service on its way: how many are ready, updated and available, and its instances as they come and go. */
export function RolloutProgress({ page }: { page: ServiceAnswer }) {
  const { service, instances } = page;
  const { candidate } = service;
  const counts: { name: string; count: number; of: number }[] = [
    { name: "Updated", count: service.updated, of: service.desired },
    { name: "Ready", count: service.ready, of: service.desired },
    { name: "Available", count: service.available, of: service.desired },
    ...(candidate ? [{ name: "Candidate", count: candidate.available, of: candidate.desired }] : []),
  ];
  const newest = [...instances].sort((a, b) => b.createdAt.localeCompare(a.createdAt) || a.name.localeCompare(b.name));
  return (
    <div className="grid gap-3">
      <dl className="grid gap-2">
        {counts.map(({ name, count, of }) => (
          <div key={name} className="grid grid-cols-[5rem_1fr_auto] items-center gap-3">
            <dt className="text-ink-2">{name}</dt>
            <dd aria-hidden="true" className="h-1.5 overflow-hidden rounded-full bg-line">
              <span
                className={cn(
                  "block h-full rounded-full transition-[width] duration-500",
                  count >= of ? "bg-good-fill" : "bg-accent-solid",
                )}
                style={{ width: `${of === 0 ? 100 : Math.min(100, (count / of) * 100)}%` }}
              />
            </dd>
            <dd>
              <Tint value={count}>
                {count}
                <span className="text-ink-3"> of {of}</span>
              </Tint>
            </dd>
          </div>
        ))}
      </dl>
      <ul aria-label="Instances" className="scroll-thin max-h-64 overflow-y-auto rounded-md border">
        {newest.map((instance) => (
          <li
            key={instance.uid}
            className="grid h-8 animate-[appear_400ms] grid-cols-[minmax(0,1fr)_minmax(0,9rem)_2.5rem] sm:grid-cols-[minmax(0,1fr)_minmax(0,9.5rem)_4.5rem_2.5rem] items-center gap-3 border-b px-3 last:border-b-0"
          >
            <span className="flex min-w-0 items-center gap-2">
              <Identifier name={instance.name} />
              <TrackMark instance={instance} />
            </span>
            <InstanceStatus instance={instance} />
            <span className="truncate text-ink-3 max-sm:hidden">{instance.version}</span>
            <Age since={instance.createdAt} className="text-right text-ink-3" />
          </li>
        ))}
        {newest.length === 0 && <li className="px-3 py-2 text-ink-3">No instances.</li>}
      </ul>
    </div>
  );
}
