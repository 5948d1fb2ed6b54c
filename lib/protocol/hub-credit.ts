import type { HubBatch } from "#lib/protocol/hub-batch.ts";
import type { HubCredit } from "#lib/protocol/hub-messages.ts";

/** For the request of a batch, whose time the window watches: as long as a timer can be. */
export const noTimeoutMs = 2 ** 31 - 1;

export type StallOptions = {
  /** Called when something is on its way and for `timeoutMs` nothing was acknowledged. */
  onStall: () => void;
  timeoutMs: number;
};

/** What has been sent under a credit and is not acknowledged yet; both sides keep one for each connection. */
export class CreditWindow {
  #credit: HubCredit;
  readonly #stall: StallOptions | undefined;
  #timer: NodeJS.Timeout | undefined;
  #readings = 0;
  #bytes = 0;

  constructor(credit: HubCredit = { readings: 0, bytes: 0 }, stall?: StallOptions) {
    this.#credit = credit;
    this.#stall = stall;
  }

  set credit(credit: HubCredit) {
    this.#credit = credit;
  }

  /** What may be sent now; zero readings when there is no room. */
  get room(): HubCredit {
    const readings = Math.max(0, this.#credit.readings - this.#readings);
    return { readings, bytes: Math.max(0, this.#credit.bytes - this.#bytes) };
  }

  /** Readings without an acknowledgement. */
  get readings(): number {
    return this.#readings;
  }

  /** Bytes without an acknowledgement. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Counts a batch as on its way; false, and nothing counted, when it is more than there is room for. */
  take({ readings: { count, byteLength } }: HubBatch): boolean {
    if (this.#readings + count > this.#credit.readings || this.#bytes + byteLength > this.#credit.bytes) return false;
    if (this.#stall && this.#readings === 0) this.#timer = setTimeout(this.#stall.onStall, this.#stall.timeoutMs).unref();
    this.#readings += count;
    this.#bytes += byteLength;
    return true;
  }

  /** Counts a batch of so many readings and bytes as acknowledged. */
  giveBack(count: number, byteLength: number): void {
    this.#readings -= count;
    this.#bytes -= byteLength;
    if (this.#readings === 0) clearTimeout(this.#timer);
    else this.#timer?.refresh();
  }
}
