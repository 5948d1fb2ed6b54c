import type { ReactNode } from "react";
import { cn } from "./class-names.ts";

/** What is known of a thing, below its name; nothing where it does not hold. */
export type Fact = [name: string, value: ReactNode] | false | null;

/** Facts side by side. */
export function FactList({ facts, className, valueLook }: { facts: readonly Fact[]; className?: string; valueLook?: string }) {
  return (
    <dl className={cn("flex flex-wrap gap-x-7 gap-y-2", className)}>
      {facts.map(
        (fact) =>
          fact && (
            <div key={fact[0]} className="min-w-0">
              <dt className="text-2xs text-ink-3">{fact[0]}</dt>
              <dd className={cn("min-w-0 break-words", valueLook)}>{fact[1]}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
