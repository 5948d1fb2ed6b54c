import type { LiveMessage } from "./schemas.ts";

const maxWaiting = 100;

/**
 * What one viewer has still to be told. Bounded: a viewer that reads too slowly loses what waits and gets a fresh snapshot
 * instead, so that memory does not grow and nothing is shown wrong.
 */
export class Subscription {
  /** namespace/name of the service whose page is open, or null. */
  readonly serviceId: string | null;
  readonly #snapshot: () => LiveMessage;
  readonly #onClose: () => void;
  #waiting: (readonly LiveMessage[])[] = [];
  #count = 0;
  #needsSnapshot = true;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(serviceId: string | null, snapshot: () => LiveMessage, onClose: () => void) {
    this.serviceId = serviceId;
    this.#snapshot = snapshot;
    this.#onClose = onClose;
  }

  push(messages: readonly LiveMessage[]): void {
    if (this.#needsSnapshot || this.#closed || messages.length === 0) return;
    this.#waiting.push(messages);
    this.#count += messages.length;
    if (this.#count > maxWaiting) {
      this.#waiting = [];
      this.#needsSnapshot = true;
    }
    this.#wake?.();
  }

  /**
   * The next messages, at once when some wait; an empty list after `timeoutMs` without any; null once closed. A viewer that keeps
   * up gets the very list that was pushed, so that it can be told from its identity that it is the same for all.
   */
  async next(timeoutMs: number): Promise<readonly LiveMessage[] | null> {
    if (this.#isIdle()) await this.#wait(timeoutMs);
    if (this.#closed) return null;
    if (this.#needsSnapshot) {
      this.#needsSnapshot = false;
      this.#count = 0;
      return [this.#snapshot()];
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#count = 0;
    return waiting.length === 1 && waiting[0] ? waiting[0] : waiting.flat();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = [];
    this.#onClose();
    this.#wake?.();
  }

  #isIdle(): boolean {
    return !this.#closed && !this.#needsSnapshot && this.#waiting.length === 0;
  }

  #wait(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, timeoutMs);
      this.#wake = done;
      const subscription = this;
      function done() {
        clearTimeout(timer);
        subscription.#wake = undefined;
        resolve();
      }
    });
  }
}
