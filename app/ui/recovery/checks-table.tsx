import type { RecoveryCheck } from "#lib/domain/recovery/schemas.ts";
import { StatusShape } from "../status.tsx";

/** The questions asked of what was read back or restored: what the manifest says, and what was found. Failures first. */
export function ChecksTable({ checks, label }: { checks: readonly RecoveryCheck[]; label: string }) {
  const failed = checks.filter(({ passed }) => !passed);
  return (
    <table aria-label={label} className="w-full table-fixed">
      <thead>
        <tr className="h-7 text-left text-2xs text-ink-3">
          <th scope="col" className="w-2/5 px-4 font-medium">
            Question
          </th>
          <th scope="col" className="px-2 font-medium">
            Recorded
          </th>
          <th scope="col" className="px-2 font-medium">
            Found
          </th>
        </tr>
      </thead>
      <tbody>
        {[...failed, ...checks.filter(({ passed }) => passed)].map((check, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two questions may have the same name
          <tr key={`${check.name} ${index}`} className="border-t">
            <th scope="row" className="px-4 py-1 text-left font-normal">
              <span className="flex items-start gap-1.5">
                <StatusShape health={check.passed ? "healthy" : "down"} className="mt-1" />
                <span className="min-w-0 break-words">
                  {check.name}
                  <span className="sr-only">{check.passed ? ", passed" : ", failed"}</span>
                </span>
              </span>
            </th>
            <td className="truncate px-2 text-ink-2" title={check.wanted}>
              {check.wanted}
            </td>
            <td className={check.passed ? "truncate px-2 text-ink-2" : "truncate px-2 font-medium text-bad"} title={check.found}>
              {check.found}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
