import type { CommittedOperation } from "#lib/protocol/relay-messages.ts";
import { maxBaseAge, type Ordered, type Outcome, orderSubmissions, type Submission } from "./ordering.ts";

/** What a replica has of documents in memory; it may lag behind. */
export type DocumentMemory = {
  revision: (documentId: string) => number | undefined;
  /** All operations after `after` up to `upTo`, or undefined if some are missing. */
  recent: (documentId: string, after: number, upTo: number) => CommittedOperation[] | undefined;
};

/** What a batch did: an outcome for each submission in order, and what is known of each document. */
export type BatchResult = { outcomes: Outcome[]; documents: Map<string, CommittedDocument> };

/** The operations that were added last, up to `revision`, and those before them that they were moved past. */
export type CommittedDocument = { revision: number; history: CommittedOperation[]; operations: CommittedOperation[] };

/** Submissions to one document with their places behind `revision`, at which memory has `last`, if anything. */
export type Placing = {
  documentId: string;
  revision: number;
  last?: CommittedOperation | undefined;
  history: CommittedOperation[];
  own: Submission[];
  ordered: Ordered;
};

type LockedDocument = { documentId: string; revision: number; isFull: boolean };

/** The operations after `after` up to `revision`, or as many of the newest of them as may be read. */
type ReadHistory = (documentId: string, after: number, revision: number) => Promise<CommittedOperation[]>;

/** What committing needs of PostgreSQL. */
export type PlacingDatabase = {
  /** Adds the operations of each document that is, with the same last operation, where they were placed. Returns the placings that hold. */
  place: (placings: Placing[]) => Promise<Placing[]>;
  /** Locks the documents that exist, and places and commits what `order` makes of them. */
  lock: (documentIds: string[], order: (locked: LockedDocument[], read: ReadHistory) => Promise<Placing[]>) => Promise<Placing[]>;
};

/**
 * Orders and commits submissions. Those whose documents are in memory are ordered first and committed by one statement, which
 * leaves out the documents that another replica has changed meanwhile; for the rest the documents are locked and read. When it
 * rejects, nothing is known of the outcome: committing the same submissions again is safe, for operations that are in the history
 * are not added twice.
 */
export async function commitSubmissions(
  submissions: Submission[],
  memory: DocumentMemory,
  database: PlacingDatabase,
): Promise<BatchResult> {
  const byDocument = Map.groupBy(submissions, ({ documentId }) => documentId);
  const done = await database.place([...byDocument].flatMap(([id, own]) => foresee(id, own, memory) ?? []));
  for (const { documentId } of done) byDocument.delete(documentId);
  if (byDocument.size === 0) return toResult(submissions, done);
  const locked = await database.lock([...byDocument.keys()], async (documents, read) => {
    const placings: Placing[] = [];
    for (const document of documents) {
      placings.push(await orderLocked(document, byDocument.get(document.documentId) ?? [], memory, read));
    }
    return placings;
  });
  return toResult(submissions, [...done, ...locked]);
}

/** The places of submissions if the document is still as memory has it, or undefined if memory has too little to say. */
function foresee(documentId: string, own: Submission[], memory: DocumentMemory): Placing | undefined {
  const revision = memory.revision(documentId);
  const base = Math.min(...own.map((submission) => submission.base));
  if (revision === undefined || base > revision || base < revision - maxBaseAge) return undefined;
  const history = base === revision ? [] : memory.recent(documentId, base, revision);
  if (!history) return undefined;
  const ordered = orderSubmissions(revision, history, own);
  // What is refused may fit what memory has not heard of.
  if (ordered.outcomes.some(({ kind }) => kind !== "committed")) return undefined;
  const last = history.at(-1) ?? memory.recent(documentId, revision - 1, revision)?.at(-1);
  return { documentId, revision, last, history, own, ordered };
}

async function orderLocked(
  { documentId, revision, isFull }: LockedDocument,
  own: Submission[],
  memory: DocumentMemory,
  read: ReadHistory,
): Promise<Placing> {
  const base = Math.max(revision - maxBaseAge, Math.min(revision, ...own.map((submission) => submission.base)));
  const history = await findHistory(documentId, base, revision, memory, read);
  return { documentId, revision, history, own, ordered: orderSubmissions(revision, history, own, isFull) };
}

/** From memory, unless the database has another operation at `revision`: it may have gone back, as after a failover, and gone on. */
async function findHistory(
  documentId: string,
  after: number,
  revision: number,
  memory: DocumentMemory,
  read: ReadHistory,
): Promise<CommittedOperation[]> {
  if (after === revision) return [];
  const known = memory.recent(documentId, after, revision);
  const [stored] = known ? await read(documentId, revision - 1, revision) : [];
  const last = known?.at(-1);
  const isSame = stored && stored.clientId === last?.clientId && stored.sequence === last.sequence;
  return known && isSame ? known : read(documentId, after, revision);
}

function toResult(submissions: Submission[], placings: Placing[]): BatchResult {
  const outcomes = new Map(placings.flatMap(({ own, ordered }) => own.map((one, index) => [one, ordered.outcomes[index]])));
  const missing: Outcome = { kind: "refused", reason: "the document does not exist" };
  return {
    outcomes: submissions.map((submission) => outcomes.get(submission) ?? missing),
    documents: new Map(
      placings.map(({ documentId, revision, history, ordered }) => [
        documentId,
        { revision: revision + ordered.operations.length, history, operations: ordered.operations },
      ]),
    ),
  };
}
