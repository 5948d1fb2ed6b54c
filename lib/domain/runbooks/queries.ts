import type { FleetContext } from "../alerts/suspect-actions.ts";
import { authorise, type Context, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { Page } from "../rollouts/schemas.ts";
import { parseInput } from "../validation.ts";
import { deliveredText, findDeliveredPage, listDeliveredAlerts } from "./delivered.ts";
import {
  type KindRunbooks,
  listRunbooksSchema,
  type RunbookRef,
  type RunbookRow,
  type RunbookVersionView,
  type RunbookView,
  runbookRefSchema,
} from "./schemas.ts";
import { findNewest, keyOf, listNewest, runbookOfService, serviceKindOf, viewRow, viewRunbook } from "./stored.ts";

/** All runbooks, by name: those that are delivered, those of the fleet's services, and what people wrote. */
export async function listRunbooks(context: FleetContext, input: unknown): Promise<Page<RunbookRow>> {
  authorise(context, "viewer", "read runbooks");
  const { scope, search = "", cursor = "", limit } = parseInput(listRunbooksSchema, input);
  const written = await translateDatabaseErrors(() => listNewest(context.db));
  const services = context.fleet.listServices().map(({ id }) => runbookOfService(id));
  const untouched = [...listDeliveredAlerts(), ...services].map((ref) => viewRow(ref, null));
  const rows = new Map<string, RunbookRow>([...untouched, ...written].map((row) => [keyOf(row), row]));
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [...rows]
    .filter(([key, row]) => (!scope || row.scope === scope) && words.every((word) => key.toLowerCase().includes(word)))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const from = found.findIndex(([key]) => key > cursor);
  const shown = from < 0 ? [] : found.slice(from, from + limit);
  const isMore = from >= 0 && found.length > from + limit;
  return { items: shown.map(([, row]) => row), nextCursor: isMore ? (shown.at(-1)?.[0] ?? null) : null };
}

/** One runbook as it is now. One that nobody wrote has no text; throws not-found for what can be none. */
export async function getRunbook(context: FleetContext, ref: unknown): Promise<RunbookView> {
  authorise(context, "viewer", "read runbooks");
  const known = parseRef(ref);
  const newest = await translateDatabaseErrors(() => findNewest(context.db, [known]));
  return viewRunbook(known, serviceKindOf(context, known), newest.get(keyOf(known)) ?? null);
}

/** What a kind of daemon delivers, with what people made of it: its introduction, then its alerts. Throws not-found. */
export async function getKindRunbooks(context: FleetContext, kind: string): Promise<KindRunbooks> {
  authorise(context, "viewer", "read runbooks");
  const page = findDeliveredPage(kind);
  if (!page) throw new DomainError("not-found", `No runbooks are delivered for the kind ${kind}.`);
  const refs = page.alerts.map((name): RunbookRef => ({ scope: "alert", group: kind, name }));
  const newest = await translateDatabaseErrors(() => findNewest(context.db, refs));
  const items = refs.map((ref) => viewRunbook(ref, null, newest.get(keyOf(ref)) ?? null));
  return { kind, title: page.title, intro: page.intro, items };
}

/** Its versions, the newest first; the last one is 0, what Switchyard delivers. */
export async function listRunbookVersions(context: Context, ref: unknown): Promise<{ items: RunbookVersionView[] }> {
  authorise(context, "viewer", "read runbooks");
  const known = parseRef(ref);
  const rows = await translateDatabaseErrors(() =>
    context.db.runbookVersion.findMany({ where: known, orderBy: { version: "desc" }, take: 500 }),
  );
  const items = rows.map(({ version, at, byName, note, text }) => ({
    version,
    at: at.toISOString(),
    by: byName,
    note,
    isDelivered: text === null,
  }));
  return { items: [...items, { version: 0, at: null, by: null, note: null, isDelivered: true }] };
}

/** The text of one version. Throws not-found. */
export async function getRunbookVersion(
  context: FleetContext,
  { version: wanted, ...ref }: Record<string, string>,
): Promise<{ version: number; text: string }> {
  authorise(context, "viewer", "read runbooks");
  const known = parseRef(ref);
  const version = /^\d{1,9}$/.test(wanted ?? "") ? Number(wanted) : -1;
  const row = await translateDatabaseErrors(() => context.db.runbookVersion.findFirst({ where: { ...known, version } }));
  if (!row && version !== 0) throw new DomainError("not-found", "There is no such version of this runbook.");
  return { version, text: row?.text ?? deliveredText(known, serviceKindOf(context, known)) ?? "" };
}

/** What an address names; throws not-found when it can name no runbook. */
export function parseRef(ref: unknown): RunbookRef {
  const parsed = runbookRefSchema.safeParse(ref);
  if (parsed.success) return parsed.data;
  throw new DomainError("not-found", "There is no runbook at this address: it is alert/KIND/ALERT or service/NAMESPACE/NAME.");
}
