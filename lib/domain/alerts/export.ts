import { pipeline, Readable } from "node:stream";
import { stringify } from "csv-stringify";
import { authorise, type Context, translateDatabaseErrors } from "../context.ts";
import { parseInput } from "../validation.ts";
import { readPage } from "./history.ts";
import { type Episode, textsOf } from "./rows.ts";
import { type HistoryInput, historySchema } from "./schemas.ts";

const rowsAPage = 2_000;

const columns = [
  "id",
  "source",
  "fingerprint",
  "name",
  "severity",
  "namespace",
  "service",
  "instance",
  "state",
  "starts_at",
  "ends_at",
  "duration_seconds",
  "acknowledged_at",
  "acknowledged_by",
  "closed_by",
  "summary",
  "labels",
] as const;
type CsvRow = Record<(typeof columns)[number], string>;

/**
 * Everything that the filter finds as CSV (RFC 4180, UTF-8), the newest first, read a page at a time as the receiver takes it.
 * A text that a spreadsheet would run as a formula gets an apostrophe before it.
 */
export async function exportHistory(context: Context, input: HistoryInput | unknown): Promise<AsyncIterable<string>> {
  authorise(context, "viewer", "see alerts");
  const asked = parseInput(historySchema, { ...(input as object), cursor: undefined, limit: undefined });
  const filter = { ...asked, limit: rowsAPage };
  const { db, clock } = context;
  const first = await translateDatabaseErrors(() => readPage(db, filter));
  const names = new Map((await db.alertSource.findMany({ select: { id: true, name: true } })).map(({ id, name }) => [id, name]));
  const now = clock();
  async function* rows(): AsyncGenerator<CsvRow> {
    for (let page = first; ; ) {
      for (const episode of page.episodes) yield toCsv(episode, names.get(episode.sourceId) ?? "", now);
      if (page.nextCursor === null) return;
      const { nextCursor } = page;
      page = await translateDatabaseErrors(() => readPage(db, { ...filter, cursor: nextCursor }));
    }
  }
  return toLines(rows());
}

function toCsv(episode: Episode, source: string, now: Date): CsvRow {
  const { id, fingerprint, name, severity, state, startsAt, endsAt, acknowledgedAt } = episode;
  return {
    id,
    source,
    fingerprint,
    name,
    severity,
    namespace: episode.namespace ?? "",
    service: episode.service ?? "",
    instance: episode.instance ?? "",
    state,
    starts_at: startsAt.toISOString(),
    ends_at: endsAt?.toISOString() ?? "",
    duration_seconds: (((endsAt ?? now).getTime() - startsAt.getTime()) / 1000).toFixed(3),
    acknowledged_at: acknowledgedAt?.toISOString() ?? "",
    acknowledged_by: episode.acknowledgedByName ?? "",
    closed_by: episode.closedBy ?? "",
    summary: textsOf(episode.annotations).summary ?? "",
    labels: JSON.stringify(episode.labels),
  };
}

/** As much is read as the receiver takes; a receiver that goes away ends the reading. */
function toLines(rows: AsyncIterable<CsvRow>): AsyncIterable<string> {
  const lines = stringify({ header: true, columns: [...columns], record_delimiter: "windows", escape_formulas: true });
  // Errors reach whoever reads the lines.
  return pipeline(Readable.from(rows), lines, () => {}).setEncoding("utf8");
}
