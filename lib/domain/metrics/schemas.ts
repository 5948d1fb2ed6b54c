import { z } from "zod";

export const ranges = { "15m": 900, "1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 604_800 } as const;
export type Range = keyof typeof ranges;
export const rangeSchema = z.enum(Object.keys(ranges) as [Range, ...Range[]]).default("1h");

export type Unit = "per-second" | "ratio" | "seconds" | "count" | "bytes" | "cores";

/** One line of a chart: points are [unix seconds, value]; null = a gap. */
export type Series = { name: string; points: [number, number | null][] };

/** One chart of a service with its data, as the page draws it. */
export type Panel = {
  id: string;
  title: string;
  unit: Unit;
  /** A limit to draw as a line, with its name; null for none. */
  limit: { value: number; label: string } | null;
  /** percentiles: series are p50, p95, p99 in order. */
  style: "lines" | "percentiles" | "stacked";
  expressions: { name: string; expr: string }[];
  series: Series[];
  stepSeconds: number;
  /** When Prometheus answered. */
  at: string | null;
  /** Why there is nothing or nothing new to draw; null when all is well. */
  problem: string | null;
};

export type PanelsAnswer = { range: Range; from: number; to: number; panels: Panel[] };
