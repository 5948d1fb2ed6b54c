"use client";
import { Command } from "cmdk";
import type { ReactNode } from "react";

/** Entries of one kind under their heading. */
export const Group = ({ heading, children }: { heading: string; children: ReactNode }) => (
  <Command.Group
    heading={heading}
    className="[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:py-1 [&_[cmdk-group-heading]]:text-2xs [&_[cmdk-group-heading]]:font-medium [&_[cmdk-group-heading]]:text-ink-3"
  >
    {children}
  </Command.Group>
);

/** One thing that can be chosen. */
export function Item(props: { value: string; onSelect: () => void; disabled?: boolean; children: ReactNode }) {
  return (
    <Command.Item
      {...props}
      className="flex h-8 cursor-pointer items-center gap-2.5 rounded-md px-2.5 data-[disabled=true]:opacity-50 data-[selected=true]:bg-selected"
    />
  );
}
