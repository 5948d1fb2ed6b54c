/**
 * How an archive lies in its tar: every file is cut into pieces, "PART/FILE/000000", because sizes are not known beforehand;
 * "PART.failed" says that the part before it is not whole; "manifest.json" comes last.
 */
export const pieceBytes = 1024 * 1024;
export const manifestEntry = "manifest.json";

const failedEnding = ".failed";
const partForm = /^[a-z0-9][a-z0-9-]{0,99}$/;
const segmentForm = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
const pieceForm = /^\d{6,}$/;
const maxFileNameLength = 500;

/** Throws an Error for a name that is no part's. */
export function checkPartName(name: string): void {
  if (!partForm.test(name)) throw new Error(`${JSON.stringify(name)} is no name for a part: small letters, digits and "-".`);
}

/** Throws an Error for a name that cannot stand in an archive, or could be taken for a piece. */
export function checkFileName(name: string): void {
  const fits = name.split("/").every((segment) => segmentForm.test(segment) && !pieceForm.test(segment));
  if (fits && name.length <= maxFileNameLength) return;
  throw new Error(
    `${JSON.stringify(name.slice(0, 100))} is no name for a file in an archive: letters, digits, ".", "_", "-" and "/".`,
  );
}

export function pieceEntry(part: string, file: string, piece: number): string {
  return `${part}/${file}/${String(piece).padStart(6, "0")}`;
}

export function failedEntry(part: string): string {
  return `${part}${failedEnding}`;
}

export type ArchiveEntry =
  | { kind: "manifest" }
  | { kind: "failed"; part: string }
  | { kind: "piece"; part: string; file: string; piece: number };

/** What an entry of the tar is; null for one that no archive has. */
export function readEntryName(name: string): ArchiveEntry | null {
  if (name === manifestEntry) return { kind: "manifest" };
  const failedPart = name.endsWith(failedEnding) ? name.slice(0, -failedEnding.length) : "";
  if (partForm.test(failedPart)) return { kind: "failed", part: failedPart };
  const [part = "", ...rest] = name.split("/");
  const piece = rest.pop() ?? "";
  if (!partForm.test(part) || rest.length === 0 || !pieceForm.test(piece)) return null;
  return { kind: "piece", part, file: rest.join("/"), piece: Number(piece) };
}
