"use client";
import { useSearchParams } from "next/navigation";
import { useCallback } from "react";

/**
 * The address's parameters and a way to change some of them without asking the server for the page again; null takes one
 * away. `push` makes a step that the back button undoes.
 */
export function useUrlState() {
  const search = useSearchParams();
  const set = useCallback((values: Record<string, string | null>, { push = false } = {}) => {
    const next = new URLSearchParams(window.location.search);
    for (const [key, value] of Object.entries(values)) {
      if (value === null) next.delete(key);
      else next.set(key, value);
    }
    const text = next.toString().replaceAll("%2C", ",");
    const address = `${window.location.pathname}${text ? `?${text}` : ""}${window.location.hash}`;
    if (push) window.history.pushState(null, "", address);
    else window.history.replaceState(null, "", address);
  }, []);
  return [search, set] as const;
}
