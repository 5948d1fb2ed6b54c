import type { ArchiveFile, PartSource } from "../archive/pack.ts";
import { basePart } from "../sources/postgres-base-facts.ts";

/** What an archive adds to its files: headers, seals, the manifest. */
const ownShare = 0.01;

/**
 * Parts of an archive, which lies in one object of a storage. The base backup comes last and fails by itself where it does not
 * fit beside the others: without this the storage would refuse the whole, and the dump with it.
 */
export function keepRoom(
  parts: readonly PartSource[],
  { name, mostBytes = Number.POSITIVE_INFINITY }: { name: string; mostBytes?: number },
): PartSource[] {
  const room = mostBytes * (1 - ownShare);
  let bytes = 0;
  const counted = (part: PartSource, onBytes: (sum: number) => void): PartSource => ({
    ...part,
    open: async (signal) => {
      const opened = await part.open(signal);
      const onChunk = (chunk: Uint8Array) => {
        bytes += chunk.byteLength;
        onBytes(bytes);
      };
      return { ...opened, files: eachFile(opened.files, onChunk) };
    },
  });
  const refuse = (sum: number) => {
    if (sum <= room) return;
    throw new Error(
      `The base backup does not fit beside the dump into one object of ${name}, which holds ${inUnits(mostBytes)}. Save to a directory, or take the WAL archive (walArchive) out of the plan: then backups lead to their own instants only.`,
    );
  };
  const isBase = ({ name: part }: PartSource) => part === basePart;
  const others = parts.filter((part) => !isBase(part)).map((part) => counted(part, () => {}));
  return [...others, ...parts.filter(isBase).map((part) => counted(part, refuse))];
}

async function* eachFile(
  files: Iterable<ArchiveFile> | AsyncIterable<ArchiveFile>,
  onChunk: (chunk: Uint8Array) => void,
): AsyncGenerator<ArchiveFile> {
  for await (const file of files) {
    yield {
      ...file,
      open: async function* (signal) {
        for await (const chunk of file.open(signal)) {
          onChunk(chunk);
          yield chunk;
        }
      },
    };
  }
}

function inUnits(bytes: number): string {
  const gibibytes = bytes / 1024 ** 3;
  return gibibytes < 1 ? `${Math.floor(bytes / 1024 ** 2)} MiB` : `${Math.floor(gibibytes)} GiB`;
}
