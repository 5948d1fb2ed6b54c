"use client";
import Link from "next/link";
import { usePathname } from "next/navigation";
import type { ReactNode } from "react";
import { cn } from "../../../ui/class-names.ts";
import { PageHeader } from "../../../ui/page-header.tsx";

const places = [
  { href: "/alerts", label: "Live" },
  { href: "/alerts/history", label: "History" },
  { href: "/alerts/silences", label: "Silences" },
  { href: "/alerts/rules", label: "Rules" },
];

/** The top of each page about alerts, with the way to the others. */
export function AlertsHeader({ aside, heard, children }: { aside?: ReactNode; heard?: ReactNode; children?: ReactNode }) {
  const pathname = usePathname();
  return (
    <>
      <PageHeader title="Alerts" aside={aside}>
        {children}
      </PageHeader>
      <nav aria-label="Alerts" className="scroll-thin sticky top-0 z-20 flex gap-4 overflow-x-auto border-b bg-canvas px-4">
        {places.map(({ href, label }) => (
          <Link
            key={href}
            href={href}
            aria-current={pathname === href ? "page" : undefined}
            className={cn(
              "-mb-px flex h-9 shrink-0 items-center border-b-2 border-transparent text-ink-2 hover:text-ink",
              pathname === href && "border-accent-solid font-medium text-ink",
            )}
          >
            {label}
          </Link>
        ))}
        {heard && <span className="ml-auto flex shrink-0 items-center gap-x-3 text-xs text-ink-3">{heard}</span>}
      </nav>
    </>
  );
}
