"use client";
import { useRef } from "react";
import { newIdempotencyKey } from "#lib/client/actions.ts";

type SendKey = {
  /** The key for a request with this body: the one that it was sent with before, when it had no answer. */
  keyOf: (body: unknown) => string;
  /** It was answered: the next request is another one, even with the same words. */
  answered: () => void;
};

/**
 * The Idempotency-Key of what is written in a field. Who sends the same again because the answer was lost sends the same key, also from
 * another page after this one was closed, so that it is done once.
 */
export function useSendKey(name: string): SendKey {
  const place = `switchyard key ${name}`;
  const last = useRef<{ body: string; key: string } | null>(null);
  return {
    keyOf: (body) => {
      const text = JSON.stringify(body);
      last.current ??= readLast(place);
      if (last.current?.body !== text) last.current = { body: text, key: newIdempotencyKey() };
      store(() => localStorage.setItem(place, JSON.stringify(last.current)));
      return last.current.key;
    },
    answered: () => {
      last.current = null;
      store(() => localStorage.removeItem(place));
    },
  };
}

function readLast(place: string): { body: string; key: string } | null {
  try {
    const { body, key } = JSON.parse(localStorage.getItem(place) ?? "null");
    return typeof body === "string" && typeof key === "string" ? { body, key } : null;
  } catch {
    return null;
  }
}

/** A browser that keeps nothing sends all the same. */
function store(write: () => void): void {
  try {
    write();
  } catch {
    // Its storage is full or forbidden.
  }
}

/**
 * The Idempotency-Key of an order while its form is open: the same order sent again, because its answer was lost, carries the same key
 * and is done once; another one carries another.
 */
export function useOrderKey(): (order: unknown) => string {
  const last = useRef({ body: "", key: "" });
  return (order) => {
    const body = JSON.stringify(order);
    if (last.current.body !== body) last.current = { body, key: newIdempotencyKey() };
    return last.current.key;
  };
}
