import { Backoff } from "#lib/runtime/backoff.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { Outcome, Submission } from "./ordering.ts";
import type { BatchResult } from "./placing.ts";

/**
 * The outcome of a submission: "unavailable" when it was not tried because the gate stayed closed, "unknown" when PostgreSQL was
 * away too long to learn whether it was committed.
 */
export type CommitOutcome = Outcome | { kind: "overloaded" } | { kind: "unavailable" } | { kind: "unknown" };

export type CommitterOptions = {
  commit: (submissions: Submission[]) => Promise<BatchResult>;
  /** Called after each commit, before the submitters learn the outcome. */
  onCommitted: (documents: BatchResult["documents"]) => void;
  batchSize: number;
  windowMs: number;
  maxQueuedOperations: number;
  /** Characters of messages that may wait, however few operations they are. */
  maxQueuedCharacters: number;
  /** Whether batches may be committed; waits at most so long to become true. */
  gate: { opens: (waitMs: number) => Promise<boolean>; patienceMs: number };
  /** How long a batch is tried while PostgreSQL is away. */
  patienceMs: number;
  logger: Logger;
};

/** Batches that are committed at the same time, so that one does not wait for the disk's answer to another. */
const maxBatchesAtOnce = 4;

/** A batch of long operations is one transaction, one message to Redis and one to each client. */
const maxBatchCharacters = 1024 * 1024;

type Waiting = { submission: Submission; since: number; resolve: (outcome: CommitOutcome) => void };

/** Collects submissions for a short time and commits them together, those to one document one batch after another. */
export class Committer {
  readonly #options: CommitterOptions;
  /** What waits, by document: of those of which no batch is under way, and of those of which one is. */
  readonly #ready = new Map<string, Waiting[]>();
  readonly #busy = new Map<string, Waiting[]>();
  #queuedOperations = 0;
  #queuedCharacters = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #running = new Set<Promise<void>>();
  #closedSince: number | undefined;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  submit(submission: Submission): Promise<CommitOutcome> {
    const { maxQueuedOperations, maxQueuedCharacters } = this.#options;
    const operations = this.#queuedOperations + submission.operations.length;
    const characters = this.#queuedCharacters + submission.characters;
    if (operations > maxQueuedOperations || characters > maxQueuedCharacters) return Promise.resolve({ kind: "overloaded" });
    return new Promise((resolve) => {
      const { documentId } = submission;
      const waiting = { submission, since: performance.now(), resolve };
      const queue = this.#busy.get(documentId) ?? this.#ready.get(documentId);
      if (queue) queue.push(waiting);
      else this.#ready.set(documentId, [waiting]);
      this.#queuedOperations = operations;
      this.#queuedCharacters = characters;
      this.#schedule();
    });
  }

  /** Waits until everything that was submitted has its outcome. */
  async flush(): Promise<void> {
    while (this.#ready.size > 0 || this.#running.size > 0) {
      this.#schedule(0);
      await Promise.race(this.#running);
    }
  }

  /** Commits what is a full batch or has waited for so long. */
  #schedule(windowMs = this.#options.windowMs): void {
    while (this.#running.size < maxBatchesAtOnce) {
      const { batch, isFull } = this.#nextBatch();
      const oldest = batch[0];
      if (!oldest) return;
      const waited = performance.now() - oldest.since;
      if (!isFull && waited < windowMs) {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#schedule(), windowMs - waited);
        return;
      }
      this.#run(batch);
    }
  }

  #run(batch: Waiting[]): void {
    const byDocument = Map.groupBy(batch, ({ submission }) => submission.documentId);
    for (const [id, taken] of byDocument) {
      this.#busy.set(id, this.#ready.get(id)?.slice(taken.length) ?? []);
      this.#ready.delete(id);
    }
    for (const { submission } of batch) {
      this.#queuedOperations -= submission.operations.length;
      this.#queuedCharacters -= submission.characters;
    }
    const running = this.#settle(batch).finally(() => {
      this.#running.delete(running);
      for (const id of byDocument.keys()) {
        const queue = this.#busy.get(id) ?? [];
        this.#busy.delete(id);
        if (queue.length > 0) this.#ready.set(id, queue);
      }
      this.#schedule();
    });
    this.#running.add(running);
  }

  #nextBatch(): { batch: Waiting[]; isFull: boolean } {
    const batch: Waiting[] = [];
    let operations = 0;
    let characters = 0;
    for (const queue of this.#ready.values()) {
      for (const waiting of queue) {
        operations += waiting.submission.operations.length;
        characters += waiting.submission.characters;
        const isTooMuch = operations > this.#options.batchSize || characters > maxBatchCharacters;
        if (batch.length > 0 && isTooMuch) return { batch, isFull: true };
        batch.push(waiting);
      }
    }
    return { batch, isFull: operations >= this.#options.batchSize };
  }

  async #settle(batch: Waiting[]): Promise<void> {
    if (!(await this.#passesGate(batch[0]?.since ?? 0))) {
      for (const { resolve } of batch) resolve({ kind: "unavailable" });
      return;
    }
    await this.#commit(batch);
  }

  /** What a submission waited for PostgreSQL does not use up the gate's patience: that counts from when the gate was found closed. */
  async #passesGate(since: number): Promise<boolean> {
    const { opens, patienceMs } = this.#options.gate;
    if (await opens(0)) {
      this.#closedSince = undefined;
      return true;
    }
    this.#closedSince ??= performance.now();
    return opens(Math.max(0, Math.max(since, this.#closedSince) + patienceMs - performance.now()));
  }

  async #commit(batch: Waiting[]): Promise<void> {
    const { commit, onCommitted, patienceMs, logger } = this.#options;
    const backoff = new Backoff({ initialMs: 50, maxMs: 1000 });
    for (;;) {
      try {
        const { outcomes, documents } = await commit(batch.map(({ submission }) => submission));
        onCommitted(documents);
        batch.forEach(({ resolve }, index) => {
          resolve(outcomes[index] ?? { kind: "unknown" });
        });
        return;
      } catch (error) {
        if (isDataError(error)) return this.#commitApart(batch, error);
        const oldest = batch[0]?.since ?? 0;
        logger.warn({ err: error, operations: batch.length, attempt: backoff.attempt }, "a batch could not be committed");
        if (performance.now() - oldest > patienceMs) {
          for (const { resolve } of batch) resolve({ kind: "unknown" });
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, backoff.next()));
      }
    }
  }

  /**
   * One bad submission must not take the others of its batch with it: it is found by halving. Some may be committed already, so that
   * the gate, whose refusals are final, is not asked again.
   */
  async #commitApart(batch: Waiting[], error: unknown): Promise<void> {
    const [only] = batch;
    if (only && batch.length === 1) {
      this.#options.logger.warn({ err: error, documentId: only.submission.documentId }, "the database refuses a submission");
      only.resolve({ kind: "refused", reason: "the operations do not fit the document's history" });
      return;
    }
    const half = batch.length >> 1;
    await this.#commit(batch.slice(0, half));
    await this.#commit(batch.slice(half));
  }
}

/** SQLSTATE classes 22 and 23: the data is at fault, so trying again does not help. */
function isDataError(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^2[23]/.test(code);
}
