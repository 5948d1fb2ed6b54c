import { diffArrays } from "diff";

/**
 * Joins what two people made of one text. Changes of different lines, or of different words of a line, stand beside each other; lines
 * that both added at one place are both kept. Only where both changed the same words a person has to choose.
 */
export type Piece = { kind: "joined"; text: string } | ({ kind: "conflict" } & Conflict);
export type Conflict = { base: string; mine: string; theirs: string };
export type Choice = "mine" | "theirs" | "both";

/** A change of the base's parts from `start` to before `end`. */
type Edit = { start: number; end: number; parts: string[] };
type Meeting = { start: number; end: number; mine: Edit[]; theirs: Edit[] };

/** Beyond this a difference is one change of everything: longer ones would keep the page waiting. */
const mostEdits = 800;

export function mergeTexts(base: string, mine: string, theirs: string): Piece[] {
  if (mine === theirs || theirs === base) return joined(mine);
  if (mine === base) return joined(theirs);
  const pieces = mergeParts(linesOf(base), linesOf(mine), linesOf(theirs), joinLines);
  return endAs(pieces, mine === "" || theirs === "" || mine.endsWith("\n") || theirs.endsWith("\n"));
}

export function conflictsOf(pieces: readonly Piece[]): Conflict[] {
  return pieces.flatMap((piece) => (piece.kind === "conflict" ? [piece] : []));
}

/** The text with a choice for each conflict, in order; where none is made both are kept. */
export function settleConflicts(pieces: readonly Piece[], choices: readonly Choice[]): string {
  let index = 0;
  return pieces
    .map((piece) => {
      if (piece.kind === "joined") return piece.text;
      const choice = choices[index++] ?? "both";
      if (choice !== "both") return piece[choice];
      return piece.mine + (piece.mine === "" || piece.mine.endsWith("\n") ? "" : "\n") + piece.theirs;
    })
    .join("");
}

type JoinMeeting = (base: string, mine: string, theirs: string, isAddition: boolean) => Piece;

function mergeParts(base: string[], mine: string[], theirs: string[], join: JoinMeeting): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const { start, end, mine: ours, theirs: others } of meetings(editsOf(base, mine), editsOf(base, theirs))) {
    add(pieces, { kind: "joined", text: base.slice(at, start).join("") });
    const [left, right] = [apply(base, start, end, ours), apply(base, start, end, others)];
    if (others.length === 0 || left === right) add(pieces, { kind: "joined", text: left });
    else if (ours.length === 0) add(pieces, { kind: "joined", text: right });
    else add(pieces, join(base.slice(start, end).join(""), left, right, start === end));
    at = end;
  }
  add(pieces, { kind: "joined", text: base.slice(at).join("") });
  return pieces;
}

/** Lines that both have changed: word by word, and where that does not go the lines are the conflict. */
function joinLines(base: string, mine: string, theirs: string, isAddition: boolean): Piece {
  if (mine.startsWith(theirs)) return isAddition ? { kind: "joined", text: mine } : joinWords(base, mine, theirs);
  if (theirs.startsWith(mine)) return isAddition ? { kind: "joined", text: theirs } : joinWords(base, mine, theirs);
  return isAddition ? { kind: "joined", text: theirs + mine } : joinWords(base, mine, theirs);
}

function joinWords(base: string, mine: string, theirs: string): Piece {
  const pieces = mergeParts(wordsOf(base), wordsOf(mine), wordsOf(theirs), (_, left, right, isAddition) => {
    if (isAddition && left.startsWith(right)) return { kind: "joined", text: left };
    if (isAddition && right.startsWith(left)) return { kind: "joined", text: right };
    return { kind: "conflict", base: "", mine: left, theirs: right };
  });
  if (conflictsOf(pieces).length > 0) return { kind: "conflict", base, mine, theirs };
  return { kind: "joined", text: settleConflicts(pieces, []) };
}

/** Changes of both sides that touch the same parts, together; the others alone. */
function meetings(mine: Edit[], theirs: Edit[]): Meeting[] {
  const all = [...mine.map((edit) => ({ edit, isMine: true })), ...theirs.map((edit) => ({ edit, isMine: false }))].toSorted(
    (a, b) => a.edit.start - b.edit.start || a.edit.end - b.edit.end,
  );
  const found: Meeting[] = [];
  for (const { edit, isMine } of all) {
    const last = found.at(-1);
    if (last && touches(last, edit)) last.end = Math.max(last.end, edit.end);
    else found.push({ start: edit.start, end: edit.end, mine: [], theirs: [] });
    found.at(-1)?.[isMine ? "mine" : "theirs"].push(edit);
  }
  return found;
}

function touches({ start, end }: { start: number; end: number }, edit: Edit): boolean {
  return edit.start < end || (start === end && edit.start === start && edit.end === start);
}

function apply(base: string[], start: number, end: number, edits: readonly Edit[]): string {
  let at = start;
  let text = "";
  for (const edit of edits) {
    text += base.slice(at, edit.start).join("") + edit.parts.join("");
    at = edit.end;
  }
  return text + base.slice(at, end).join("");
}

function editsOf(before: string[], after: string[]): Edit[] {
  const differences = diffArrays(before, after, { maxEditLength: mostEdits });
  if (!differences) return [{ start: 0, end: before.length, parts: after }];
  const edits: Edit[] = [];
  let at = 0;
  let open: Edit | null = null;
  for (const { added, removed, value } of differences) {
    if (!added && !removed) {
      at += value.length;
      open = null;
      continue;
    }
    if (!open) {
      open = { start: at, end: at, parts: [] };
      edits.push(open);
    }
    if (added) open.parts.push(...value);
    else {
      at += value.length;
      open.end = at;
    }
  }
  return edits;
}

function add(pieces: Piece[], piece: Piece): void {
  const last = pieces.at(-1);
  if (piece.kind === "joined" && piece.text === "") return;
  if (piece.kind === "joined" && last?.kind === "joined") last.text += piece.text;
  else pieces.push(piece);
}

const joined = (text: string): Piece[] => [{ kind: "joined", text }];

/** Every line ends, the last one too: a line that is added below it is no change of it. */
function linesOf(text: string): string[] {
  return text === "" ? [] : (`${text.replace(/\n$/, "")}\n`.match(/[^\n]*\n/g)?.slice() ?? []);
}

function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}_]+|[^\S\n]+|\n|[^\p{L}\p{N}_\s]/gu)?.slice() ?? [];
}

function endAs(pieces: Piece[], hasLineEnd: boolean): Piece[] {
  const last = pieces.at(-1);
  if (!hasLineEnd && last?.kind === "joined" && last.text.endsWith("\n")) last.text = last.text.slice(0, -1);
  return pieces;
}
