import { z } from "zod";
import { DomainError } from "#lib/domain/errors.ts";

/** One series: its labels, and points of [unix seconds, value]. NaN and infinite values are null. */
export type PrometheusSeries = { labels: Record<string, string>; points: [number, number | null][] };

/** Something that Prometheus scrapes. lastScrapeAt is ISO 8601, null before the first scrape. */
export type ScrapeTarget = {
  labels: Record<string, string>;
  scrapePool: string;
  health: "up" | "down" | "unknown";
  lastError: string;
  lastScrapeAt: string | null;
};

/** One value with its labels. */
export type PrometheusSample = { labels: Record<string, string>; value: number | null };

const labelsSchema = z.record(z.string(), z.string());
const pointSchema = z.tuple([z.number(), z.string()]);
const answerSchema = z.object({ status: z.literal("success"), data: z.unknown() });
const errorSchema = z.object({ status: z.literal("error"), error: z.string() });
const vectorSchema = z.object({
  resultType: z.literal("vector"),
  result: z.array(z.object({ metric: labelsSchema, value: pointSchema })),
});
// The points are read by hand below: there are too many of them for a schema.
const matrixSchema = z.object({
  resultType: z.literal("matrix"),
  result: z.array(z.object({ metric: labelsSchema, values: z.array(z.unknown()) })),
});

const targetsSchema = z.object({
  activeTargets: z.array(
    z.object({
      labels: labelsSchema,
      scrapePool: z.string(),
      health: z.enum(["up", "down", "unknown"]),
      lastError: z.string(),
      lastScrape: z.string(),
    }),
  ),
});

const ruleSchema = z.object({
  type: z.enum(["alerting", "recording"]),
  name: z.string(),
  query: z.string(),
  /** `for` and `keep_firing_for`, in seconds. */
  duration: z.number().optional(),
  keepFiringFor: z.number().optional(),
  labels: labelsSchema.optional(),
  annotations: labelsSchema.optional(),
  state: z.enum(["firing", "pending", "inactive"]).optional(),
  health: z.string(),
  lastError: z.string().optional(),
  lastEvaluation: z.string().optional(),
  evaluationTime: z.number().optional(),
  alerts: z.array(z.object({ state: z.string() })).optional(),
});
const rulesSchema = z.object({
  groups: z.array(z.object({ name: z.string(), file: z.string(), rules: z.array(ruleSchema) })),
});

/** Rules that are evaluated together, with how each stands. */
export type RuleGroup = z.output<typeof rulesSchema>["groups"][number];

const maxAnswerBytes = 32 * 1024 * 1024;

export type PrometheusOptions = { url: string; timeoutMs?: number };

/** Prometheus' HTTP API. Rejects with prometheus-unavailable (no answer in time) or prometheus-refused (a bad expression). */
export class PrometheusClient {
  readonly #url: string;
  readonly #timeoutMs: number;

  constructor({ url, timeoutMs = 8_000 }: PrometheusOptions) {
    this.#url = url.replace(/\/+$/, "");
    this.#timeoutMs = timeoutMs;
  }

  /** Evaluates an expression at a moment, by default now. */
  async query(
    expr: string,
    { at, timeoutMs = this.#timeoutMs }: { at?: Date; timeoutMs?: number } = {},
  ): Promise<PrometheusSample[]> {
    const parameters: Record<string, string> = { query: expr, timeout: `${timeoutMs}ms` };
    if (at) parameters.time = at.toISOString();
    const data = await this.#ask("/api/v1/query", parameters, timeoutMs);
    return parse(vectorSchema, data).result.map(({ metric, value }) => ({ labels: metric, value: toNumber(value[1]) }));
  }

  /** Evaluates an expression over a range; times and step in seconds. More series than `maxSeries` are refused. */
  async queryRange(
    expr: string,
    range: { from: number; to: number; stepSeconds: number },
    { maxSeries = Number.POSITIVE_INFINITY, timeoutMs = this.#timeoutMs }: { maxSeries?: number; timeoutMs?: number } = {},
  ): Promise<PrometheusSeries[]> {
    const parameters: Record<string, string> = {
      query: expr,
      start: `${range.from}`,
      end: `${range.to}`,
      step: `${range.stepSeconds}`,
      timeout: `${timeoutMs}ms`,
    };
    // Known to Prometheus 3; an older one ignores it.
    if (Number.isFinite(maxSeries)) parameters.limit = `${maxSeries + 1}`;
    const data = await this.#ask("/api/v1/query_range", parameters, timeoutMs);
    const { result } = parse(matrixSchema, data);
    if (result.length > maxSeries) throw new DomainError("prometheus-refused", manySeries(result.length, maxSeries));
    return result.map(({ metric, values }) => ({ labels: metric, points: values.map(readPoint) }));
  }

  /** Names of the metrics of the series that the selector matches, within a time range in seconds. */
  async metricNames(selector: string, range: { from: number; to: number }): Promise<string[]> {
    const data = await this.#ask("/api/v1/label/__name__/values", {
      "match[]": selector,
      start: `${range.from}`,
      end: `${range.to}`,
    });
    return parse(z.array(z.string()), data);
  }

  /** What it scrapes now, of all jobs or of one, and how the last scrape of each went. */
  async listScrapeTargets(scrapePool?: string): Promise<ScrapeTarget[]> {
    const data = await this.#ask("/api/v1/targets", { state: "active", ...(scrapePool === undefined ? {} : { scrapePool }) });
    return parse(targetsSchema, data).activeTargets.map(({ lastScrape, ...target }) => ({
      ...target,
      // Prometheus writes year 1 for a target that it has not scraped yet.
      lastScrapeAt: lastScrape.startsWith("0001-") ? null : new Date(lastScrape).toISOString(),
    }));
  }

  /** The rules that it evaluates, with how each stands. */
  async rules(): Promise<RuleGroup[]> {
    return parse(rulesSchema, await this.#ask("/api/v1/rules", {})).groups;
  }

  async #ask(path: string, parameters: Record<string, string>, timeoutMs = this.#timeoutMs): Promise<unknown> {
    let status: number;
    let body: string;
    try {
      const isForm = path.startsWith("/api/v1/query");
      const form = new URLSearchParams(parameters);
      const response = await fetch(isForm ? `${this.#url}${path}` : `${this.#url}${path}?${form}`, {
        method: isForm ? "POST" : "GET",
        body: isForm ? form : undefined,
        signal: AbortSignal.timeout(timeoutMs),
        redirect: "error",
      });
      status = response.status;
      body = await readLimited(response, maxAnswerBytes);
    } catch (error) {
      if (error instanceof TooLongError) throw new DomainError("prometheus-refused", error.message, {}, { cause: error });
      throw unavailable(describe(error, timeoutMs), error);
    }
    const json = parseJson(body);
    const answer = answerSchema.safeParse(json);
    if (answer.success) return answer.data.data;
    const refusal = errorSchema.safeParse(json);
    if (refusal.success && status >= 400 && status < 500) {
      throw new DomainError("prometheus-refused", `Prometheus refused the query: ${refusal.data.error}`);
    }
    throw unavailable(refusal.success ? refusal.data.error : `it answered with HTTP ${status}`, undefined);
  }
}

class TooLongError extends Error {}

async function readLimited(response: Response, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > limit) throw new TooLongError(`Prometheus' answer is longer than ${limit / 1024 / 1024} MiB; ${advice}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

const advice = "sum its series by a label, as in sum by (pod) (...), or take a shorter time.";

function manySeries(found: number, limit: number): string {
  const count = found > limit + 1 ? found.toLocaleString("en-US") : `more than ${limit}`;
  return `This gives ${count} series, and at most ${limit} are drawn; ${advice}`;
}

function readPoint(point: unknown): [number, number | null] {
  if (Array.isArray(point) && typeof point[0] === "number" && typeof point[1] === "string") return [point[0], toNumber(point[1])];
  throw unavailable("its answer has a form that is not known", undefined);
}

function parse<S extends z.ZodType>(schema: S, data: unknown): z.output<S> {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  throw unavailable("its answer has a form that is not known", result.error);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function toNumber(text: string): number | null {
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

function describe(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${timeoutMs / 1000} s`;
  const cause = error.cause instanceof Error ? error.cause : error;
  if ("code" in cause && cause.code === "ECONNREFUSED") return "nothing listens at its address";
  return cause.message;
}

function unavailable(what: string, cause: unknown): DomainError {
  return new DomainError("prometheus-unavailable", `Prometheus cannot be asked: ${what}.`, {}, { cause });
}

/** A value as PromQL text in double quotes. */
export function quoteLabel(value: string): string {
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}
