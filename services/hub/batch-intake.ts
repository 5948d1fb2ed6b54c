import type { BatchOrigin, HubBatch } from "#lib/protocol/hub-batch.ts";
import type { HubConnection } from "#lib/protocol/hub-connection.ts";
import { CreditWindow } from "#lib/protocol/hub-credit.ts";
import { type HubCredit, HubError, type HubRole } from "#lib/protocol/hub-messages.ts";
import { type Faults, injectInOrder } from "#lib/runtime/faults.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { ReadingSink } from "./edge-ledger.ts";
import type { HubMetrics } from "./metrics.ts";

/** What a peer may have unacknowledged when nothing else is said. */
export const defaultCredit: HubCredit = { readings: 16_384, bytes: 4 * 1024 * 1024 };

const none: HubCredit = { readings: 0, bytes: 0 };

/** Above this many bytes that all peers together wait to have stored, no peer has credit. */
const maxWaitingBytes = 128 * 1024 * 1024;

export type IntakeOptions = {
  sink: ReadingSink;
  credit?: HubCredit | undefined;
  faults?: Faults | undefined;
  metrics: HubMetrics;
  logger: Logger;
};

/** Takes the batches of all peers of a hub, and withholds their credit while what they send cannot be stored. */
export class Intake {
  readonly options: IntakeOptions;
  readonly #peers = new Set<PeerIntake>();
  #waitingBytes = 0;
  #isOpen = true;

  constructor(options: IntakeOptions) {
    this.options = options;
    options.sink.watch(() => this.#review());
  }

  /** What a peer may have unacknowledged now. */
  get credit(): HubCredit {
    const { sink, credit = defaultCredit } = this.options;
    if (!this.#isOpen || sink.isAway) return none;
    const { readings, bytes } = sink.credit ?? credit;
    return { readings: Math.min(credit.readings, readings), bytes: Math.min(credit.bytes, bytes) };
  }

  /** Begins to take batches of a peer, until `leave` of what is returned. Its first credit is for the welcome. */
  join(peer: Peer, connection: HubConnection): PeerIntake {
    const joined = new PeerIntake(this, peer, connection);
    this.#peers.add(joined);
    return joined;
  }

  leave(peer: PeerIntake): void {
    this.#peers.delete(peer);
  }

  /** Counts bytes that wait, or fewer of them. */
  wait(bytes: number): void {
    this.#waitingBytes += bytes;
    const isOpen = this.#waitingBytes < (this.#isOpen ? maxWaitingBytes : maxWaitingBytes / 2);
    if (isOpen === this.#isOpen) return;
    this.#isOpen = isOpen;
    this.#review();
  }

  #review(): void {
    for (const peer of this.#peers) peer.grant();
  }
}

type Peer = { role: HubRole; tenant: string; instance: string };

/** The batches of one connection. */
export class PeerIntake {
  readonly #intake: Intake;
  readonly #peer: Peer;
  readonly #connection: HubConnection;
  readonly #window: CreditWindow;
  #granted: HubCredit;
  #isOver = false;
  readonly #injectFault: (() => Promise<boolean>) | undefined;

  constructor(intake: Intake, peer: Peer, connection: HubConnection) {
    this.#intake = intake;
    this.#peer = peer;
    this.#connection = connection;
    const { faults } = intake.options;
    this.#injectFault = faults && injectInOrder(faults);
    this.#granted = intake.credit;
    this.#window = new CreditWindow(this.#granted);
  }

  /** What the peer was granted last. */
  get granted(): HubCredit {
    return this.#granted;
  }

  leave(): void {
    this.#isOver = true;
    this.#intake.leave(this);
  }

  /** Tells the peer its credit when it has changed. What is on its way under a larger one is still taken. */
  grant(): void {
    const { credit } = this.#intake;
    if (credit.readings === this.#granted.readings && credit.bytes === this.#granted.bytes) return;
    this.#granted = credit;
    if (credit.readings > 0) this.#window.credit = credit;
    this.#connection.send({ name: "credit", body: credit });
  }

  /**
   * Takes a batch and acknowledges it once the sink has it. When one is not taken the connection ends, so that none after it is
   * taken before it: the peer keeps what was not acknowledged and sends it again, in order.
   */
  async take(batch: HubBatch, id: number): Promise<void> {
    const { sink, metrics, logger } = this.#intake.options;
    if (this.#isOver) return;
    const { count, byteLength } = batch.readings;
    const origin = this.#originOf(batch);
    if (origin instanceof HubError) return this.#refuse(origin, id);
    if (!this.#window.take(batch)) {
      const { readings, bytes } = this.#granted;
      const excess = `more than the credit of ${readings} readings and ${bytes} bytes is on its way`;
      return this.#refuse(new HubError("credit_exceeded", excess), id);
    }
    const startedAt = performance.now();
    this.#intake.wait(byteLength);
    try {
      if (await this.#injectFault?.()) throw new HubError("busy", "refused by FAULT_ERROR_RATIO");
      if (this.#isOver) return;
      const ack = await sink.take(origin, batch, () => !this.#isOver);
      this.#connection.send({ name: "ack", body: ack }, { to: id });
      metrics.edgeMessages.inc(ack.accepted);
      metrics.edgeDuplicates.inc(ack.duplicates);
      metrics.edgeMissing.inc(ack.missing ?? 0);
      metrics.requestSeconds.observe({ operation: "batch" }, (performance.now() - startedAt) / 1000);
    } catch (error) {
      logger.debug({ reason: String(error) }, "a batch could not be taken");
      const isWrong = error instanceof HubError && error.code === "bad_message";
      this.#refuse(isWrong ? error : new HubError("busy", "readings cannot be taken now; send them again"), id);
    } finally {
      this.#window.giveBack(count, byteLength);
      this.#intake.wait(-byteLength);
    }
  }

  #originOf({ origin }: HubBatch): BatchOrigin | HubError {
    const { role, tenant, instance } = this.#peer;
    if (role === "connector") return new HubError("not_allowed", "a peer of role connector may not send batch");
    if (role === "hub") return origin ?? new HubError("not_allowed", "a hub must say whose readings it passes on");
    if (origin && origin.tenant !== tenant) {
      return new HubError("not_allowed", `a peer of tenant ${tenant} may not pass on readings of another tenant`);
    }
    return origin ?? { role, tenant, instance };
  }

  #refuse(error: HubError, id: number): void {
    if (this.#isOver) return;
    this.leave();
    this.#intake.options.metrics.errors.inc();
    this.#connection.sendError(error, id);
    this.#connection.refuse(error);
  }
}
