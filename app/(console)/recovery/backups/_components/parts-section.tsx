import { countOf } from "#lib/client/numbers.ts";
import type { PartView } from "#lib/domain/recovery/backups/schemas.ts";
import { Figure } from "../../../../ui/figure.tsx";

/** What is in the archive, part by part, with what was recorded of each when it was taken. */
export function PartsSection({ parts }: { parts: readonly PartView[] }) {
  return (
    <ul aria-label="Parts">
      {parts.map((part) => (
        <li key={part.name} className="border-b px-4 py-2 last:border-b-0">
          <p className="flex flex-wrap items-baseline gap-x-3">
            <span className="font-medium">{part.title}</span>
            <span className="text-ink-3">
              <Figure value={part.bytes} unit="bytes" />, {countOf(part.files, "file")}
            </span>
          </p>
          {part.facts.length > 0 && (
            <dl className="scroll-thin mt-1 grid max-h-56 gap-x-6 overflow-y-auto sm:grid-cols-2">
              {part.facts.map(({ label, value }) => (
                <div key={`${label} ${value}`} className="flex min-w-0 justify-between gap-3">
                  <dt className="min-w-1/2 truncate text-ink-2" title={label}>
                    {label}
                  </dt>
                  <dd className="min-w-0 truncate" title={value}>
                    {value}
                  </dd>
                </div>
              ))}
            </dl>
          )}
        </li>
      ))}
    </ul>
  );
}
