import type { ReactNode } from "react";
import { cn } from "./class-names.ts";

type Look = { word: string; color: string; fill: string; shape: ReactNode };

const critical: Look = {
  word: "Critical",
  color: "text-bad",
  fill: "var(--bad-fill)",
  shape: (
    <>
      <path d="M3.6.5h4.8l3.1 3.1v4.8l-3.1 3.1H3.6L.5 8.4V3.6Z" fill="var(--bad-fill)" />
      <path d="M6 2.9v3.6M6 8.8v.3" stroke="var(--canvas)" strokeWidth="1.6" strokeLinecap="round" />
    </>
  ),
};
const warning: Look = {
  word: "Warning",
  color: "text-warn",
  fill: "var(--warn-fill)",
  shape: <path d="M6 .4 11.6 6 6 11.6.4 6Z" fill="var(--warn-fill)" />,
};
const info: Look = {
  word: "Info",
  color: "text-accent",
  fill: "var(--accent-solid)",
  shape: (
    <>
      <circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" strokeWidth="1.6" />
      <circle cx="6" cy="6" r="1.7" fill="currentColor" />
    </>
  ),
};
const other: Omit<Look, "word"> = {
  color: "text-quiet",
  fill: "var(--quiet)",
  shape: <path d="M1.5 6h9" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />,
};
const looks: Record<string, Look> = { critical, page: { ...critical, word: "Page" }, warning, info };

const lookOf = (severity: string): Look => looks[severity] ?? { ...other, word: severity === "none" ? "None" : severity };

/** The word for an alert's severity, as every page writes it; a rule may use words of its own. */
export const severityWord = (severity: string) => lookOf(severity).word;

/** The colour that a severity has in drawings. */
export const severityFill = (severity: string) => lookOf(severity).fill;

export const severityColor = (severity: string) => lookOf(severity).color;

/** The shape alone, for places where the word stands beside it anyway. */
export function SeverityShape({ severity, className }: { severity: string; className?: string }) {
  const look = lookOf(severity);
  return (
    <svg viewBox="0 0 12 12" aria-hidden="true" className={cn("size-3 shrink-0", look.color, className)}>
      {look.shape}
    </svg>
  );
}

/** An alert's severity as word, shape and colour; the same on every page. */
export function Severity({ severity, className }: { severity: string; className?: string }) {
  const look = lookOf(severity);
  return (
    <span className={cn("inline-flex items-center gap-1.5 whitespace-nowrap font-medium", look.color, className)}>
      <SeverityShape severity={severity} />
      {look.word}
    </span>
  );
}
