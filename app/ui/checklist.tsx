import { CircleAlert, CircleCheck, CircleDashed, CircleHelp, CircleX, UserCheck } from "lucide-react";
import type { ReactNode } from "react";
import type { ChecklistItem, Preflight } from "#lib/domain/rollouts/start/start-schemas.ts";
import { cn } from "./class-names.ts";

type Titles = Record<ChecklistItem["group"], string>;

/** The lines of a checklist in their groups, beside each other where there is room. */
export function Checklist({
  items,
  titles,
  children,
}: {
  items: readonly ChecklistItem[];
  titles: Titles;
  /** How one is shown. */
  children: (item: ChecklistItem) => ReactNode;
}) {
  return (
    <section aria-label="Checklist" className="grid gap-x-6 gap-y-4 border-t p-4 sm:grid-cols-2 xl:grid-cols-4">
      {[...Map.groupBy(items, ({ group }) => group)].map(([group, inGroup]) => (
        <div key={group}>
          <h3 className="mb-1 text-xs font-medium text-ink-3">{titles[group]}</h3>
          <ul className="grid gap-1.5">
            {inGroup.map((item) => (
              <li key={item.id}>{children(item)}</li>
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}

const looks = {
  passed: { icon: CircleCheck, color: "text-good", word: "Passed" },
  answered: { icon: UserCheck, color: "text-good", word: "Answered for" },
  failed: { icon: CircleX, color: "text-bad", word: "Failed" },
  warned: { icon: CircleAlert, color: "text-warn", word: "Failed, not a blocker" },
  unknown: { icon: CircleHelp, color: "text-quiet", word: "Unknown" },
  manual: { icon: CircleDashed, color: "text-ink-3", word: "Not answered for" },
} as const;

function lookOf({ group, state, isBlocker }: ChecklistItem) {
  if (state === "failed" && !isBlocker) return looks.warned;
  return state === "passed" && group === "manual" ? looks.answered : looks[state];
}

/** One line with its answer; `children` say more than what was found. */
export function CheckLine({ item, children }: { item: ChecklistItem; children?: ReactNode }) {
  const { icon: Icon, color, word } = lookOf(item);
  return (
    <div className="flex items-start gap-2">
      <Icon aria-label={word} className={cn("mt-0.5 size-4 shrink-0", color)} />
      <CheckText item={item}>{children}</CheckText>
    </div>
  );
}

/** What is asked, and what was found. */
export function CheckText({ item, children }: { item: ChecklistItem; children?: ReactNode }) {
  const found = children ?? (item.state !== "manual" && item.detail);
  return (
    <span className="min-w-0">
      <span className="font-medium">{item.title}</span>
      {found && <span className={cn("block text-xs", item.state === "failed" ? lookOf(item).color : "text-ink-2")}>{found}</span>}
    </span>
  );
}

/** The cluster's own answer to what would be written. */
export function DryRun({ dryRun: { accepted, message } }: Pick<Preflight, "dryRun">) {
  const Icon = accepted ? CircleCheck : CircleX;
  return (
    <p className={accepted ? "text-ink-2" : "text-bad"}>
      <Icon aria-hidden="true" className={cn("mr-1.5 inline size-3.5", accepted && "text-good")} />
      {message}
    </p>
  );
}
