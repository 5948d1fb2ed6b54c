import { isTooComplex, maxComponents } from "#lib/protocol/relay-delta.ts";
import { type CommittedOperation, maxOperationsPerSubmission } from "#lib/protocol/relay-messages.ts";
import { advance, HistoryMismatch, type PendingOperation } from "#lib/protocol/relay-pending.ts";

/** What one client wants to add to one document, made on top of revision `base`. */
export type Submission = {
  documentId: string;
  clientId: string;
  actor: string;
  base: number;
  operations: PendingOperation[];
  /** How long the message was. */
  characters: number;
};

/**
 * What became of a submission: how many of its operations are new, and how many had been committed before; or why it is refused,
 * all of it or the operations of some sequences.
 */
export type Outcome =
  | { kind: "committed"; committed: number; duplicates: number }
  | { kind: "refused"; reason: string; code?: "too_complex"; sequences?: number[] };

export type Ordered = { operations: CommittedOperation[]; outcomes: Outcome[] };

/** How far behind the newest revision the base of a submission may lie: a client that comes back catches up before it submits. */
export const maxBaseAge = 1000;

/** How many components may be walked over to move one submission past others: some 0.2 s, in which nothing else is done. */
const maxWork = 200_000;

/**
 * Gives the submissions to one document their places behind `revision`. `history` holds the committed operations from the oldest
 * base on, up to `revision`. An operation that is in the history already is not placed again. To a full document nothing that
 * inserts is added.
 */
export function orderSubmissions(
  revision: number,
  history: CommittedOperation[],
  submissions: Submission[],
  isFull = false,
): Ordered {
  const all = [...history];
  const first = revision - history.length;
  const outcomes = submissions.map((submission): Outcome => {
    const problem = findProblem(submission, first, revision);
    if (problem) return { kind: "refused", reason: problem };
    let pending = submission.operations;
    let work = 0;
    try {
      for (const committed of all.slice(submission.base - first)) {
        work += pending.reduce((sum, { delta }) => sum + delta.length + committed.delta.length, 0);
        if (work > maxWork) return { kind: "refused", reason: `revision ${submission.base} is too far behind; join again` };
        const before = pending;
        pending = advance(submission.clientId, before, committed);
        // Refused at every step, not at the end, so that the work is bounded and a submission from a later base is refused too.
        if (hasGrownTooComplex(before, pending)) {
          return refuseTooComplex(submission, all, `others have split an operation into more than ${maxComponents} components`);
        }
      }
    } catch (error) {
      if (error instanceof HistoryMismatch) return { kind: "refused", reason: error.message };
      throw error;
    }
    if (isFull && pending.some(inserts)) return refuseTooComplex(submission, all, "the document is full; make it shorter");
    for (const { sequence, delta } of pending) {
      const { clientId, actor } = submission;
      all.push({ revision: first + all.length + 1, clientId, sequence, actor, delta });
    }
    return { kind: "committed", committed: pending.length, duplicates: submission.operations.length - pending.length };
  });
  return { operations: all.slice(history.length), outcomes };
}

export function inserts({ delta }: PendingOperation): boolean {
  return delta.some((component) => "insert" in component);
}

function hasGrownTooComplex(before: PendingOperation[], after: PendingOperation[]): boolean {
  const done = before.length - after.length;
  return after.some(({ delta }, index) => isTooComplex(delta, before[index + done]?.delta));
}

function refuseTooComplex({ clientId, operations }: Submission, all: CommittedOperation[], reason: string): Outcome {
  const committed = new Set(all.filter((operation) => operation.clientId === clientId).map(({ sequence }) => sequence));
  return {
    kind: "refused",
    code: "too_complex",
    reason,
    sequences: operations.map(({ sequence }) => sequence).filter((sequence) => !committed.has(sequence)),
  };
}

function findProblem({ base, operations }: Submission, first: number, revision: number): string | undefined {
  if (base > revision) return `revision ${base} does not exist; the document is at ${revision}`;
  if (base < first) return `revision ${base} is too old; join again`;
  if (operations.length > maxOperationsPerSubmission) return "too many operations";
  const inTurn = operations.every(({ sequence }, index) => index === 0 || sequence > (operations[index - 1]?.sequence ?? 0));
  return inTurn ? undefined : "the sequences do not ascend";
}
