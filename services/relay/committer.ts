import { Backoff } from "#lib/runtime/backoff.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { Outcome, Submission } from "./ordering.ts";
import type { BatchResult } from "./store.ts";

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

type Waiting = { submission: Submission; since: number; resolve: (outcome: CommitOutcome) => void };

/** Collects submissions for a short time and commits them together, one batch at a time. */
export class Committer {
  readonly #options: CommitterOptions;
  #queue: Waiting[] = [];
  #queuedOperations = 0;
  #queuedCharacters = 0;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  submit(submission: Submission): Promise<CommitOutcome> {
    const { maxQueuedOperations, maxQueuedCharacters } = this.#options;
    const operations = this.#queuedOperations + submission.operations.length;
    const characters = this.#queuedCharacters + submission.characters;
    if (operations > maxQueuedOperations || characters > maxQueuedCharacters) return Promise.resolve({ kind: "overloaded" });
    return new Promise((resolve) => {
      this.#queue.push({ submission, since: performance.now(), resolve });
      this.#queuedOperations = operations;
      this.#queuedCharacters = characters;
      this.#schedule();
    });
  }

  /** Waits until everything that was submitted has its outcome. */
  async flush(): Promise<void> {
    while (this.#queue.length > 0 || this.#running) {
      this.#run();
      await this.#running;
    }
  }

  #schedule(): void {
    if (this.#running || this.#queue.length === 0) return;
    const { batchSize, windowMs } = this.#options;
    const waited = performance.now() - (this.#queue[0]?.since ?? 0);
    if (this.#queuedOperations >= batchSize || waited >= windowMs) this.#run();
    else this.#timer ??= setTimeout(() => this.#run(), windowMs - waited);
  }

  #run(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#running || this.#queue.length === 0) return;
    this.#running = this.#settle(this.#takeBatch()).finally(() => {
      this.#running = undefined;
      this.#schedule();
    });
  }

  #takeBatch(): Waiting[] {
    let operations = 0;
    let characters = 0;
    let count = 0;
    for (const { submission } of this.#queue) {
      if (count > 0 && operations + submission.operations.length > this.#options.batchSize) break;
      operations += submission.operations.length;
      characters += submission.characters;
      count += 1;
    }
    this.#queuedOperations -= operations;
    this.#queuedCharacters -= characters;
    return this.#queue.splice(0, count);
  }

  async #settle(batch: Waiting[]): Promise<void> {
    const { commit, onCommitted, patienceMs, gate, logger } = this.#options;
    const waited = performance.now() - (batch[0]?.since ?? 0);
    if (!(await gate.opens(Math.max(0, gate.patienceMs - waited)))) {
      for (const { resolve } of batch) resolve({ kind: "unavailable" });
      return;
    }
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
        if (isDataError(error)) return this.#settleApart(batch, error);
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

  /** One bad submission must not take the others of its batch with it. */
  async #settleApart(batch: Waiting[], error: unknown): Promise<void> {
    const [only, ...others] = batch;
    if (only && others.length === 0) {
      this.#options.logger.warn({ err: error, documentId: only.submission.documentId }, "the database refuses a submission");
      only.resolve({ kind: "refused", reason: "the operations do not fit the document's history" });
      return;
    }
    for (const waiting of batch) await this.#settle([waiting]);
  }
}

/** SQLSTATE classes 22 and 23: the data is at fault, so trying again does not help. */
function isDataError(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^2[23]/.test(code);
}
