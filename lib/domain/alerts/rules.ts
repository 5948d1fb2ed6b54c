import type { RuleGroup } from "#lib/prometheus/client.ts";
import { authorise, type Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { parseInput } from "../validation.ts";
import { type RulesAnswer, type RulesInput, type RuleView, rulesSchema } from "./schemas.ts";

/** What Prometheus said last, for when it does not answer. One for each client, shared by all viewers. */
type Known = { items: RuleView[]; at: Date };
type RulesClient = NonNullable<Context["prometheus"]>;
const lastKnown = new WeakMap<RulesClient, Known>();
const underWay = new WeakMap<RulesClient, Promise<Known>>();

/** Prometheus' rules with their state; while it does not answer the last ones, with their age and what is wrong. */
export async function listRules(
  context: Context,
  input: RulesInput | unknown,
  prometheusUrl: string | null,
): Promise<RulesAnswer> {
  authorise(context, "viewer", "see rules");
  const filter = parseInput(rulesSchema, input);
  const { items, at, problem } = await readRules(context);
  return {
    items: items.filter((rule) => isWanted(rule, filter)).toSorted(byUrgency),
    at,
    problem,
    total: items.length,
    prometheusUrl,
  };
}

/** All rules, unfiltered: one question in flight for all that ask. */
export async function readRules({ prometheus, clock }: Context): Promise<Pick<RulesAnswer, "items" | "at" | "problem">> {
  if (!prometheus)
    return { items: [], at: null, problem: "No Prometheus is connected. Set PROMETHEUS_URL and start Switchyard again." };
  try {
    const { items, at } = await askOnce(prometheus, clock);
    return { items, at: at.toISOString(), problem: null };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const known = lastKnown.get(prometheus);
    return { items: known?.items ?? [], at: known?.at.toISOString() ?? null, problem: error.message };
  }
}

function askOnce(client: RulesClient, clock: () => Date): Promise<Known> {
  const present = underWay.get(client);
  if (present) return present;
  const asked = (async () => {
    try {
      const known = { items: flatten(await client.rules()), at: clock() };
      lastKnown.set(client, known);
      return known;
    } finally {
      underWay.delete(client);
    }
  })();
  underWay.set(client, asked);
  return asked;
}

function flatten(groups: readonly RuleGroup[]): RuleView[] {
  return groups.flatMap(({ name: group, file, rules }) =>
    rules.map((rule, index) => ({
      id: [file, group, rule.name, index].join(";"),
      type: rule.type,
      name: rule.name,
      group,
      file,
      query: rule.query,
      forSeconds: rule.duration ?? 0,
      keepFiringForSeconds: rule.keepFiringFor ?? 0,
      labels: rule.labels ?? {},
      annotations: rule.annotations ?? {},
      state: rule.type === "alerting" ? (rule.state ?? "inactive") : null,
      health: rule.health === "ok" || rule.health === "err" ? rule.health : ("unknown" as const),
      lastError: rule.lastError || null,
      lastEvaluation:
        rule.lastEvaluation && !rule.lastEvaluation.startsWith("0001-") ? new Date(rule.lastEvaluation).toISOString() : null,
      evaluationSeconds: rule.evaluationTime ?? null,
      firing: rule.alerts?.filter(({ state }) => state === "firing").length ?? 0,
      pending: rule.alerts?.filter(({ state }) => state === "pending").length ?? 0,
    })),
  );
}

type Filter = ReturnType<typeof rulesSchema.parse>;

function isWanted(rule: RuleView, { type, state, service, severity, search }: Filter): boolean {
  if (type && rule.type !== type) return false;
  const states: string[] = [rule.state ?? "", rule.health === "err" ? "failing" : ""];
  if (state?.length && !state.some((wanted) => states.includes(wanted))) return false;
  if (service?.length && !service.includes(rule.labels.service ?? "")) return false;
  if (severity?.length && !severity.includes(rule.labels.severity ?? "none")) return false;
  const text = [rule.name, rule.group, rule.query, ...Object.values(rule.labels), rule.annotations.summary]
    .join("\n")
    .toLowerCase();
  return (search?.toLowerCase().split(/\s+/) ?? []).every((word) => text.includes(word));
}

const stateOrder = ["firing", "pending", "inactive"];

/** What cannot be evaluated first, since it would not tell; then what fires. */
function byUrgency(a: RuleView, b: RuleView): number {
  const rank = ({ health, state }: RuleView) =>
    health === "err" ? -1 : state === null ? stateOrder.length : stateOrder.indexOf(state);
  return rank(a) - rank(b) || a.name.localeCompare(b.name) || a.id.localeCompare(b.id);
}
