import type { PresenceEvent } from "#lib/protocol/relay-messages.ts";

type WithoutClient<E> = E extends unknown ? Omit<E, "clientId"> : never;
export type OwnPresence = WithoutClient<Extract<PresenceEvent, { event: "cursor" | "typing" }>>;
type Cursor = Extract<PresenceEvent, { event: "cursor" }>["cursor"];

/**
 * Keeps one client's presence quiet: a cursor goes out at once and then at most once in `cursorThrottleMs`, the newest winning;
 * typing is announced once and taken back when nothing was typed for `typingDebounceMs`.
 */
export class PresenceThrottle {
  readonly #options: { cursorThrottleMs: number; typingDebounceMs: number };
  readonly #announce: (event: OwnPresence) => void;
  #cursorTimer: NodeJS.Timeout | undefined;
  #waitingCursor: { cursor: Cursor } | undefined;
  #typingTimer: NodeJS.Timeout | undefined;

  constructor(options: { cursorThrottleMs: number; typingDebounceMs: number }, announce: (event: OwnPresence) => void) {
    this.#options = options;
    this.#announce = announce;
  }

  cursor(cursor: Cursor): void {
    if (this.#cursorTimer) {
      this.#waitingCursor = { cursor };
      return;
    }
    this.#announce({ event: "cursor", cursor });
    this.#cursorTimer = setTimeout(() => {
      this.#cursorTimer = undefined;
      const waiting = this.#waitingCursor;
      this.#waitingCursor = undefined;
      if (waiting) this.cursor(waiting.cursor);
    }, this.#options.cursorThrottleMs);
  }

  typing(): void {
    if (!this.#typingTimer) this.#announce({ event: "typing", typing: true });
    clearTimeout(this.#typingTimer);
    this.#typingTimer = setTimeout(() => {
      this.#typingTimer = undefined;
      this.#announce({ event: "typing", typing: false });
    }, this.#options.typingDebounceMs);
  }

  stop(): void {
    clearTimeout(this.#cursorTimer);
    clearTimeout(this.#typingTimer);
  }
}
