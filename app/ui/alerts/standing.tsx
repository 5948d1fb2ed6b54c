import { BellOff, BellRing, CircleCheck, CircleDashed, Layers2, type LucideIcon, UserCheck } from "lucide-react";
import type { Standing as StandingWord } from "#lib/domain/alerts/schemas.ts";
import { cn } from "../class-names.ts";

const looks: Record<StandingWord, { word: string; color: string; icon: LucideIcon; means: string }> = {
  firing: { word: "Firing", color: "text-bad", icon: BellRing, means: "It fires and nobody has taken it." },
  acknowledged: { word: "Acknowledged", color: "text-accent", icon: UserCheck, means: "It fires and somebody has taken it." },
  silenced: { word: "Silenced", color: "text-held", icon: BellOff, means: "It fires; a silence hides it." },
  inhibited: {
    word: "Inhibited",
    color: "text-quiet",
    icon: Layers2,
    means: "It fires; another alert that fires makes it moot.",
  },
  unknown: {
    word: "Unknown",
    color: "text-quiet",
    icon: CircleDashed,
    means:
      "It fired when its source was last heard; whether it still does is not known. An end that was told since is no proof: Alertmanager lets alerts expire.",
  },
  resolved: { word: "Resolved", color: "text-good", icon: CircleCheck, means: "It fires no more." },
};

export const standingWord = (standing: StandingWord) => looks[standing].word;

/** How an alert stands as word, shape and colour; the same on every page. */
export function AlertStanding({ standing, className }: { standing: StandingWord; className?: string }) {
  const { word, color, icon: Icon, means } = looks[standing];
  return (
    <span title={means} className={cn("inline-flex items-center gap-1.5 whitespace-nowrap font-medium", color, className)}>
      <Icon aria-hidden="true" className="size-3.5 shrink-0" />
      {word}
    </span>
  );
}
