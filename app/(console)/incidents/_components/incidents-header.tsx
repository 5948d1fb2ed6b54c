"use client";
import Link from "next/link";
import { usePathname } from "next/navigation";
import type { ReactNode } from "react";
import { cn } from "../../../ui/class-names.ts";
import { PageHeader } from "../../../ui/page-header.tsx";

const places = [
  { href: "/incidents", label: "Incidents" },
  { href: "/incidents/trends", label: "Trends" },
  { href: "/postmortems", label: "Postmortems" },
  { href: "/action-items", label: "Action items" },
  { href: "/runbooks", label: "Runbooks" },
];

/** The top of each page about incidents, with the way to the others. */
export function IncidentsHeader({ aside, children }: { aside?: ReactNode; children?: ReactNode }) {
  const pathname = usePathname();
  return (
    <>
      <PageHeader title="Incidents" aside={aside}>
        {children}
      </PageHeader>
      <nav
        aria-label="Incidents"
        className="scroll-thin sticky top-0 z-20 flex gap-4 overflow-x-auto max-sm:gap-2 border-b bg-canvas px-4"
      >
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
      </nav>
    </>
  );
}
