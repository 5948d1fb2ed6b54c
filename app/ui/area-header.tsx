"use client";
import Link from "next/link";
import { usePathname } from "next/navigation";
import type { ReactNode } from "react";
import { cn } from "./class-names.ts";
import { PageHeader } from "./page-header.tsx";

/** The line of tabs below a header; it stays in sight. */
export const tabBarLook = "scroll-thin sticky top-0 z-20 flex gap-4 overflow-x-auto border-b bg-canvas px-4";

export const tabLook = (isCurrent: boolean): string =>
  cn(
    "-mb-px flex h-9 shrink-0 items-center gap-1.5 border-b-2 border-transparent text-ink-2 hover:text-ink",
    isCurrent && "border-accent-solid font-medium text-ink",
  );

type AreaHeaderProps = {
  title: string;
  places: { href: string; label: string }[];
  aside?: ReactNode;
  /** At the end of the line of places. */
  beside?: ReactNode;
  /** What one can do here. */
  children?: ReactNode;
};

/** What a page of an area may add to its header. */
export type AreaPageProps = Omit<AreaHeaderProps, "title" | "places">;

/** The top of each page of an area, with the way to the others. */
export function AreaHeader({ title, places, aside, beside, children }: AreaHeaderProps) {
  const pathname = usePathname();
  return (
    <>
      <PageHeader title={title} aside={aside}>
        {children}
      </PageHeader>
      <nav aria-label={title} className={cn(tabBarLook, places.length > 4 && "max-sm:gap-2")}>
        {places.map(({ href, label }) => (
          <Link
            key={href}
            href={href}
            aria-current={pathname === href ? "page" : undefined}
            className={tabLook(pathname === href)}
          >
            {label}
          </Link>
        ))}
        {beside && <span className="ml-auto flex shrink-0 items-center gap-x-3 text-xs text-ink-3">{beside}</span>}
      </nav>
    </>
  );
}
