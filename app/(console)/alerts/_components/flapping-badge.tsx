import { Repeat } from "lucide-react";

/** Says that an alert comes and goes. */
export const FlappingBadge = () => (
  <span
    title="It began at least three times within 30 minutes."
    className="inline-flex shrink-0 items-center gap-1 rounded-full bg-warn-soft px-1.5 text-2xs text-warn"
  >
    <Repeat aria-hidden="true" className="size-3" /> Flapping
  </span>
);
