import type { Choice, Piece } from "#lib/domain/incidents/postmortem/merge.ts";
import type { SaveInput } from "#lib/domain/incidents/postmortem/schemas.ts";
import { newIdempotencyKey } from "./actions.ts";
import { codeOf } from "./api.ts";
import { type Author, type DraftStore, KeptDrafts, type LeftText } from "./kept-drafts.ts";
import {
  beginSave,
  conflictPieces,
  type Draft,
  isUnsaved,
  type Known,
  openDraft,
  saveToSend,
  settleDraft,
  takeKnown,
  takeLeft,
  takeRefused,
  takeRestored,
  takeSaved,
  typeOver,
} from "./postmortem-draft.ts";

/** Where the text is: with the server, on the way to it, only here because nobody answers or the server refused it, or to be chosen. */
export type DraftStatus = "saved" | "saving" | "unreachable" | "refused" | "conflict";
export type DraftView = {
  text: string;
  status: DraftStatus;
  error: Error | null;
  pieces: Piece[] | null;
  /** What this browser keeps that is not the person's unsaved text: they may take it over or throw it away. */
  left: LeftText[];
};

type Outside = {
  incidentId: string;
  /** Whose words these are: what one person left unsaved is not saved in the name of the next. */
  author: Author;
  known: Known;
  save: (input: SaveInput) => Promise<{ version: number }>;
  /** The server's text as it is now, from a request of its own. */
  ask: () => Promise<Known>;
  store: DraftStore;
  onChange: () => void;
};

const saveAfterMs = 1_000;
const beatMs = 5_000;
const retryMs = [1_000, 2_000, 5_000, 10_000];
const refusals = new Set(["stale", "precondition-failed", "invalid-input", "not-permitted", "not-authenticated", "not-found"]);

/**
 * A postmortem's text while a page shows it: what is typed is kept by the browser at once and saved within a second, again and again
 * until the server has it. What a closed tab or a crashed browser left behind is taken up by the next page that opens the text.
 */
export class DraftSession {
  readonly #outside: Outside;
  readonly #kept: KeptDrafts;
  #draft: Draft;
  #known: Known;
  #view: DraftView;
  #error: Error | null = null;
  #failures = 0;
  #isSending = false;
  #isAsking = false;
  #isClosed = false;
  #left: LeftText[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  readonly #beat: ReturnType<typeof setInterval>;

  constructor(outside: Outside) {
    this.#outside = outside;
    this.#kept = new KeptDrafts(outside);
    this.#draft = openDraft(outside.known);
    this.#known = outside.known;
    this.#left = this.#kept.listLeft();
    this.#view = this.#makeView();
    this.#adopt();
    this.#beat = setInterval(() => {
      this.#keep();
      this.#adopt();
      this.#lookForLeft();
      this.#later(0);
    }, beatMs);
    this.#later(0);
  }

  /** The same object until something changes. */
  view(): DraftView {
    return this.#view;
  }

  /** `shown` is what the person saw while typing: what came in meanwhile is not typed away. */
  type(text: string, shown = this.#draft.text): void {
    this.#change(typeOver(this.#draft, { text, shown }));
    this.#later(saveAfterMs);
  }

  hear(known: Known): void {
    if (known.version < this.#known.version) {
      // Overtaken by a save, or the database was put back: who asks now knows.
      this.#ask();
      return;
    }
    if (known.version > this.#known.version) this.#known = known;
    this.#change(takeKnown(this.#draft, known));
    this.#later(saveAfterMs);
  }

  settle(choices: readonly Choice[]): void {
    this.#change(settleDraft(this.#draft, choices));
    this.#later(0);
  }

  /** Writes what was left behind into the text. */
  takeOver(key: string): void {
    const left = this.#kept.read(key);
    if (left) this.#change(takeLeft(this.#draft, left));
    this.throwAway(key);
    this.#later(0);
  }

  throwAway(key: string): void {
    this.#kept.remove(key);
    this.#lookForLeft();
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

  /** The page goes, or another person has signed in: what is unsaved is left for the next page of this one. */
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
      const { version } = await this.#outside.save({
        saveId: sent.id,
        version: sent.version,
        text: sent.text,
        authorId: this.#outside.author.id,
      });
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
    const code = codeOf(error) ?? "unreachable";
    if (!refusals.has(code)) {
      this.#error = error instanceof Error ? error : new Error("Switchyard did not answer.");
      return retryMs[Math.min(this.#failures++, retryMs.length - 1)] ?? 10_000;
    }
    this.#draft = takeRefused(this.#draft, id);
    if (code === "stale") {
      this.#error = null;
      this.#ask();
      return Number.POSITIVE_INFINITY;
    }
    this.#error = error instanceof Error ? error : null;
    return 10_000;
  }

  /** Who gets no answer asks again with the next beat. */
  #ask(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const before = this.#known.version;
    this.#outside
      .ask()
      .then((known) => {
        // A save that was answered meanwhile may be newer than this.
        if (before !== this.#known.version || this.#isSending) return;
        if (known.version >= before) this.hear(known);
        else if (!this.#draft.sent) this.#takeRestored(known);
      })
      .catch(() => {})
      .finally(() => {
        this.#isAsking = false;
      });
  }

  #takeRestored(known: Known): void {
    const { draft, lost } = takeRestored(this.#draft, known);
    this.#known = known;
    if (lost) this.#kept.keepLost(lost);
    this.#change(draft);
    this.#lookForLeft();
    this.#later(saveAfterMs);
  }

  #tell(): void {
    this.#view = this.#makeView();
    this.#outside.onChange();
  }

  #makeView(): DraftView {
    const pieces = conflictPieces(this.#draft);
    return { text: this.#draft.text, status: this.#status(pieces !== null), error: this.#error, pieces, left: this.#left };
  }

  #status(isConflict: boolean): DraftStatus {
    if (isConflict) return "conflict";
    if (this.#error) return this.#draft.sent ? "unreachable" : "refused";
    return isUnsaved(this.#draft) || this.#draft.sent ? "saving" : "saved";
  }

  #keep(isClosed = false): void {
    // What a closed page has left behind may be another's by now.
    if (!this.#isClosed || !isUnsaved(this.#draft)) this.#kept.keep(this.#draft, isClosed);
  }

  /** Takes up what a page of this person left behind, when nothing of this page's own is unsaved. */
  #adopt(): void {
    if (isUnsaved(this.#draft) || this.#draft.sent || this.#isClosed) return;
    const found = this.#kept.takeAbandoned();
    if (!found) return;
    this.#draft = takeKnown(found, this.#known);
    this.#keep();
    this.#tell();
  }

  #lookForLeft(): void {
    const left = this.#kept.listLeft();
    if (left.map(({ key }) => key).join() === this.#left.map(({ key }) => key).join()) return;
    this.#left = left;
    this.#tell();
  }
}
