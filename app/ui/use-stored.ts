"use client";
import { useState } from "react";

/** Text kept for the tab under a name, so that a dialog closed by mistake, or a reload, loses nothing; until then `first`. */
export function useStored(name: string, first = "") {
  const key = `switchyard ${name}`;
  const [text, setText] = useState(() => sessionStorage.getItem(key) ?? first);
  const store = (next: string) => {
    setText(next);
    if (next) sessionStorage.setItem(key, next);
    else sessionStorage.removeItem(key);
  };
  return [text, store] as const;
}
