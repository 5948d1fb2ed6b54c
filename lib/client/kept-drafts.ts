import { z } from "zod";
import { newIdempotencyKey } from "./actions.ts";
import { type Draft, keepDraft, readKept } from "./postmortem-draft.ts";

export type Author = { id: string; name: string };

/** Where drafts are kept in the browser. */
export type DraftStore = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

/** A text that somebody else left unsaved in this browser, or one that the server had and has no longer. */
export type LeftText = { key: string; text: string; at: string; kind: "unsaved" | "lost"; by: string };

/** A page that kept a draft and has not touched it for so long is gone. */
const abandonedMs = 15_000;

const recordSchema = z.object({
  at: z.number(),
  isClosed: z.boolean(),
  by: z.object({ id: z.string(), name: z.string() }).catch({ id: "", name: "Somebody" }),
  isLost: z.boolean().catch(false),
  draft: z.string(),
});
type KeptRecord = z.output<typeof recordSchema>;

/**
 * What the pages of one browser keep of a postmortem's text until the server has it, under a key for each page. A person's next page
 * takes up what an earlier one left; another person is only shown it. A browser that keeps nothing, or no more, takes nothing from
 * what is typed.
 */
export class KeptDrafts {
  readonly #store: DraftStore;
  readonly #author: Author;
  readonly #prefix: string;
  readonly #key: string;

  constructor({ store, author, incidentId }: { store: DraftStore; author: Author; incidentId: string }) {
    this.#store = store;
    this.#author = author;
    this.#prefix = `switchyard postmortem ${incidentId} `;
    this.#key = `${this.#prefix}${newIdempotencyKey()}`;
  }

  /** Keeps what the server does not have of this page's draft. */
  keep(draft: Draft, isClosed: boolean): void {
    this.#write(this.#key, draft, { isClosed, isLost: false });
  }

  /** Keeps a text that the server had and has no longer. */
  keepLost(draft: Draft): void {
    this.#write(`${this.#prefix}${newIdempotencyKey()}`, draft, { isClosed: true, isLost: true });
  }

  /** Takes the oldest draft that a page of this person left behind, out of the store. */
  takeAbandoned(): Draft | null {
    const found = this.#abandoned().find(({ record }) => this.#isOwn(record));
    if (!found) return null;
    this.#store.removeItem(found.key);
    return readKept(found.record.draft);
  }

  /** What is the person's to take over or to throw away. */
  listLeft(): LeftText[] {
    return this.#abandoned().flatMap(({ key, record }): LeftText[] => {
      const draft = readKept(record.draft);
      if (!draft || this.#isOwn(record)) return [];
      const at = new Date(record.at).toISOString();
      return [{ key, text: draft.text, at, kind: record.isLost ? "lost" : "unsaved", by: record.by.name }];
    });
  }

  read(key: string): Draft | null {
    return readKept(readRecord(this.#store.getItem(key))?.draft ?? null);
  }

  remove(key: string): void {
    this.#store.removeItem(key);
  }

  #isOwn({ by, isLost }: KeptRecord): boolean {
    return by.id === this.#author.id && !isLost;
  }

  #write(key: string, draft: Draft, state: Pick<KeptRecord, "isClosed" | "isLost">): void {
    try {
      const kept = keepDraft(draft);
      if (kept === null) this.#store.removeItem(key);
      else this.#store.setItem(key, JSON.stringify({ at: Date.now(), by: this.#author, draft: kept, ...state }));
    } catch {
      // Its storage is full or forbidden.
    }
  }

  /** What pages that are gone have left behind, the oldest first. */
  #abandoned(): { key: string; record: KeptRecord }[] {
    const keys = Array.from({ length: this.#store.length }, (_, index) => this.#store.key(index) ?? "");
    return keys
      .filter((key) => key.startsWith(this.#prefix) && key !== this.#key)
      .flatMap((key) => {
        const record = readRecord(this.#store.getItem(key));
        return record && (record.isClosed || Date.now() - record.at > abandonedMs) ? [{ key, record }] : [];
      })
      .toSorted((a, b) => a.record.at - b.record.at);
  }
}

function readRecord(text: string | null): KeptRecord | null {
  try {
    return recordSchema.parse(JSON.parse(text ?? "null"));
  } catch {
    return null;
  }
}
