import type { Prisma, ServicePanel } from "#lib/database/generated/client.ts";
import { writeAudit } from "../audit.ts";
import { authorise, type ConsoleContext, isUniqueViolation, type Transaction, transact } from "../context.ts";
import { DomainError } from "../errors.ts";
import { parseId, parseInput } from "../validation.ts";
import { forgetPanelSet } from "./definitions.ts";
import { judgeExpression } from "./panel-check.ts";
import type { MetricsSettings } from "./queries.ts";
import {
  changePanelSchema,
  createPanelSchema,
  hidePanelSchema,
  panelVersionSchema,
  type SavedPanel,
  showPanelSchema,
} from "./schemas.ts";
import { type ChartedService, requireService } from "./target.ts";
import { templatesFor } from "./templates.ts";

const maxPanels = 40;
const what = "change charts";

/**
 * Stores a chart for one service, in the place of the kind's chart that it names or as one more; with `hidden` it hides the kind's
 * chart. Its expressions have to pass the grammar and Prometheus. Throws invalid-input, stale (the place is taken since),
 * prometheus-unavailable.
 */
export async function savePanel(
  context: ConsoleContext,
  settings: MetricsSettings,
  ref: unknown,
  input: unknown,
): Promise<SavedPanel> {
  authorise(context, "operator", what);
  const service = await requireService(context, ref);
  const fields = await readNew(context, settings, service, input);
  if (fields.replaces !== null && !templatesFor(service.kind).some(({ id }) => id === fields.replaces)) {
    throw new DomainError("not-found", `A service of this kind has no chart ${fields.replaces}.`);
  }
  return write(context, service, async (transaction) => {
    const own = { namespace: service.namespace, service: service.name };
    await transaction.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`panels ${service.id}`}, 0))`;
    if ((await transaction.servicePanel.count({ where: own })) >= maxPanels) {
      throw new DomainError("precondition-failed", `A service has at most ${maxPanels} charts of its own; remove one first.`);
    }
    const { _max: last } = await transaction.servicePanel.aggregate({ where: own, _max: { position: true } });
    const position = (last.position ?? 0) + 1;
    const stamp = { createdAt: context.clock(), ...stampOf(context) };
    const row = await transaction.servicePanel.create({ data: { ...own, ...fields, ...stamp, position } });
    await audit(transaction, context, service, { verb: fields.hidden ? "hide" : "create", before: null, after: row });
    return row;
  });
}

/** Changes a stored chart, or hides and shows the one in a kind's place. Throws stale when someone else changed it meanwhile. */
export async function changePanel(
  context: ConsoleContext,
  settings: MetricsSettings,
  ref: unknown,
  id: string,
  input: unknown,
): Promise<SavedPanel> {
  authorise(context, "operator", what);
  const service = await requireService(context, ref);
  if (isShow(input)) return showPanel(context, service, id, parseInput(showPanelSchema, input));
  const { version, ...fields } = parseInput(changePanelSchema, input);
  await refuseBadExpressions(context, settings, service, fields.queries);
  return write(context, service, async (transaction) => {
    const before = await lock(transaction, service, id, version);
    const data = { ...columns(fields), hidden: false, version: version + 1, ...stampOf(context) };
    const after = await transaction.servicePanel.update({ where: { id: before.id }, data });
    await audit(transaction, context, service, { verb: "update", before, after });
    return after;
  });
}

/** Removes a stored chart; the kind's chart is back in the place of one that replaced or hid it. */
export async function removePanel(context: ConsoleContext, ref: unknown, id: string, search: unknown): Promise<void> {
  authorise(context, "operator", what);
  const service = await requireService(context, ref);
  const { version } = parseInput(panelVersionSchema, search);
  await write(context, service, (transaction) => remove(transaction, context, service, id, version));
}

async function showPanel(
  context: ConsoleContext,
  service: ChartedService,
  id: string,
  { version, hidden }: { version: number; hidden: boolean },
): Promise<SavedPanel> {
  return write(context, service, async (transaction) => {
    const before = await lock(transaction, service, id, version);
    if (before.replaces === null) {
      throw new DomainError(
        "precondition-failed",
        "Only a chart in the place of the kind's can be hidden; remove this one instead.",
      );
    }
    // A row that holds no chart was there only to hide the kind's.
    if (!hidden && isEmpty(before)) return remove(transaction, context, service, id, version);
    const data = { hidden, version: version + 1, ...stampOf(context) };
    const after = await transaction.servicePanel.update({ where: { id: before.id }, data });
    await audit(transaction, context, service, { verb: hidden ? "hide" : "show", before, after });
    return after;
  });
}

type Fields = Pick<
  Prisma.ServicePanelUncheckedCreateInput,
  "title" | "unit" | "style" | "limitValue" | "limitLabel" | "seriesLabel" | "queries"
>;

async function readNew(
  context: ConsoleContext,
  settings: MetricsSettings,
  service: ChartedService,
  input: unknown,
): Promise<Fields & { replaces: string | null; hidden: boolean }> {
  if (isShow(input)) {
    const { replaces } = parseInput(hidePanelSchema, input);
    const title = templatesFor(service.kind).find(({ id }) => id === replaces)?.title ?? "";
    return { title, unit: "count", style: "lines", queries: [], replaces, hidden: true };
  }
  const { replaces, ...fields } = parseInput(createPanelSchema, input);
  await refuseBadExpressions(context, settings, service, fields.queries);
  return { ...columns(fields), replaces, hidden: false };
}

function columns({ limit, queries, ...fields }: Omit<ReturnType<typeof createPanelSchema.parse>, "replaces">): Fields {
  return { ...fields, queries, limitValue: limit?.value ?? null, limitLabel: limit?.label ?? null };
}

function isShow(input: unknown): boolean {
  return typeof input === "object" && input !== null && "hidden" in input;
}

function isEmpty({ queries }: ServicePanel): boolean {
  return !Array.isArray(queries) || queries.length === 0;
}

async function refuseBadExpressions(
  context: ConsoleContext,
  settings: MetricsSettings,
  service: ChartedService,
  queries: readonly { expr: string }[],
): Promise<void> {
  const checks = await Promise.all(queries.map(({ expr }) => judgeExpression(context, settings, service, expr)));
  const fields: Record<string, string[]> = {};
  for (const [index, { isGood, problem, errors }] of checks.entries()) {
    if (!isGood) fields[`queries.${index}.expr`] = problem ? [problem] : errors.map(({ message }) => message);
  }
  const [first] = Object.values(fields).flat();
  if (first) throw new DomainError("invalid-input", first, { fields });
}

async function write<R extends ServicePanel>(
  context: ConsoleContext,
  service: ChartedService,
  run: (transaction: Transaction) => Promise<R>,
): Promise<SavedPanel> {
  try {
    const { id, version, replaces, hidden } = await transact(context, run);
    return { panelId: id, version, replaces, hidden };
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new DomainError("stale", "Someone has replaced or hidden this chart since; look at it again.");
  } finally {
    forgetPanelSet(context, service, service.kind);
  }
}

async function remove(
  transaction: Transaction,
  context: ConsoleContext,
  service: ChartedService,
  id: string,
  version: number,
): Promise<ServicePanel> {
  const before = await lock(transaction, service, id, version);
  await transaction.servicePanel.delete({ where: { id: before.id } });
  await audit(transaction, context, service, { verb: "delete", before, after: null });
  return before;
}

/** The row, locked until the transaction ends; throws stale when it has another version than the person saw. */
async function lock(transaction: Transaction, service: ChartedService, id: string, version: number): Promise<ServicePanel> {
  const panelId = parseId(id, "chart");
  await transaction.$queryRaw`SELECT 1 FROM service_panels WHERE id = ${panelId}::uuid FOR UPDATE`;
  const row = await transaction.servicePanel.findUnique({ where: { id: panelId } });
  if (!row || row.namespace !== service.namespace || row.service !== service.name) {
    throw new DomainError("not-found", "There is no chart with this id; it may have been removed.");
  }
  if (row.version === version) return row;
  const changed = [{ field: "version", seen: `${version}`, now: `${row.version}` }];
  throw new DomainError("stale", `${row.updatedByName} has changed this chart since; look at it again.`, { changed });
}

function stampOf({ actor, clock }: Pick<ConsoleContext, "actor" | "clock">) {
  return { updatedAt: clock(), updatedByName: actor.name };
}

async function audit(
  transaction: Transaction,
  context: ConsoleContext,
  service: ChartedService,
  change: { verb: string; before: ServicePanel | null; after: ServicePanel | null },
): Promise<void> {
  const { verb, before, after } = change;
  await writeAudit(transaction, context, {
    verb,
    targetKind: "chart",
    targetNamespace: service.namespace,
    targetName: `${service.name}: ${after?.title ?? before?.title}`,
    before: before && auditedFields(before),
    after: after && auditedFields(after),
    outcome: "succeeded",
  });
}

function auditedFields(row: ServicePanel): Prisma.InputJsonObject {
  const { title, unit, style, limitValue, limitLabel, seriesLabel, replaces, hidden, version } = row;
  const queries = Array.isArray(row.queries) ? (row.queries as Prisma.InputJsonArray) : [];
  return { title, unit, style, limitValue, limitLabel, seriesLabel, replaces, hidden, version, queries };
}
