import type { Backup } from "#lib/database/generated/client.ts";
import type { RecoveryContext } from "../context.ts";
import type { RecoveryCheck } from "../schemas.ts";
import { formatBytes } from "./texts.ts";

const compared = 5;
const leastShare = 0.1;
/** Below it sizes jump for good reasons. */
const leastBytes = 1_048_576;

/**
 * Holds an archive's size against the subject's last ones of the same contents, good or not, so that a purge is told of a few times and
 * then is the new measure. One that has shrunk to a tenth is rather empty than small.
 */
export async function checkSize(
  db: RecoveryContext["db"],
  { id, subject, contents }: Backup,
  bytes: number,
): Promise<RecoveryCheck[]> {
  const last = await db.backup.findMany({
    where: { subject, id: { not: id }, bytes: { not: null }, contents: { equals: contents ?? {} } },
    orderBy: { createdAt: "desc" },
    take: compared,
    select: { bytes: true },
  });
  return judgeSize(
    last.map((one) => Number(one.bytes)),
    bytes,
  );
}

/** The check itself; none without others to compare with. */
export function judgeSize(last: readonly number[], bytes: number): RecoveryCheck[] {
  const median = last.toSorted((a, b) => a - b)[Math.floor(last.length / 2)];
  if (median === undefined) return [];
  const passed = median < leastBytes || bytes >= median * leastShare;
  const wanted = `at least a tenth of the ${formatBytes(median)} of the last ones`;
  return [{ name: "Size", wanted, found: formatBytes(bytes), passed }];
}
