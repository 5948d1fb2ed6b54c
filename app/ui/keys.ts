const goingMs = 1200;
let begun = Number.NEGATIVE_INFINITY;

/** Remembers that "g" was pressed: the next letter names a place and is no command of the row that has the focus. */
export function beginGoing(now = Date.now()): void {
  begun = now;
}

/** Whether "g" was pressed a moment ago. */
export const isGoing = (now = Date.now()) => now - begun < goingMs;

/** The same, and forgets it. */
export function endGoing(now = Date.now()): boolean {
  const was = isGoing(now);
  begun = Number.NEGATIVE_INFINITY;
  return was;
}
