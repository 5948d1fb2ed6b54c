import type { ObjectStorage } from "#lib/storage/storage.ts";
import { DomainError } from "../../errors.ts";
import type { PostgresBaseFacts } from "./postgres-base-facts.ts";

/**
 * Where a server's archive_command puts its WAL: a directory or a prefix of a bucket in which segments lie under the names that
 * PostgreSQL gives them. Switchyard reads it and never writes to it.
 */

/** A segment of the archive. `archivedAt` is not before anything that is written in it. */
export type WalSegment = { name: string; archivedAt: Date };

/** Segments one after another, and the first one that is missing before later ones that are there. */
export type WalRun = { segments: WalSegment[]; missing: string | null };

const segmentForm = /^[0-9A-F]{24}$/;

/** Throws precondition-failed for what names no place. A bucket is asked with the machine's own credentials. */
export async function openWalArchive(address: string): Promise<ObjectStorage> {
  // Only who asks for it loads it: pages do not.
  const [{ openStorage }, { parseStorageUrl }] = await Promise.all([
    import("#lib/storage/open-storage.ts"),
    import("#lib/storage/settings.ts"),
  ]);
  try {
    return openStorage(parseStorageUrl(address));
  } catch (error) {
    throw new DomainError("precondition-failed", `The WAL archive cannot be opened: ${(error as Error).message}`);
  }
}

type Numbering = Pick<PostgresBaseFacts, "timeline" | "walSegmentBytes">;

/** The name of the segment that holds a WAL position, "0/2000028"; `before`: of the byte before it. */
export function segmentOf(lsn: string, { timeline, walSegmentBytes }: Numbering, before = false): string {
  const [high = "0", low = "0"] = lsn.split("/");
  const position = (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`) - (before ? 1n : 0n);
  return nameOf(position / BigInt(walSegmentBytes), { timeline, walSegmentBytes });
}

/** The name of the segment that follows. */
export function segmentAfter(name: string, numbering: Numbering): string {
  const perLog = 0x1_0000_0000n / BigInt(numbering.walSegmentBytes);
  const number = BigInt(`0x${name.slice(8, 16)}`) * perLog + BigInt(`0x${name.slice(16)}`);
  return nameOf(number + 1n, numbering);
}

function nameOf(number: bigint, { timeline, walSegmentBytes }: Numbering): string {
  const perLog = 0x1_0000_0000n / BigInt(walSegmentBytes);
  return [BigInt(timeline), number / perLog, number % perLog].map(hexadecimal).join("");
}

function hexadecimal(value: bigint): string {
  return value.toString(16).toUpperCase().padStart(8, "0");
}

/** What the archive has from a base backup's first segment on. Throws StorageError. */
export async function readWalRun(archive: ObjectStorage, base: PostgresBaseFacts, newest: string | null): Promise<WalRun> {
  const found = new Map<string, WalSegment>();
  for await (const { key, modifiedAt } of archive.list(hexadecimal(BigInt(base.timeline)))) {
    if (segmentForm.test(key)) found.set(key, { name: key, archivedAt: modifiedAt });
  }
  return chainOf(found, base, newest);
}

/** The unbroken run from the base backup's first segment on. `newest`: the last one that the server has archived, null when it cannot say. */
export function chainOf(found: ReadonlyMap<string, WalSegment>, base: PostgresBaseFacts, newest: string | null): WalRun {
  const segments: WalSegment[] = [];
  let name = segmentOf(base.startLsn, base);
  for (let segment = found.get(name); segment; segment = found.get(name)) {
    segments.push(segment);
    name = segmentAfter(name, base);
  }
  const isBroken = [...found.keys(), ...(newest === null ? [] : [newest])].some((one) => one >= name);
  return { segments, missing: isBroken ? name : null };
}
