"use client";
import { LogOut, Search } from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { signOut } from "next-auth/react";
import { cn } from "../../ui/class-names.ts";
import { Mark } from "../../ui/mark.tsx";
import { destinations, isAt, settings } from "../../ui/navigation.ts";
import { useSession } from "../../ui/session.tsx";
import { Tooltip } from "../../ui/tooltip.tsx";
import { openPalette } from "./keyboard.tsx";

export function SideNavigation() {
  const pathname = usePathname();
  const session = useSession();
  return (
    <nav aria-label="Main" className="hidden w-52 shrink-0 flex-col border-r bg-sunken px-2 py-3 md:flex print:hidden">
      <Link href="/" className="mb-3 flex items-center gap-2 px-2 font-semibold tracking-[-0.01em]">
        <Mark /> Switchyard
      </Link>
      <button
        type="button"
        onClick={openPalette}
        className="mb-3 flex h-7 items-center gap-2 rounded-md border bg-canvas px-2 text-ink-3 hover:border-line-strong hover:text-ink-2"
      >
        <Search aria-hidden="true" className="size-3.5" />
        <span className="flex-1 text-left">Find or do</span>
        <kbd className="text-2xs">Ctrl K</kbd>
      </button>
      <ul className="grid gap-px">
        {destinations.map((destination) => (
          <NavigationItem key={destination.href} {...destination} isCurrent={isAt(destination.href, pathname)} />
        ))}
      </ul>
      <ul className="mt-auto grid gap-px border-t pt-2">
        <NavigationItem {...settings} isCurrent={isAt(settings.href, pathname)} />
        <li className="flex items-center gap-2 px-2 py-1.5">
          <span
            aria-hidden="true"
            className="grid size-6 shrink-0 place-items-center rounded-full bg-accent-soft text-2xs font-semibold text-accent"
          >
            {(session?.name ?? "").slice(0, 1).toUpperCase()}
          </span>
          <span className="min-w-0 flex-1 leading-4">
            <span className="block truncate font-medium">{session?.name ?? "…"}</span>
            <span className="block text-2xs text-ink-3">{session?.role ?? ""}</span>
          </span>
          <Tooltip text="Sign out">
            <button
              type="button"
              aria-label="Sign out"
              onClick={() => signOut({ callbackUrl: "/login" })}
              className="grid size-7 place-items-center rounded-md text-ink-3 hover:bg-hover hover:text-ink"
            >
              <LogOut aria-hidden="true" className="size-3.5" />
            </button>
          </Tooltip>
        </li>
      </ul>
    </nav>
  );
}

function NavigationItem({ href, label, letter, icon: Icon, isCurrent }: (typeof destinations)[number] & { isCurrent: boolean }) {
  return (
    <li>
      <Link
        href={href}
        aria-current={isCurrent ? "page" : undefined}
        aria-keyshortcuts={`g ${letter}`}
        className={cn(
          "flex h-7 items-center gap-2 rounded-md px-2 text-ink-2 hover:bg-hover hover:text-ink",
          isCurrent && "bg-hover font-medium text-ink",
        )}
      >
        <Icon aria-hidden="true" className={cn("size-4 text-ink-3", isCurrent && "text-accent")} />
        {label}
      </Link>
    </li>
  );
}

/** The same places at the foot of a narrow page, within the thumb's reach. */
export function BottomNavigation() {
  const pathname = usePathname();
  return (
    <nav aria-label="Main" className="flex shrink-0 border-t bg-sunken pb-[env(safe-area-inset-bottom)] md:hidden print:hidden">
      {[...destinations, settings].map(({ href, label, icon: Icon }) => {
        const isCurrent = isAt(href, pathname);
        return (
          <Link
            key={href}
            href={href}
            aria-current={isCurrent ? "page" : undefined}
            className={cn(
              "flex h-13 flex-1 flex-col items-center justify-center gap-0.5 text-[10px] text-ink-3 leading-4",
              isCurrent && "font-medium text-ink",
            )}
          >
            <Icon aria-hidden="true" className={cn("size-4.5", isCurrent && "text-accent")} />
            {label}
          </Link>
        );
      })}
    </nav>
  );
}
