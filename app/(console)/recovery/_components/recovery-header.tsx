"use client";
import Link from "next/link";
import { usePathname } from "next/navigation";
import type { ReactNode } from "react";
import { cn } from "../../../ui/class-names.ts";
import { PageHeader } from "../../../ui/page-header.tsx";

const places = [
  { href: "/recovery", label: "Coverage" },
  { href: "/recovery/backups", label: "Backups" },
  { href: "/recovery/restores", label: "Restores" },
  { href: "/recovery/drills", label: "Drills" },
];

/** The top of each list about recovery, with the way to the others. */
export function RecoveryHeader({ aside, children }: { aside?: ReactNode; children?: ReactNode }) {
  const pathname = usePathname();
  return (
    <>
      <PageHeader title="Recovery" aside={aside}>
        {children}
      </PageHeader>
      <nav aria-label="Recovery" className="scroll-thin sticky top-0 z-20 flex gap-4 overflow-x-auto border-b bg-canvas px-4">
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
