import { z } from "zod";
import { authorise, type Context, translateDatabaseErrors } from "../../context.ts";
import { parseInput } from "../../validation.ts";
import type { IncidentTrends, Severity } from "../schemas.ts";
import { clockOf } from "../stored.ts";
import { trendsOf } from "./trends.ts";

/** GET /api/incidents/trends */
export const trendsSchema = z.object({
  days: z.coerce.number().int().min(1, "Give 1 day or more.").max(1_100, "Give at most 1100 days.").default(90),
});

/** How long incidents of the last days took to be detected, acknowledged, mitigated and resolved, and how far apart they were. */
export async function getIncidentTrends(context: Context, input: unknown): Promise<IncidentTrends> {
  authorise(context, "viewer", "see the trends of incidents");
  const { days } = parseInput(trendsSchema, input);
  const to = context.clock();
  const from = new Date(to.getTime() - days * 86_400_000);
  const rows = await translateDatabaseErrors(() =>
    context.db.incident.findMany({
      where: {
        impactStartedAt: { lt: to },
        OR: [{ impactStartedAt: { gte: from } }, { resolvedAt: null }, { resolvedAt: { gte: from } }],
      },
      select: {
        severity: true,
        isDrill: true,
        services: true,
        impactStartedAt: true,
        impactStartSource: true,
        detectedAt: true,
        acknowledgedAt: true,
        mitigatedAt: true,
        resolvedAt: true,
      },
    }),
  );
  const incidents = rows.map(({ severity, isDrill, services, ...times }) => ({
    severity: severity as Severity,
    isDrill,
    services: services.map(({ namespace, service }) => ({ namespace, name: service })),
    clock: clockOf(times),
  }));
  return trendsOf(incidents, from, to);
}
