import { createHash } from "node:crypto";
import { z } from "zod";
import type { ServicePanel } from "#lib/database/generated/client.ts";
import { type ConsoleContext, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { ServiceRef } from "../fleet/schemas.ts";
import { metricsOfService } from "./promql.ts";
import { type HiddenPanel, type Panel, panelStyles, units } from "./schemas.ts";
import { type PanelTemplate, templatesFor } from "./templates.ts";

/** A chart as it is to be drawn, of the kind or of the service's own. */
export type PanelDefinition = PanelTemplate & Pick<Panel, "origin" | "panelId" | "version">;

/** Every chart of a service. */
export type PanelSet = {
  shown: PanelDefinition[];
  hidden: HiddenPanel[];
  /** Why the service's own charts are missing; null when they are not. */
  notice: string | null;
  /** Other for every other set. */
  key: string;
};

const keepMs = 2_000;
const rowBytes = 2_000;
const storedQueries = z.array(z.object({ name: z.string(), expr: z.string() }));

/** The kind's charts with those of the service's own in their places. They are read at most once in two seconds for all viewers. */
export function readPanelSet(
  { db, panels, logger }: Pick<ConsoleContext, "db" | "panels" | "logger">,
  { namespace, name }: ServiceRef,
  kind: string,
): Promise<PanelSet> {
  return panels.reads.get(`set ${namespace}/${name} ${kind}`, async () => {
    try {
      const rows = await translateDatabaseErrors(() =>
        db.servicePanel.findMany({ where: { namespace, service: name }, orderBy: [{ position: "asc" }, { id: "asc" }] }),
      );
      return { value: combinePanels(templatesFor(kind), rows), keepMs, bytes: rowBytes * (rows.length + 1) };
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      logger.warn({ err: error, namespace, service: name }, "a service's own charts cannot be read");
      const notice = "The charts of this service's own cannot be read now; these are the charts of its kind.";
      return { value: { ...combinePanels(templatesFor(kind), []), notice }, keepMs, bytes: rowBytes };
    }
  });
}

/** The next reader sees what was just written. */
export function forgetPanelSet({ panels }: Pick<ConsoleContext, "panels">, { namespace, name }: ServiceRef, kind: string): void {
  panels.reads.forget(`set ${namespace}/${name} ${kind}`);
}

/** The charts in their order: the kind's, each replaced or hidden where a row says so, then those that were added. Pure. */
export function combinePanels(templates: readonly PanelTemplate[], rows: readonly ServicePanel[]): PanelSet {
  const shown: PanelDefinition[] = [];
  const hidden: HiddenPanel[] = [];
  const bySlot = new Map(rows.flatMap((row) => (row.replaces === null ? [] : [[row.replaces, row]])));
  for (const template of templates) {
    const row = bySlot.get(template.id);
    if (!row) shown.push({ ...template, origin: "kind", panelId: null, version: 0 });
    else if (row.hidden)
      hidden.push({ id: template.id, panelId: row.id, version: row.version, title: row.title || template.title });
    else shown.push(define(row, template.id));
  }
  const slots = new Set(templates.map(({ id }) => id));
  for (const row of rows) {
    // The kind may have lost the chart that this one replaced, or the service has another kind now.
    const isAdded = row.replaces === null || !slots.has(row.replaces);
    if (isAdded && !row.hidden) shown.push(define(row, null));
  }
  const versions = JSON.stringify([templates.map(({ id }) => id), rows.map(({ id, version }) => [id, version])]);
  return { shown, hidden, notice: null, key: createHash("sha256").update(versions).digest("base64url").slice(0, 16) };
}

function define(row: ServicePanel, slot: string | null): PanelDefinition {
  const queries = storedQueries.safeParse(row.queries).data ?? [];
  return {
    id: slot ?? row.id,
    origin: slot === null ? "added" : "replaced",
    panelId: row.id,
    version: row.version,
    title: row.title,
    unit: units.find((unit) => unit === row.unit) ?? "count",
    style: panelStyles.find((style) => style === row.style) ?? "lines",
    limit: row.limitValue === null ? null : { value: row.limitValue, label: row.limitLabel ?? "limit" },
    states: null,
    queries,
    seriesLabel: row.seriesLabel,
    metrics: [...new Set(queries.flatMap(({ expr }) => metricsOfService(expr)))],
  };
}
