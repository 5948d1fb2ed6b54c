import type { MeasurementView } from "#lib/domain/rollouts/schemas.ts";
import { cn } from "../../../ui/class-names.ts";
import { StatusGlyph, StatusShape } from "../../../ui/status.tsx";

type Word = MeasurementView["verdict"];

const looks: Record<Word, { word: string; color: string; like: "healthy" | "down" | "unknown" | "degraded" }> = {
  good: { word: "Good", color: "text-good", like: "healthy" },
  bad: { word: "Bad", color: "text-bad", like: "down" },
  "no-data": { word: "No data", color: "text-quiet", like: "unknown" },
  error: { word: "Error", color: "text-warn", like: "degraded" },
};

/** The word of a verdict, as every place writes it. */
export const verdictWord = (verdict: Word) => looks[verdict].word;

/** The shape alone, for a drawing whose table says the word: 12 by 12 units. */
export const VerdictGlyph = ({ verdict }: { verdict: Word }) => <StatusGlyph health={looks[verdict].like} />;

/** What a measurement says, as word, shape and colour. */
export function Verdict({ verdict, className }: { verdict: Word; className?: string }) {
  return (
    <span className={cn("inline-flex items-center gap-1.5 whitespace-nowrap font-medium", looks[verdict].color, className)}>
      <StatusShape health={looks[verdict].like} />
      {looks[verdict].word}
    </span>
  );
}
