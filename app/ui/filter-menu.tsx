"use client";
import { Check, ChevronDown } from "lucide-react";
import { DropdownMenu as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { buttonLook } from "./button.tsx";
import { cn } from "./class-names.ts";

export type FilterOption = { value: string; label: ReactNode; count?: number };

/** A menu of things to tick; says in its button which are. */
export function FilterMenu({
  label,
  options,
  selected,
  onChange,
  icon,
  quiet = false,
}: {
  label: string;
  options: FilterOption[];
  selected: string[];
  onChange: (selected: string[]) => void;
  icon?: ReactNode;
  /** Does not say what is ticked, as for columns. */
  quiet?: boolean;
}) {
  const summary =
    selected.length === 0 || quiet ? null : selected.length <= 2 ? selected.join(", ") : `${selected.length} chosen`;
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger
        className={cn(buttonLook(), summary && "border-accent-solid/60 bg-accent-soft")}
        aria-label={summary ? `${label}: ${summary}` : label}
      >
        {icon}
        {label}
        {summary && <span className="max-w-36 truncate text-accent">{summary}</span>}
        <ChevronDown aria-hidden="true" className="text-ink-3" />
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align="start"
          sideOffset={4}
          collisionPadding={8}
          className="scroll-thin z-30 max-h-[60vh] min-w-44 overflow-y-auto rounded-lg border bg-raised p-1 shadow-float"
        >
          {options.map((option) => {
            const isOn = selected.includes(option.value);
            return (
              <Radix.CheckboxItem
                key={option.value}
                checked={isOn}
                onSelect={(event) => event.preventDefault()}
                onCheckedChange={() =>
                  onChange(isOn ? selected.filter((value) => value !== option.value) : [...selected, option.value])
                }
                className="flex h-7 cursor-pointer items-center gap-2 rounded-md px-2 outline-none data-[highlighted]:bg-hover"
              >
                <span className="grid size-3.5 place-items-center rounded-xs border border-line-strong">
                  {isOn && <Check aria-hidden="true" className="size-3 text-accent" />}
                </span>
                {option.label}
                {option.count !== undefined && <span className="ml-auto pl-4 text-xs text-ink-3">{option.count}</span>}
              </Radix.CheckboxItem>
            );
          })}
          {options.length === 0 && <p className="px-2 py-1 text-ink-3">Nothing to choose.</p>}
          {selected.length > 0 && !quiet && (
            <>
              <Radix.Separator className="my-1 h-px bg-line" />
              <Radix.Item
                onSelect={() => onChange([])}
                className="flex h-7 cursor-pointer items-center rounded-md px-2 text-ink-2 outline-none data-[highlighted]:bg-hover"
              >
                Clear
              </Radix.Item>
            </>
          )}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
