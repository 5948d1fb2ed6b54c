"use client";
import { useState } from "react";

const stores = { tab: () => sessionStorage, browser: () => localStorage };

/**
 * Text kept under a name, so that a dialog closed by mistake, or a reload, loses nothing; until there is any, `first`. It is kept for
 * the tab, or for the browser where a closed tab must not lose it.
 */
export function useStored(name: string, first = "", keptFor: keyof typeof stores = "tab") {
  const key = `switchyard ${name}`;
  const [text, setText] = useState(() => stores[keptFor]().getItem(key) ?? first);
  const store = (next: string) => {
    setText(next);
    try {
      if (next) stores[keptFor]().setItem(key, next);
      else stores[keptFor]().removeItem(key);
    } catch {
      // Its storage is full or forbidden: the field holds the text all the same.
    }
  };
  return [text, store] as const;
}
