import type { Choice, Piece } from "#lib/domain/incidents/postmortem/merge.ts";
import type { SaveInput } from "#lib/domain/incidents/postmortem/schemas.ts";
import { newIdempotencyKey } from "./actions.ts";
import { ApiError } from "./api.ts";
import {
  beginSave,
  conflictPieces,
  type Draft,
  isUnsaved,
  type Known,
  keepDraft,
  openDraft,
  readKept,
  saveToSend,
  settleDraft,
  takeKnown,
  takeRefused,
  takeSaved,
  typeText,
} from "./postmortem-draft.ts";

/** Where the text is: with the server, on the way to it, only here because nobody answers or the server refused it, or to be chosen. */
export type DraftStatus = "saved" | "saving" | "unreachable" | "refused" | "conflict";
export type DraftView = { text: string; status: DraftStatus; error: Error | null; pieces: Piece[] | null };

/** Where drafts are kept in the browser. */
export type DraftStore = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

type Outside = {
  incidentId: string;
  known: Known;
  save: (input: SaveInput) => Promise<{ version: number }>;
  /** The server's text as it is now. */
  ask: () => Promise<Known>;
  store: DraftStore;
  onChange: () => void;
};

const saveAfterMs = 1_000;
const beatMs = 5_000;
/** A page that kept a draft and has not touched it for so long is gone. */
const abandonedMs = 15_000;
const retryMs = [1_000, 2_000, 5_000, 10_000];
const refusals = new Set(["stale", "precondition-failed", "invalid-input", "not-permitted", "not-authenticated", "not-found"]);

type Kept = { at: number; isClosed: boolean; draft: string };

/**
 * A postmortem's text while a page shows it: what is typed is kept by the browser at once and saved within a second, again and again
 * until the server has it. What a closed tab or a crashed browser left behind is taken up by the next page that opens the text.
 */
export class DraftSession {
  readonly #outside: Outside;
  readonly #prefix: string;
  readonly #key: string;
  #draft: Draft;
  #known: Known;
  #view: DraftView;
  #error: Error | null = null;
  #failures = 0;
  #isSending = false;
  #isClosed = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  readonly #beat: ReturnType<typeof setInterval>;

  constructor(outside: Outside) {
    this.#outside = outside;
    this.#prefix = `switchyard postmortem ${outside.incidentId} `;
    this.#key = `${this.#prefix}${newIdempotencyKey()}`;
    this.#draft = openDraft(outside.known);
    this.#known = outside.known;
    this.#adopt();
    this.#view = this.#makeView();
    this.#beat = setInterval(() => {
      this.#keep();
      this.#adopt();
      this.#later(0);
    }, beatMs);
    this.#later(0);
  }

  /** The same object until something changes. */
  view(): DraftView {
    return this.#view;
  }

  type(text: string): void {
    this.#change(typeText(this.#draft, text));
    this.#later(saveAfterMs);
  }

  hear(known: Known): void {
    if (known.version > this.#known.version) this.#known = known;
    this.#change(takeKnown(this.#draft, known));
    this.#later(saveAfterMs);
  }

  settle(choices: readonly Choice[]): void {
    this.#change(settleDraft(this.#draft, choices));
    this.#later(0);
  }

  /** Gives up what the server does not have; for text that it refused. */
  discard(): void {
    if (this.#isSending) return;
    this.#error = null;
    this.#change(openDraft(this.#known));
  }

  /** Sends what is unsaved now, as when the page goes out of sight. */
  flush(): void {
    this.#keep();
    void this.#send();
  }

  /** The page goes: what is unsaved is left for the next one. */
  close(): void {
    if (this.#isClosed) return;
    clearInterval(this.#beat);
    if (this.#timer) clearTimeout(this.#timer);
    this.#draft = beginSave(this.#draft, newIdempotencyKey());
    this.#keep(true);
    this.#isClosed = true;
    void this.#send();
  }

  /** A closed session saves nothing any more; a page that comes back opens another one. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  #change(draft: Draft): void {
    if (draft === this.#draft) return;
    this.#draft = draft;
    this.#keep();
    this.#tell();
  }

  #later(ms: number): void {
    if (this.#timer || this.#isClosed || this.#isSending) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#send();
    }, ms);
  }

  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#draft = beginSave(this.#draft, newIdempotencyKey());
    const sent = saveToSend(this.#draft);
    if (!sent) return;
    this.#isSending = true;
    this.#keep();
    this.#tell();
    let wait = saveAfterMs;
    try {
      const { version } = await this.#outside.save({ saveId: sent.id, version: sent.version, text: sent.text });
      this.#error = null;
      this.#failures = 0;
      this.#draft = takeSaved(this.#draft, { id: sent.id, version });
      if (version > this.#known.version) this.#known = this.#draft.base;
      // An earlier page's save may lie behind what others have written since.
      else this.#draft = takeKnown(this.#draft, this.#known);
      if (!isUnsaved(this.#draft)) wait = Number.POSITIVE_INFINITY;
    } catch (error) {
      wait = this.#takeFailure(error, sent.id);
    } finally {
      this.#isSending = false;
    }
    this.#keep();
    this.#tell();
    if (Number.isFinite(wait)) this.#later(wait);
  }

  /** Who was refused may go on at once; who had no answer asks the same again. */
  #takeFailure(error: unknown, id: string): number {
    const code = error instanceof ApiError ? error.code : "unreachable";
    if (!refusals.has(code)) {
      this.#error = error instanceof Error ? error : new Error("Switchyard did not answer.");
      return retryMs[Math.min(this.#failures++, retryMs.length - 1)] ?? 10_000;
    }
    this.#draft = takeRefused(this.#draft, id);
    if (code === "stale") {
      this.#error = null;
      // Who gets no answer asks again with the next beat.
      void this.#outside.ask().then(
        (known) => this.hear(known),
        () => {},
      );
      return Number.POSITIVE_INFINITY;
    }
    this.#error = error instanceof Error ? error : null;
    return 10_000;
  }

  #tell(): void {
    this.#view = this.#makeView();
    this.#outside.onChange();
  }

  #makeView(): DraftView {
    const pieces = conflictPieces(this.#draft);
    return { text: this.#draft.text, status: this.#status(pieces !== null), error: this.#error, pieces };
  }

  #status(isConflict: boolean): DraftStatus {
    if (isConflict) return "conflict";
    if (this.#error) return this.#draft.sent ? "unreachable" : "refused";
    return isUnsaved(this.#draft) || this.#draft.sent ? "saving" : "saved";
  }

  /** A browser that keeps nothing, or no more, takes nothing from what is typed. */
  #keep(isClosed = false): void {
    const { store } = this.#outside;
    try {
      const draft = keepDraft(this.#draft);
      if (draft === null) store.removeItem(this.#key);
      // What a closed page has left behind may be another's by now.
      else if (!this.#isClosed) store.setItem(this.#key, JSON.stringify({ at: Date.now(), isClosed, draft } satisfies Kept));
    } catch {
      // Its storage is full or forbidden.
    }
  }

  /** Takes up what a page left behind that is gone; one at a time, and only when nothing of this page's own is unsaved. */
  #adopt(): void {
    if (isUnsaved(this.#draft) || this.#draft.sent || this.#isClosed) return;
    const { store } = this.#outside;
    for (const key of this.#abandonedKeys()) {
      const found = readKept(readRecord(store.getItem(key))?.draft ?? null);
      store.removeItem(key);
      if (!found) continue;
      this.#draft = takeKnown(found, this.#known);
      this.#keep();
      this.#view = this.#makeView();
      this.#outside.onChange();
      return;
    }
  }

  #abandonedKeys(): string[] {
    const { store } = this.#outside;
    const keys = Array.from({ length: store.length }, (_, index) => store.key(index) ?? "");
    return keys.filter((key) => {
      if (!key.startsWith(this.#prefix) || key === this.#key) return false;
      const record = readRecord(store.getItem(key));
      return record === null || record.isClosed || Date.now() - record.at > abandonedMs;
    });
  }
}

function readRecord(text: string | null): Kept | null {
  try {
    const record: unknown = JSON.parse(text ?? "null");
    const isKept = typeof record === "object" && record !== null && "at" in record && "draft" in record && "isClosed" in record;
    return isKept ? (record as Kept) : null;
  } catch {
    return null;
  }
}
