import { z } from "zod";
import type { TopTalker } from "../../alerts/schemas.ts";
import type { ItemView } from "../action-items/schemas.ts";
import type { ClockFigures } from "../clock.ts";
import type { IncidentView, Severity } from "../schemas.ts";

/** GET /api/incidents/trends and GET /api/services/:namespace/:name/reliability */
export const trendsSchema = z.object({
  days: z.coerce.number().int().min(1, "Give 1 day or more.").max(1_100, "Give at most 1100 days.").default(90),
});

/** How long something took, in seconds, over those incidents of which it is known. */
export type FigureSummary = {
  n: number;
  /** Of how many that are over nobody knows it: they are left out. */
  missing: number;
  /** Of how many it is not known yet: they are open. */
  pending: number;
  median: number | null;
  p90: number | null;
  mean: number | null;
};
export type TrendRow = { incidents: number; figures: Record<keyof ClockFigures, FigureSummary> };

/** Its MTBF in seconds, null without a failure; `failures` are its P1 and P2, downtime is the union of their times. */
export type ServiceTrend = TrendRow & {
  namespace: string;
  service: string;
  /** From when on there was the service in this time. */
  observedFrom: string;
  failures: number;
  downtimeSeconds: number;
  mtbf: number | null;
};

/** By the start of their impact, the newest first, without drills. Before `knownFrom` not all are known; null: all are. */
export type IncidentCalendar = {
  starts: { id: string; number: number; title: string; severity: Severity; at: string }[];
  knownFrom: string | null;
};

/** GET /api/incidents/trends?days=90: drills are left out, and counted. */
export type IncidentTrends = {
  from: string;
  to: string;
  drillsLeftOut: number;
  all: TrendRow;
  bySeverity: (TrendRow & { severity: Severity })[];
  byService: ServiceTrend[];
  calendar: IncidentCalendar;
};

/** GET /api/services/:namespace/:name/reliability?days=90: incidents and items are the newest and the first due, 100 at most. */
export type ServiceReliability = {
  from: string;
  to: string;
  drillsLeftOut: number;
  trend: ServiceTrend;
  calendar: IncidentCalendar;
  incidents: IncidentView[];
  /** The alerts that came most often. */
  worstAlerts: TopTalker[];
  openItems: ItemView[];
};
