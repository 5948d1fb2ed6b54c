import { z } from "zod";

export const ranges = { "15m": 900, "1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 604_800 } as const;
export type Range = keyof typeof ranges;

/** What is refused before Prometheus is asked, and what is not drawn of what it answers. Spans in seconds. */
export const panelLimits = { spanSeconds: 31 * 86_400, pointsPerSeries: 11_000, series: 500, queries: 8, expressionLength: 4000 };

/** What a chart is compared with: the same span one day or one week before. The values are seconds. */
export const comparisons = { day: 86_400, week: 604_800 } as const;
export type Comparison = keyof typeof comparisons;

const seconds = z.coerce.number().int().nonnegative();

/**
 * Which time to chart: a running range that ends now, or a fixed one (`from` and `to`, Unix seconds). `since` asks for the tail
 * alone: take it from the last answer's `tailSince`. `step` is the seconds between two points; without it the span decides.
 */
export const panelsQuerySchema = z
  .object({
    range: z.enum(Object.keys(ranges) as [Range, ...Range[]]).optional(),
    from: seconds.optional(),
    to: seconds.optional(),
    compare: z.enum(Object.keys(comparisons) as [Comparison, ...Comparison[]]).optional(),
    since: seconds.optional(),
    step: z.coerce.number().int().positive().optional(),
    /** One chart only, by its id; the first one where there is none of that id. */
    panel: z.string().max(100).optional(),
    /** track: a rollout's candidate beside what it is to replace, on each chart that can show both. */
    by: z.enum(["track"]).optional(),
  })
  .refine(({ from, to }) => (from === undefined) === (to === undefined), "A fixed time needs both from and to.")
  .refine(({ range, from }) => range === undefined || from === undefined, "Give a range or from and to, not both.");
export type PanelsQuery = z.input<typeof panelsQuerySchema>;

/** What may stand in an expression for what only the service and the time decide, and where. */
export const placeholders = {
  $in: "the service's matchers; write it inside braces, as in up{$in}",
  $namespace: "the matcher of the service's namespace; write it inside braces, as in up{$namespace}",
  $window: "the window of a rate; write it inside brackets, as in rate(errors_total{$in}[$window])",
  $wide: "a window of at least 10 minutes; write it inside brackets, as in increase(errors_total{$in}[$wide])",
} as const;
export const units = ["per-second", "ratio", "seconds", "count", "bytes", "cores"] as const;
export type Unit = (typeof units)[number];

export const panelStyles = ["lines", "percentiles", "stacked"] as const;
/** percentiles: series are p50, p95, p99 in order. */
export type PanelStyle = (typeof panelStyles)[number];

/** One line of a chart: points are [unix seconds, value]; null = a gap. */
export type Series = { name: string; points: [number, number | null][] };

/** One query of a chart, as written: `$in` stands for the service's matchers, `$window` for the window of a rate. */
export type PanelQuery = { name: string; expr: string };

/** One query as Prometheus gets it; `prometheusUrl` opens it there over the chart's time, null when no address is known. */
export type PanelExpression = PanelQuery & { prometheusUrl: string | null };

/** One chart of a service with its data, as the page draws it. */
export type Panel = {
  /** The place on the page: the id of the kind's chart ("latency"), also when a chart of one's own replaces it; else `panelId`. */
  id: string;
  /** kind: the kind's chart as it comes; replaced: this service has its own in its place; added: a chart of one's own. */
  origin: "kind" | "replaced" | "added";
  /** The stored chart's id for PATCH and DELETE; null for a chart of the kind. */
  panelId: string | null;
  /** The stored chart's version, which a change has to name; 0 for a chart of the kind. */
  version: number;
  title: string;
  unit: Unit;
  /** A limit to draw as a line, with its name; null for none. */
  limit: { value: number; label: string } | null;
  style: PanelStyle;
  /** Words for values that are states (0 = closed), for the axis and the hover; null for plain numbers. */
  states: { value: number; label: string }[] | null;
  /** The queries as written, for the editor. */
  queries: PanelQuery[];
  /** The label whose value names each series; null when the query's name does. */
  seriesLabel: string | null;
  /** The queries as asked, in the order of `queries`. */
  expressions: PanelExpression[];
  /** In a tail answer only the points from `since` on, that one again included: it may have been incomplete. */
  series: Series[];
  /** The same span a day or a week before, its times moved onto this span; null without a comparison. */
  compared: Series[] | null;
  /** Changes when the series are others than before or are put together differently: a tail fits only the same shape. */
  shape: string;
  stepSeconds: number;
  /** The last time that the data reaches, Unix seconds: earlier than the answer's `to` while Prometheus is slow or away. */
  dataTo: number;
  /** When Prometheus answered. */
  at: string | null;
  /** Why there is nothing or nothing new to draw; null when all is well. */
  problem: string | null;
};

/** A kind's chart that this service does not show, so that it can be shown again by PATCH {version, hidden: false}. */
export type HiddenPanel = { id: string; panelId: string; version: number; title: string };

export type PanelsAnswer = {
  /** null for a fixed time. */
  range: Range | null;
  from: number;
  to: number;
  stepSeconds: number;
  compare: Comparison | null;
  /** Whether the series hold only what came since `since`. A tail that is asked too late is answered in full. */
  isTail: boolean;
  /** What to send as `since` next time, Unix seconds. */
  tailSince: number;
  /** What else the page has to say above the charts, e.g. that the service's own charts cannot be read; null for nothing. */
  notice: string | null;
  panels: Panel[];
  hidden: HiddenPanel[];
};

/** A chart as it would be drawn if it were saved. */
export type PanelPreview = Pick<PanelsAnswer, "range" | "from" | "to" | "stepSeconds"> & { panel: Panel };

/** Names of metrics for completion: those that the service had in the last hour. */
export type MetricNames = { names: string[] };

const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

const panelFields = z.object({
  title: z.string().trim().min(1, "A chart needs a title.").max(80),
  unit: z.enum(units),
  style: z.enum(panelStyles).default("lines"),
  limit: z
    .object({ value: z.number(), label: z.string().trim().min(1).max(40) })
    .nullable()
    .default(null),
  queries: z
    .array(
      z.object({
        name: z.string().trim().max(60).default(""),
        expr: z.string().trim().min(1, "Write an expression.").max(panelLimits.expressionLength),
      }),
    )
    .min(1, "A chart needs an expression.")
    .max(panelLimits.queries),
  seriesLabel: z.string().trim().regex(labelName, "This is no name of a label.").nullable().default(null),
});

const kindPanelId = z.string().min(1).max(40);

/** A chart to save for one service; with `replaces` it stands in the place of the kind's chart of that id. */
export const createPanelSchema = panelFields.extend({ replaces: kindPanelId.nullable().default(null) }).strict();
/** A chart to try; it is drawn over the time of the query and not stored. */
export const previewPanelSchema = panelFields.extend({ replaces: kindPanelId.nullable().default(null) });
/** Not to show the kind's chart of this id. */
export const hidePanelSchema = z.object({ replaces: kindPanelId, hidden: z.literal(true) }).strict();
/** A change of a stored chart: all its fields again, and the version that the person saw. */
export const changePanelSchema = panelFields.extend({ version: z.number().int().positive() }).strict();
export const panelVersionSchema = z.object({ version: z.coerce.number().int().positive() });
/** Hides the chart that stands in the place of the kind's, or shows it again. */
export const showPanelSchema = z.object({ version: z.number().int().positive(), hidden: z.boolean() }).strict();
export type CreatePanelInput = z.input<typeof createPanelSchema>;
export type HidePanelInput = z.input<typeof hidePanelSchema>;
export type ChangePanelInput = z.input<typeof changePanelSchema>;

/** What POST, PATCH and DELETE answer. */
export type SavedPanel = { panelId: string; version: number; replaces: string | null; hidden: boolean };

export const checkExpressionSchema = z.object({ expr: z.string().max(panelLimits.expressionLength) }).strict();

/** What is known of an expression before it is saved. */
export type ExpressionCheck = {
  /** Whether it can be saved: no syntax error, and Prometheus did not refuse it. */
  isGood: boolean;
  /** Places in the text as typed, in characters from 0. */
  errors: { from: number; to: number; message: string }[];
  /** What it does that is probably not meant; it can be saved all the same. */
  warnings: string[];
  /** The expression as Prometheus gets it; null when it has a syntax error. */
  filled: string | null;
  /** How many series it gives now; null when Prometheus was not asked or did not answer. */
  seriesCount: number | null;
  /** The names of labels that these series have: choices for `seriesLabel`. */
  labelNames: string[];
  /** The first few of them. */
  sample: { labels: Record<string, string>; value: number | null }[];
  /** How long Prometheus took. */
  milliseconds: number | null;
  /** Why Prometheus did not say: it refused the expression (then it cannot be saved), or it cannot be asked. */
  problem: string | null;
};
