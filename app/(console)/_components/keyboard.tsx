"use client";
import { useRouter } from "next/navigation";
import { useEffect, useState } from "react";
import { Dialog } from "../../ui/dialog.tsx";
import { useIncidents } from "../../ui/incidents/use-incidents.ts";
import { beginGoing, endGoing } from "../../ui/keys.ts";
import { destinations, settings } from "../../ui/navigation.ts";
import { useRoleRefusal } from "../../ui/session.tsx";
import { Palette } from "./palette.tsx";

const paletteEvent = "switchyard:palette";
export const openPalette = () => window.dispatchEvent(new Event(paletteEvent));

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
const isDialogOpen = () => document.querySelector('[role="dialog"]') !== null;

/** The console's keys, the palette and the list of keys. */
export function Keyboard() {
  const router = useRouter();
  const [open, setOpen] = useState<"palette" | "keys" | null>(null);
  const incidents = useIncidents();
  const mayReport = useRoleRefusal("operator") === null;

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      // A dialog or a menu that Escape has just closed.
      if (event.defaultPrevented) return;
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        setOpen((current) => (current === "palette" ? null : "palette"));
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Escape" && isTyping(event.target) && !isDialogOpen()) (event.target as HTMLElement).blur();
      if (isTyping(event.target) || isDialogOpen()) return;
      const isGoing = endGoing();
      const destination = [...destinations, settings].find((candidate) => candidate.letter === event.key);
      if (isGoing && destination) router.push(destination.href);
      else if (event.key === "g") beginGoing();
      else if (event.key === "c" && !isGoing && mayReport) incidents.report();
      else if (event.key === "?") setOpen("keys");
      else if (event.key === "/") {
        const filter = document.querySelector<HTMLElement>("[data-filter]");
        filter?.focus();
        if (filter instanceof HTMLInputElement) filter.select();
      } else if (event.key === "Escape") goUp(router);
      else return;
      event.preventDefault();
    };
    const onPalette = () => setOpen("palette");
    window.addEventListener("keydown", onKeyDown);
    window.addEventListener(paletteEvent, onPalette);
    return () => {
      window.removeEventListener("keydown", onKeyDown);
      window.removeEventListener(paletteEvent, onPalette);
    };
  }, [router, incidents, mayReport]);

  return (
    <>
      <Palette open={open === "palette"} onClose={() => setOpen(null)} />
      <Dialog open={open === "keys"} onClose={() => setOpen(null)} title="Keys">
        <dl className="grid grid-cols-[auto_1fr] items-center gap-x-6 gap-y-2">
          {keyList.map(([keys, does]) => (
            <div key={keys} className="contents">
              <dt className="flex gap-1">
                {keys.split(" ").map((key) => (
                  <kbd key={key} className="min-w-6 rounded border border-b-2 bg-sunken px-1.5 text-center text-xs">
                    {key}
                  </kbd>
                ))}
              </dt>
              <dd className="text-ink-2">{does}</dd>
            </div>
          ))}
        </dl>
      </Dialog>
    </>
  );
}

/** From a detail to its list: where Escape leads when nothing is open. */
function goUp(router: ReturnType<typeof useRouter>) {
  const [area, ...rest] = window.location.pathname.split("/").filter(Boolean);
  if (area && rest.length > 0) router.push(`/${area}`);
}

const keyList: [string, string][] = [
  ["Ctrl K", "Find a service or page, or do something: “scale relay to 5”"],
  ...[...destinations, settings].map(({ letter, label }): [string, string] => [`g ${letter}`, `Go to ${label}`]),
  ["c", "Report an incident"],
  ["/", "Filter the list"],
  ["↑ ↓", "Move through rows (also j and k)"],
  ["Enter", "Open the row"],
  ["Space", "Select the row"],
  ["t", "Charts as tables, and back"],
  ["a", "Acknowledge the selected alert, or the incident"],
  ["s", "Silence the selected alert"],
  ["n", "Write a note about the incident"],
  ["Esc", "Back out"],
  ["?", "This list"],
];
