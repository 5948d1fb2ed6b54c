import type { Database } from "#lib/database/client.ts";
import { Prisma } from "#lib/database/generated/client.ts";
import type { Context } from "../context.ts";
import { authorise, type Transaction, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import { parseInput } from "../validation.ts";
import { formatMatchers, matchersCondition } from "./matchers.ts";
import { withPersonsPatterns } from "./pattern-limit.ts";
import { readSources, viewEpisodes } from "./rows.ts";
import { readRules } from "./rules.ts";
import type { RuleView } from "./schemas.ts";
import { type LabelMatcher, type PreviewSilenceInput, previewSilenceSchema, type SilencePreview } from "./silences-schemas.ts";
import { watchdogName } from "./webhook-body.ts";

const maxAlerts = 100;

/** What a silence with these matchers would hide now: open alerts, and the alerts of which rules. Nothing is written. */
export async function previewSilence(context: Context, input: PreviewSilenceInput | unknown): Promise<SilencePreview> {
  authorise(context, "viewer", "see what a silence would hide");
  const { source, matchers } = parseInput(previewSilenceSchema, input);
  const { db, clock } = context;
  await checkMatchers(db, matchers);
  const [sources, rules] = await Promise.all([translateDatabaseErrors(() => readSources(db)), readRules(context)]);
  const alerting = rules.items.filter(({ type }) => type === "alerting");
  const { found, hiddenRules, hidesWatchdog } = await translateDatabaseErrors(() =>
    withPersonsPatterns(
      db,
      async (transaction) => ({
        found: await findHidden(transaction, source, matchers),
        hiddenRules: await matchRules(transaction, alerting, matchers),
        hidesWatchdog: (await matchLabels(transaction, [{ alertname: watchdogName }], matchers)).has(0),
      }),
      { field: "matchers" },
    ),
  );
  const ids = found.slice(0, maxAlerts).map(({ id }) => id);
  const episodes = await db.alertEpisode.findMany({
    where: { id: { in: ids } },
    orderBy: [{ startsAt: "desc" }, { id: "desc" }],
  });
  return {
    text: formatMatchers(matchers),
    alerts: await viewEpisodes(db, episodes, sources, clock()),
    alertCount: found.length,
    rules: hiddenRules,
    rulesProblem: rules.problem,
    warnings: warn({ hidesWatchdog, matchers, alertCount: found.length, hiddenRules, allRules: alerting.length }),
  };
}

/** Refuses what Alertmanager refuses, with a sentence: bad patterns, and matchers that alerts without any of the labels match. */
export async function checkMatchers(db: Database, matchers: readonly LabelMatcher[]): Promise<void> {
  const matched = await translateDatabaseErrors(() =>
    withPersonsPatterns(db, (transaction) => matchLabels(transaction, [{}], matchers), { field: "matchers" }),
  );
  if (!matched.has(0)) return;
  const message = "At least one matcher must ask for something: these hide every alert that has none of the labels.";
  throw new DomainError("invalid-input", message, { fields: { matchers: [message] } });
}

/** Which sets of labels satisfy every matcher, by their place; a label that is null is not known and satisfies any. */
async function matchLabels(
  transaction: Transaction,
  sets: readonly Record<string, string | null>[],
  matchers: readonly LabelMatcher[],
): Promise<Set<number>> {
  const isUnknown = ({ name }: LabelMatcher) => Prisma.sql`given.labels -> ${name} = 'null'::jsonb`;
  const conditions = matchers.map(
    (matcher) => Prisma.sql`(${isUnknown(matcher)} OR ${matchersCondition([matcher], Prisma.sql`given.labels`)[0]})`,
  );
  const rows = await transaction.$queryRaw<{ place: number }[]>`
    SELECT given.place::int AS place FROM jsonb_array_elements(${JSON.stringify(sets)}::jsonb) WITH ORDINALITY AS given (labels, place)
    WHERE ${Prisma.join(conditions, " AND ")}`;
  return new Set(rows.map(({ place }) => place - 1));
}

function findHidden(
  transaction: Transaction,
  source: string | undefined,
  matchers: readonly LabelMatcher[],
): Promise<{ id: string }[]> {
  const conditions = matchersCondition(matchers, Prisma.sql`e.labels`);
  if (source !== undefined) conditions.push(Prisma.sql`e.source_id IN (SELECT id FROM alert_sources WHERE name = ${source})`);
  return transaction.$queryRaw<{ id: string }[]>`
    SELECT e.id FROM alert_episodes e WHERE e.state = 'firing' AND ${Prisma.join(conditions, " AND ")}
    ORDER BY e.starts_at DESC, e.id DESC`;
}

/** A rule is hidden for certain when its own labels satisfy every matcher, perhaps when a label that only alerts have decides it. */
async function matchRules(
  transaction: Transaction,
  rules: readonly RuleView[],
  matchers: readonly LabelMatcher[],
): Promise<SilencePreview["rules"]> {
  const known = rules.map((rule) => {
    const own: Record<string, string> = { ...rule.labels, alertname: rule.name };
    // A label whose value is a template is known only of each alert.
    return matchers.map(({ name }) => [name, own[name]?.includes("{{") ? null : (own[name] ?? null)] as const);
  });
  const matched = await matchLabels(
    transaction,
    known.map((entries) => Object.fromEntries(entries)),
    matchers,
  );
  return rules.flatMap(({ name, group }, place) => {
    if (!matched.has(place)) return [];
    const isCertain = known[place]?.every(([, value]) => value !== null);
    return [{ name, group, hides: isCertain ? ("always" as const) : ("maybe" as const) }];
  });
}

type Warned = {
  hidesWatchdog: boolean;
  matchers: readonly LabelMatcher[];
  alertCount: number;
  hiddenRules: SilencePreview["rules"];
  allRules: number;
};

function warn({ hidesWatchdog, matchers, alertCount, hiddenRules, allRules }: Warned): string[] {
  const warnings: string[] = [];
  if (hidesWatchdog) warnings.push("It would hide the Watchdog: Switchyard could not tell any more whether alerts still arrive.");
  if (matchers.every(({ isEqual }) => !isEqual)) warnings.push("It has only negative matchers: it hides everything else.");
  if (allRules > 0 && hiddenRules.length === allRules) warnings.push("It could hide the alerts of every rule.");
  if (alertCount === 0) warnings.push("No open alert matches it now.");
  return warnings;
}
