"use client";
import { useEffect } from "react";

/** `t` turns a page's charts into tables and back, wherever nobody is typing. */
export function useTableKey(onToggle: () => void) {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== "t" || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const isElsewhere = event.target instanceof HTMLElement && event.target.closest("input,textarea,select,[contenteditable]");
      if (isElsewhere || document.querySelector("[role=dialog],[role=menu]")) return;
      onToggle();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [onToggle]);
}
