import type { Context } from "#lib/domain/context.ts";
import { type Claimed, claimDeliveries } from "#lib/domain/notifications/claim.ts";
import { composeMessage } from "#lib/domain/notifications/compose.ts";
import { sendTo } from "#lib/domain/notifications/send.ts";
import { type Attempt, settleDelivery } from "#lib/domain/notifications/settle.ts";
import type { Sealer } from "#lib/runtime/sealed.ts";

export type NotificationSettings = {
  sealer: Sealer;
  /** Where people open Switchyard: links in messages begin with it. */
  baseUrl: string;
  /** For one attempt, in milliseconds; 10,000 by default. */
  timeoutMs?: number;
  /** Certificates of mail servers' authorities to trust beside the usual ones, as PEM. */
  mailAuthorities?: string;
  /** An attempt ended; not for tests, which somebody watches. */
  onAttempt?: (target: { kind: string; name: string }, outcome: Attempt["outcome"]) => void;
  /** A message was settled: another may be due now. */
  onSettled?: () => void;
};

// An attempt takes its time-out at most; the rest is for the database on both sides of it.
const leaseBeyondTimeoutMs = 50_000;

/**
 * Sends what the outbox holds. A pass claims what is due and begins to send it; it does not wait for the other side, so that a
 * target that does not answer holds up nobody else. Any number of controllers may do so at once.
 */
export class NotificationSender {
  readonly #context: Pick<Context, "db" | "clock" | "logger">;
  readonly #settings: NotificationSettings;
  readonly #underWay = new Set<Promise<void>>();

  constructor(context: Pick<Context, "db" | "clock" | "logger">, settings: NotificationSettings) {
    this.#context = context;
    this.#settings = settings;
  }

  /** Begins to send what is due; returns how many messages that were. */
  async pass(): Promise<number> {
    const { timeoutMs = 10_000 } = this.#settings;
    let count = 0;
    for await (const delivery of claimDeliveries(this.#context, timeoutMs + leaseBeyondTimeoutMs)) {
      count += 1;
      const sending = this.#deliver(delivery, timeoutMs).finally(() => this.#underWay.delete(sending));
      this.#underWay.add(sending);
    }
    return count;
  }

  /** Waits for the attempts that are under way. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  async #deliver(claimed: Claimed, timeoutMs: number): Promise<void> {
    const { logger, clock } = this.#context;
    const { sealer, baseUrl, mailAuthorities, onAttempt, onSettled } = this.#settings;
    const about = { message: claimed.id, target: claimed.target.name };
    try {
      const message = await composeMessage(this.#context, claimed, baseUrl);
      const at = clock();
      const began = performance.now();
      const sent = await sendTo(claimed.target, message, { sealer, now: at, timeoutMs, mailAuthorities });
      const attempt = { ...sent, at, durationMs: performance.now() - began };
      if (!claimed.isTest) onAttempt?.(claimed.target, attempt.outcome);
      if (attempt.outcome !== "delivered") {
        logger.warn({ ...about, outcome: attempt.outcome, problem: attempt.error }, "a notification was not delivered");
      }
      await settleDelivery(this.#context, claimed, attempt);
      onSettled?.();
    } catch (error) {
      // Its claim ends by itself; then it is tried again.
      logger.error({ err: error, ...about }, "an attempt to notify could not be carried out or recorded");
    }
  }
}
