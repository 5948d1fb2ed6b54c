import { DomainError } from "./errors.ts";
import type { Page } from "./rollouts/schemas.ts";

/** Where a page of a list ended: the sort time and the id, so that the next page costs the same however far it is. */
export type Cursor = { at: Date; id: string };

/** The cursor as opaque text for an address. */
export function encodeCursor({ at, id }: Cursor): string {
  return Buffer.from(`${at.toISOString()} ${id}`).toString("base64url");
}

/** Reads a cursor; throws invalid-input when it is none of ours. */
export function decodeCursor(text: string): Cursor {
  const [time = "", id = ""] = Buffer.from(text, "base64url").toString("utf8").split(" ");
  const at = new Date(time);
  if (Number.isNaN(at.getTime()) || !/^[0-9a-f-]{36}$/.test(id)) {
    throw new DomainError("invalid-input", "This cursor is not valid; begin again at the first page.");
  }
  return { at, id };
}

/** A page from one row more than was asked for, newest first. */
export function toPage<Row, View>(
  rows: readonly Row[],
  limit: number,
  cursorOf: (row: Row) => Cursor,
  view: (row: Row) => View,
): Page<View> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(view), nextCursor: rows.length > limit && last ? encodeCursor(cursorOf(last)) : null };
}
