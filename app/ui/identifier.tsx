"use client";
import { Check, Copy } from "lucide-react";
import { type ReactNode, useState } from "react";
import { cn } from "./class-names.ts";

/** Copies text; over plain HTTP, where there is no clipboard, by way of a selected field. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

export function CopyButton({
  text,
  label,
  className,
  children,
}: {
  text: string;
  label: string;
  className?: string;
  children?: ReactNode;
}) {
  const [copied, setCopied] = useState(false);
  return (
    <button
      type="button"
      aria-label={label}
      title={copied ? "Copied" : label}
      onClick={async (event) => {
        event.stopPropagation();
        await copyText(text);
        setCopied(true);
        setTimeout(() => setCopied(false), 1500);
      }}
      className={cn("inline-flex items-center gap-1 rounded-sm text-ink-3 hover:text-ink", className)}
    >
      {children}
      {copied ? <Check aria-hidden="true" className="size-3 text-good" /> : <Copy aria-hidden="true" className="size-3" />}
    </button>
  );
}

/** A name in monospace, cut in the middle so that both ends can be read, copied by a click. */
export function Identifier({ name, className, keepEnd = 6 }: { name: string; className?: string; keepEnd?: number }) {
  const [copied, setCopied] = useState(false);
  const start = name.length > 16 ? name.slice(0, -keepEnd) : name;
  const end = name.length > 16 ? name.slice(-keepEnd) : "";
  return (
    <button
      type="button"
      title={copied ? "Copied" : `${name} (click copies)`}
      aria-label={`Copy ${name}`}
      onClick={async (event) => {
        event.stopPropagation();
        await copyText(name);
        setCopied(true);
        setTimeout(() => setCopied(false), 1500);
      }}
      className={cn(
        "inline-flex min-w-0 max-w-full items-baseline rounded-sm text-left font-mono text-xs hover:text-accent",
        copied && "text-good",
        className,
      )}
    >
      <span className="truncate">{start}</span>
      <span className="shrink-0">{end}</span>
    </button>
  );
}
