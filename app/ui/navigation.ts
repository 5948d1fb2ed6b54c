import {
  Activity,
  ArchiveRestore,
  BellRing,
  BookOpen,
  LayoutDashboard,
  type LucideIcon,
  RefreshCcw,
  ScrollText,
  Settings,
  Siren,
} from "lucide-react";

export type Destination = { href: string; label: string; letter: string; icon: LucideIcon };

/** Where the left navigation, the keys "g x" and the palette lead. */
export const destinations: Destination[] = [
  { href: "/", label: "Overview", letter: "o", icon: LayoutDashboard },
  { href: "/fleet", label: "Fleet", letter: "f", icon: Activity },
  { href: "/rollouts", label: "Rollouts", letter: "r", icon: RefreshCcw },
  { href: "/alerts", label: "Alerts", letter: "a", icon: BellRing },
  { href: "/incidents", label: "Incidents", letter: "i", icon: Siren },
  { href: "/recovery", label: "Recovery", letter: "y", icon: ArchiveRestore },
  { href: "/audit", label: "Audit", letter: "u", icon: ScrollText },
];
export const settings: Destination = { href: "/settings", label: "Settings", letter: "s", icon: Settings };

/** Places below those, which only the palette names. */
export const furtherPlaces: Pick<Destination, "href" | "label" | "icon">[] = [
  { href: "/alerts/history", label: "Alert history", icon: BellRing },
  { href: "/alerts/silences", label: "Silences", icon: BellRing },
  { href: "/alerts/rules", label: "Alert rules", icon: BellRing },
  { href: "/incidents/trends", label: "Incident trends", icon: Siren },
  { href: "/runbooks", label: "Runbooks", icon: BookOpen },
  { href: "/postmortems", label: "Postmortems", icon: Siren },
  { href: "/action-items", label: "Action items", icon: Siren },
  { href: "/recovery/backups", label: "Backups", icon: ArchiveRestore },
  { href: "/recovery/restores", label: "Restores", icon: ArchiveRestore },
  { href: "/recovery/drills", label: "Drills and their schedules", icon: ArchiveRestore },
];

/** What is reached by the tabs of a destination, not below its address. */
const tabs: Record<string, string[]> = { "/incidents": ["/postmortems", "/action-items", "/runbooks"] };

export const isAt = (href: string, pathname: string) =>
  [href, ...(tabs[href] ?? [])].some((each) =>
    each === "/" ? pathname === "/" : pathname === each || pathname.startsWith(`${each}/`),
  );
