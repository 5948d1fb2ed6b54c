import type { EndpointSlice } from "./hosts.ts";
import type { Pod } from "./pod.ts";

export type WithdrawalOptions = {
  slices: () => Iterable<EndpointSlice>;
  /** How long a pod waits at most. */
  limitMs?: number;
  /** What the service proxy has, beyond the moment at which the kubelet sees the change, to see it too. */
  settleMs?: number;
};

type Held = { pod: Pod; release: (pod: Pod) => void; timer: NodeJS.Timeout; isSettling: boolean };

/**
 * Holds the end of a pod back until no EndpointSlice offers it for new connections: its processes get their signal when new
 * connections already go elsewhere.
 */
export class Withdrawal {
  readonly #options: Required<WithdrawalOptions>;
  readonly #held = new Map<string, Held>();

  constructor({ slices, limitMs = 1_000, settleMs = 100 }: WithdrawalOptions) {
    this.#options = { slices, limitMs, settleMs };
  }

  /** Calls `release` at once when nothing offers the pod. One that is held already is released once, as it was given last. */
  hold(pod: Pod, release: (pod: Pod) => void): void {
    const { uid } = pod.metadata;
    const held = this.#held.get(uid);
    if (held) held.pod = pod;
    else if (!this.#isOffered(pod)) release(pod);
    else this.#held.set(uid, { pod, release, timer: this.#releaseIn(this.#options.limitMs, uid), isSettling: false });
  }

  /** To be called when slices have changed. */
  look(): void {
    for (const [uid, held] of this.#held) {
      // Once: slices of other Services change all the time, and must not make the wait longer.
      if (held.isSettling || this.#isOffered(held.pod)) continue;
      clearTimeout(held.timer);
      held.timer = this.#releaseIn(this.#options.settleMs, uid);
      held.isSettling = true;
    }
  }

  #releaseIn(delayMs: number, uid: string): NodeJS.Timeout {
    return setTimeout(() => this.#release(uid), delayMs);
  }

  #release(uid: string): void {
    const held = this.#held.get(uid);
    this.#held.delete(uid);
    held?.release(held.pod);
  }

  #isOffered({ metadata }: Pod): boolean {
    for (const slice of this.#options.slices()) {
      if (slice.metadata.namespace !== metadata.namespace) continue;
      for (const { conditions, targetRef } of slice.endpoints ?? []) {
        if (
          targetRef?.kind === "Pod" &&
          targetRef.name === metadata.name &&
          conditions?.ready !== false &&
          !conditions?.terminating
        ) {
          return true;
        }
      }
    }
    return false;
  }
}
