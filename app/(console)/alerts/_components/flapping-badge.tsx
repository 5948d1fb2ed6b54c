import { Repeat } from "lucide-react";
import { cn } from "../../../ui/class-names.ts";

/** Says that an alert comes and goes; by its shape alone where a name needs the room. */
export const FlappingBadge = ({ className }: { className?: string }) => (
  <span
    title="Flapping: it began at least three times within 30 minutes."
    className={cn(
      "inline-flex shrink-0 items-center gap-1 rounded-full bg-warn-soft px-1.5 text-2xs text-warn max-md:h-4 max-md:px-0.5",
      className,
    )}
  >
    <Repeat aria-hidden="true" className="size-3" /> <span className="max-md:sr-only">Flapping</span>
  </span>
);
