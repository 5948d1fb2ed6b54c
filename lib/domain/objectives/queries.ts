import type { PrometheusClient } from "#lib/prometheus/client.ts";
import { authorise, type ConsoleContext, translateDatabaseErrors } from "../context.ts";
import { type Known, SharedAnswer } from "../shared-answer.ts";
import { type BurnWindow, burnWindows, type Counts, judgeIndicator } from "./burn.ts";
import { chooseObjective } from "./held.ts";
import { countSlow, queryUsage, type Usage } from "./indicators.ts";
import type { IndicatorState, Objective, ObjectivesAnswer, ServiceObjectives } from "./schemas.ts";

const burnFreshMs = 30_000;
const budgetFreshMs = 300_000;
const daySeconds = 86_400;
/** Long windows read much: more than a chart may take. */
const budgetTimeoutMs = 30_000;

type Fleet = Map<string, Usage>;

/** What all services did over the windows that objectives are judged by, asked once for all viewers and only while one looks. */
export class UsageStore {
  readonly #prometheus: PrometheusClient | null;
  readonly #now: () => Date;
  readonly #recent: SharedAnswer<Record<BurnWindow, Fleet>>;
  readonly #whole = new Map<number, SharedAnswer<Fleet>>();

  constructor(prometheus: PrometheusClient | null, now: () => Date) {
    this.#prometheus = prometheus;
    this.#now = now;
    this.#recent = new SharedAnswer(() => this.#readRecent(), { freshMs: burnFreshMs, now });
  }

  recent(): Promise<Known<Record<BurnWindow, Fleet>>> {
    return this.#recent.get();
  }

  whole(windowDays: number): Promise<Known<Fleet>> {
    const known =
      this.#whole.get(windowDays) ?? new SharedAnswer(() => this.#read(windowDays * daySeconds), this.#budgetOptions());
    this.#whole.set(windowDays, known);
    return known.get();
  }

  #budgetOptions() {
    return { freshMs: budgetFreshMs, now: this.#now };
  }

  async #readRecent(): Promise<Record<BurnWindow, Fleet>> {
    const windows = Object.keys(burnWindows) as BurnWindow[];
    const fleets = await Promise.all(windows.map((window) => this.#read(burnWindows[window])));
    return Object.fromEntries(windows.map((window, index) => [window, fleets[index]])) as Record<BurnWindow, Fleet>;
  }

  async #read(windowSeconds: number): Promise<Fleet> {
    return this.#prometheus ? queryUsage(this.#prometheus, windowSeconds, budgetTimeoutMs) : new Map();
  }
}

/** What every service is held to and how it stands. A service without an objective is among them, with none. */
export async function listObjectives(context: ConsoleContext): Promise<ObjectivesAnswer> {
  authorise(context, "viewer", "see objectives");
  const services = context.fleet.listServices();
  const rows = await translateDatabaseErrors(() => context.db.serviceObjective.findMany());
  const set = new Map(rows.map((row) => [`${row.namespace}/${row.service}`, row]));
  const held = services.map((service) => ({
    service,
    ...chooseObjective(service.about.objectives, set.get(service.id) ?? null),
  }));
  const days = [...new Set(held.flatMap(({ objective }) => (objective ? [objective.windowDays] : [])))];
  const [recent, ...wholes] = await Promise.all([
    context.usage.recent(),
    ...days.map((windowDays) => context.usage.whole(windowDays)),
  ]);
  const answers = [recent, ...wholes];
  const times = answers.map(({ at }) => at?.getTime() ?? 0);
  return {
    services: Object.fromEntries(
      held.map(({ service, objective, source, problems }): [string, ServiceObjectives] => {
        const whole = wholes[days.indexOf(objective?.windowDays ?? -1)]?.value ?? null;
        const indicators = objective ? judge(service.id, objective, whole, recent.value) : [];
        return [service.id, { objective, source, problems, indicators }];
      }),
    ),
    at: Math.min(...times) === 0 ? null : new Date(Math.min(...times)).toISOString(),
    problem: context.prometheus
      ? (answers.find(({ problem }) => problem)?.problem ?? null)
      : "No Prometheus is connected: nothing is measured.",
  };
}

function judge(
  id: string,
  objective: Objective,
  whole: Fleet | null,
  recent: Record<BurnWindow, Fleet> | null,
): IndicatorState[] {
  const usage = whole?.get(id) ?? null;
  const within = (count: (usage: Usage) => Counts | null) =>
    Object.fromEntries(
      Object.entries(recent ?? {}).flatMap(([window, fleet]) => {
        const found = fleet.get(id);
        const counts = found ? count(found) : null;
        return counts ? [[window, counts]] : [];
      }),
    ) as Partial<Record<BurnWindow, Counts>>;
  const states: IndicatorState[] = [];
  if (objective.availability !== null) {
    const seenBy = usage?.prober ? "prober" : "itself";
    const count = (one: Usage) => (seenBy === "prober" ? one.prober : one.own);
    const standing = judgeIndicator(objective.availability, objective.windowDays, usage && count(usage), within(count));
    states.push({ kind: "availability", target: objective.availability, threshold: null, seenBy, ...standing });
  }
  if (objective.latencyRatio !== null && objective.latencySeconds !== null) {
    const { latencyRatio, latencySeconds: wantedSeconds, windowDays } = objective;
    const slow = usage && countSlow(usage, wantedSeconds);
    const count = (one: Usage) => countSlow(one, wantedSeconds)?.counts ?? null;
    const standing = judgeIndicator(latencyRatio, windowDays, slow?.counts ?? null, within(count));
    const threshold = { wantedSeconds, countedSeconds: slow?.countedSeconds ?? wantedSeconds };
    states.push({ kind: "latency", target: latencyRatio, threshold, seenBy: "itself", ...standing });
  }
  return states;
}
