import type { FleetContext } from "../alerts/suspect-actions.ts";
import type { Transaction } from "../context.ts";
import { deliveredText } from "./delivered.ts";
import type { RunbookRef, RunbookRow, RunbookView } from "./schemas.ts";

/** A runbook's name among all of them. */
export const keyOf = ({ scope, group, name }: RunbookRef) => `${scope}/${group}/${name}`;
/** A service's id as its runbook. */
export function runbookOfService(id: string): RunbookRef {
  const [group = "", name = ""] = id.split("/");
  return { scope: "service", group, name };
}

/** The newest version of a runbook, which may say that it is as delivered: its text is null then. */
export type Newest = {
  scope: string;
  group: string;
  name: string;
  version: number;
  text: string | null;
  at: Date;
  byName: string;
};

/** The newest version of each; those that nobody has touched are not in it. */
export async function findNewest(
  db: Pick<Transaction, "$queryRaw">,
  refs: readonly RunbookRef[],
): Promise<ReadonlyMap<string, Newest>> {
  if (refs.length === 0) return new Map();
  const rows = await db.$queryRaw<Newest[]>`
    SELECT DISTINCT ON (scope, "group", name) scope, "group", name, version, text, at, by_name AS "byName"
    FROM runbook_versions
    JOIN unnest(${refs.map(({ scope }) => scope)}::text[], ${refs.map(({ group }) => group)}::text[],
      ${refs.map(({ name }) => name)}::text[]) AS wanted(scope, "group", name) USING (scope, "group", name)
    ORDER BY scope, "group", name, version DESC`;
  return new Map(rows.map((row) => [keyOf(row as RunbookRef), row]));
}

/** The newest version of every runbook that was ever written, without its text. */
export async function listNewest(db: Pick<Transaction, "$queryRaw">): Promise<RunbookRow[]> {
  const rows = await db.$queryRaw<(Omit<Newest, "text"> & { isDelivered: boolean })[]>`
    SELECT DISTINCT ON (scope, "group", name)
      scope, "group", name, version, text IS NULL AS "isDelivered", at, by_name AS "byName"
    FROM runbook_versions ORDER BY scope, "group", name, version DESC`;
  return rows.map(({ byName, at, ...row }) => ({ ...(row as RunbookRef & typeof row), at: at.toISOString(), by: byName }));
}

/** What a service is of the fleet as it is known now. */
export function serviceKindOf({ fleet }: Pick<FleetContext, "fleet">, { scope, group, name }: RunbookRef): string | null {
  return scope === "service" ? (fleet.findService(`${group}/${name}`)?.service.kind ?? null) : null;
}

export function viewRow({ scope, group, name }: RunbookRef, newest: Newest | null): RunbookRow {
  return {
    scope,
    group,
    name,
    version: newest?.version ?? 0,
    isDelivered: (newest?.text ?? null) === null,
    at: newest?.at.toISOString() ?? null,
    by: newest?.byName ?? null,
  };
}

export function viewRunbook(ref: RunbookRef, serviceKind: string | null, newest: Newest | null): RunbookView {
  const delivered = deliveredText(ref, serviceKind);
  return { ...viewRow(ref, newest), text: newest?.text ?? delivered, delivered };
}
