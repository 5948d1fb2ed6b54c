"use client";
import { Search } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { cn } from "./class-names.ts";
import { inputLook } from "./field.tsx";

/** The field that "/" leads to. Tells of the text when it has not changed for a moment. */
export function SearchField({
  label,
  value,
  onChange,
  delayMs = 120,
  className,
}: {
  label: string;
  value: string;
  onChange: (text: string) => void;
  delayMs?: number;
  className?: string;
}) {
  const [text, setText] = useState(value);
  const told = useRef(value);
  const tell = useRef(onChange);
  tell.current = onChange;
  useEffect(() => {
    if (value !== told.current) {
      told.current = value;
      setText(value);
    }
  }, [value]);
  useEffect(() => {
    if (text === told.current) return;
    const timer = setTimeout(() => {
      told.current = text;
      tell.current(text);
    }, delayMs);
    return () => clearTimeout(timer);
  }, [text, delayMs]);
  // Without delay: a change of the address while the reader already goes elsewhere would hold them back.
  const tellNow = (next: string) => {
    if (next === told.current) return;
    told.current = next;
    onChange(next);
  };
  return (
    <span className={cn("relative inline-block w-56 max-w-full", className)}>
      <Search aria-hidden="true" className="pointer-events-none absolute left-2 top-1/2 size-3.5 -translate-y-1/2 text-ink-3" />
      <input
        type="search"
        data-filter
        aria-label={label}
        aria-keyshortcuts="/"
        placeholder={label}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onBlur={(event) => tellNow(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.preventDefault();
          event.currentTarget.blur();
          setText("");
          tellNow("");
        }}
        className={cn(inputLook, "h-7 pl-7 [&::-webkit-search-cancel-button]:hidden")}
      />
    </span>
  );
}
