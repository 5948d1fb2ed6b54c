import type { ListedState } from "#lib/domain/incidents/postmortem/schemas.ts";
import { cn } from "../../../ui/class-names.ts";
import { Tint } from "../../../ui/figure.tsx";

const looks: Record<ListedState, [word: string, look: string]> = {
  missing: ["Missing", "border-bad-fill text-bad"],
  draft: ["Draft", "border-dashed border-line-strong text-ink-2"],
  review: ["In review", "border-accent-solid/60 bg-accent-soft text-accent"],
  published: ["Published", "border-good-fill text-good"],
};
export const stateWords = (state: ListedState) => looks[state][0];

/** Where a postmortem stands, as a badge. */
export function PostmortemState({ state }: { state: ListedState }) {
  const [word, look] = looks[state];
  return (
    <Tint value={state}>
      <span className={cn("whitespace-nowrap rounded-sm border px-1 text-2xs font-semibold leading-4", look)}>{word}</span>
    </Tint>
  );
}
