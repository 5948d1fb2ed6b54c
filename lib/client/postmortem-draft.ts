import { z } from "zod";
import { type Choice, conflictsOf, mergeTexts, type Piece, settleConflicts } from "#lib/domain/incidents/postmortem/merge.ts";

/** A text with the version that the server has it under. */
export type Known = { version: number; text: string };
/** A save that was sent and not answered yet: it is sent again as it was until there is an answer. */
type Sent = { id: string; version: number; text: string };

/**
 * What one page holds of a postmortem's text: what the person sees, the server's text that it grew from, and what is on its way. Every
 * function is pure; nothing that was typed is ever left out of `text` except by a choice of the person.
 */
export type Draft = {
  text: string;
  base: Known;
  sent: Sent | null;
  /** Another's text that changed the same words, until the person has chosen. */
  theirs: Known | null;
};

export function openDraft(known: Known): Draft {
  return { text: known.text, base: known, sent: null, theirs: null };
}

export const typeText = (draft: Draft, text: string): Draft => ({ ...draft, text });

/** Typed into a text that may have changed since it was shown. */
export function typeOver(draft: Draft, { text, shown }: { text: string; shown: string }): Draft {
  return shown === draft.text ? typeText(draft, text) : takeLeft(draft, { ...draft, text, base: { ...draft.base, text: shown } });
}

export const isUnsaved = ({ text, base }: Draft) => text !== base.text;

/** The save to send now, which `beginSave` made or an earlier one made that had no answer; null when there is none. */
export const saveToSend = ({ sent }: Draft): Sent | null => sent;

/** Makes the next save of what is unsaved; the same draft while one is under way, or a choice is to be made. */
export function beginSave(draft: Draft, id: string): Draft {
  if (draft.sent || draft.theirs || !isUnsaved(draft)) return draft;
  return { ...draft, sent: { id, version: draft.base.version, text: draft.text } };
}

/** The server has taken the save, under this version. */
export function takeSaved(draft: Draft, { id, version }: { id: string; version: number }): Draft {
  const { sent } = draft;
  return sent?.id === id ? { ...draft, base: { version, text: sent.text }, sent: null } : draft;
}

/** The server refused the save: nothing of it was done. */
export function takeRefused(draft: Draft, id: string): Draft {
  return draft.sent?.id === id ? { ...draft, sent: null } : draft;
}

/** The server's text, as it is now. What others wrote is joined with what is typed here; both stay. */
export function takeKnown(draft: Draft, known: Known): Draft {
  // The answer to a save under way may be part of it already.
  if (draft.sent || known.version <= (draft.theirs ?? draft.base).version) return draft;
  const pieces = mergeTexts(draft.base.text, draft.text, known.text);
  if (conflictsOf(pieces).length > 0) return { ...draft, theirs: known };
  return { ...draft, text: settleConflicts(pieces, []), base: known, theirs: null };
}

/**
 * The server's text after its database was put back to an older one: what is typed here and was never saved is joined with it. What
 * was saved and is gone there is `lost`, unless it says the same.
 */
export function takeRestored(draft: Draft, known: Known): { draft: Draft; lost: Draft | null } {
  const { base } = draft;
  const joined = takeKnown({ ...draft, base: { ...base, version: known.version - 1 }, theirs: null }, known);
  const lost = base.text === known.text ? null : { text: base.text, base: known, sent: null, theirs: null };
  return { draft: joined, lost };
}

/** A text that was left behind, written into the draft's; where both changed the same words both are kept. */
export function takeLeft(draft: Draft, left: Draft): Draft {
  return typeText(draft, settleConflicts(mergeTexts(left.base.text, draft.text, left.text), []));
}

/** The text in pieces, some of them to be chosen; null while there is nothing to choose. */
export function conflictPieces({ theirs, base, text }: Draft): Piece[] | null {
  return theirs && mergeTexts(base.text, text, theirs.text);
}

/** The draft with what the person chose for each conflict, in order. */
export function settleDraft(draft: Draft, choices: readonly Choice[]): Draft {
  const pieces = conflictPieces(draft);
  if (!draft.theirs || !pieces) return draft;
  return { ...draft, text: settleConflicts(pieces, choices), base: draft.theirs, theirs: null };
}

const knownSchema = z.object({ version: z.number(), text: z.string() });
const keptSchema = z.object({
  text: z.string(),
  base: knownSchema,
  sent: knownSchema.extend({ id: z.string() }).nullable(),
});

/** What the browser keeps of a draft that the server does not have; null when it has all. */
export function keepDraft(draft: Draft): string | null {
  if (!isUnsaved(draft) && !draft.sent) return null;
  const { text, base, sent } = draft;
  return JSON.stringify({ text, base, sent });
}

/** Reads what the browser kept; null for what is no draft. */
export function readKept(kept: string | null): Draft | null {
  if (kept === null) return null;
  try {
    return { ...keptSchema.parse(JSON.parse(kept)), theirs: null };
  } catch {
    return null;
  }
}
