import type { ReactNode } from "react";
import { BurningBar } from "./_components/burning-bar.tsx";
import { ConsoleProviders } from "./_components/console-providers.tsx";
import { Keyboard } from "./_components/keyboard.tsx";
import { BottomNavigation, SideNavigation } from "./_components/navigation.tsx";

export default function ConsoleLayout({ children }: { children: ReactNode }) {
  return (
    <ConsoleProviders>
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:fixed focus:left-2 focus:top-2 focus:z-50 focus:rounded-md focus:bg-accent-solid focus:px-3 focus:py-1 focus:text-accent-ink"
      >
        Skip to the content
      </a>
      <div className="flex h-dvh flex-col md:flex-row">
        <SideNavigation />
        <div className="flex min-h-0 min-w-0 flex-1 flex-col">
          <BurningBar />
          <main
            id="content"
            data-scroller
            tabIndex={-1}
            className="scroll-thin min-h-0 flex-1 overflow-y-auto overflow-x-hidden outline-none"
          >
            {children}
          </main>
        </div>
        <BottomNavigation />
      </div>
      <Keyboard />
    </ConsoleProviders>
  );
}
