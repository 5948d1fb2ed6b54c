"use client";
import { useEffect } from "react";
import { cn } from "../../../ui/class-names.ts";
import { PageHeader } from "../../../ui/page-header.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";
import { AccountSection } from "./account-section.tsx";
import { AlertSourcesSection } from "./alert-sources-section.tsx";
import { ConnectionsSection } from "./connections-section.tsx";
import { FreezeWindowsSection } from "./freeze-windows-section.tsx";
import { IncidentsSection } from "./incidents-section.tsx";
import { NotificationsSection } from "./notifications-section.tsx";
import { TokensSection } from "./tokens-section.tsx";
import { UsersSection } from "./users-section.tsx";

const sections = [
  { id: "account", label: "Account", Section: AccountSection },
  { id: "users", label: "Users", Section: UsersSection },
  { id: "tokens", label: "API tokens", Section: TokensSection },
  { id: "alert-sources", label: "Alert sources", Section: AlertSourcesSection },
  { id: "notifications", label: "Notifications", Section: NotificationsSection },
  { id: "incidents", label: "Incidents", Section: IncidentsSection },
  { id: "freeze-windows", label: "Freeze windows", Section: FreezeWindowsSection },
  { id: "connections", label: "Connections", Section: ConnectionsSection },
] as const;

export function SettingsPage() {
  const [search, setSearch] = useUrlState();
  useEffect(() => {
    const named = sections.find(({ id }) => `#${id}` === window.location.hash);
    if (!named) return;
    window.history.replaceState(null, "", window.location.pathname);
    setSearch({ section: named.id });
  }, [setSearch]);
  const current = sections.find((section) => section.id === search.get("section")) ?? sections[0];
  return (
    <>
      <PageHeader title="Settings" />
      <div className="md:flex">
        <nav
          aria-label="Settings"
          className="scroll-thin flex shrink-0 gap-1 overflow-x-auto border-b px-3 py-2 md:w-44 md:flex-col md:gap-px md:border-b-0 md:px-2 md:py-3"
        >
          {sections.map(({ id, label }) => (
            <button
              key={id}
              type="button"
              aria-current={id === current.id ? "page" : undefined}
              onClick={() => setSearch({ section: id === "account" ? null : id }, { push: true })}
              className={cn(
                "h-7 shrink-0 rounded-md px-2.5 text-left text-ink-2 hover:bg-hover hover:text-ink",
                id === current.id && "bg-hover font-medium text-ink",
              )}
            >
              {label}
            </button>
          ))}
        </nav>
        <div className="min-w-0 flex-1 md:min-h-[calc(100dvh-3rem)] md:border-l">
          <current.Section />
        </div>
      </div>
    </>
  );
}
