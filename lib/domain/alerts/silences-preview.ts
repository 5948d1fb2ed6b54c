import type { Database } from "#lib/database/client.ts";
import { Prisma } from "#lib/database/generated/client.ts";
import type { Context } from "../context.ts";
import { authorise, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import { parseInput } from "../validation.ts";
import { explainBadPatterns, formatMatchers, matchersCondition } from "./matchers.ts";
import { readSources, viewEpisodes } from "./rows.ts";
import { readRules } from "./rules.ts";
import type { RuleView } from "./schemas.ts";
import { type LabelMatcher, type PreviewSilenceInput, previewSilenceSchema, type SilencePreview } from "./silences-schemas.ts";

const maxAlerts = 100;
const watchdog = "Watchdog";

/** What a silence with these matchers would hide now: open alerts, and the alerts of which rules. Nothing is written. */
export async function previewSilence(context: Context, input: PreviewSilenceInput | unknown): Promise<SilencePreview> {
  authorise(context, "viewer", "see what a silence would hide");
  const { source, matchers } = parseInput(previewSilenceSchema, input);
  const { db, clock } = context;
  await checkMatchers(db, matchers);
  const [found, sources, rules] = await Promise.all([
    explainBadPatterns(() => findHidden(db, source, matchers)),
    translateDatabaseErrors(() => readSources(db)),
    readRules(context),
  ]);
  const ids = found.slice(0, maxAlerts).map(({ id }) => id);
  const episodes = await db.alertEpisode.findMany({
    where: { id: { in: ids } },
    orderBy: [{ startsAt: "desc" }, { id: "desc" }],
  });
  const alerting = rules.items.filter(({ type }) => type === "alerting");
  const hiddenRules = await explainBadPatterns(() => matchRules(db, alerting, matchers));
  const hidesWatchdog = await matchesLabels(db, { alertname: watchdog }, matchers);
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
  if (!(await explainBadPatterns(() => matchesLabels(db, {}, matchers), "matchers"))) return;
  const message = "At least one matcher must ask for something: these hide every alert that has none of the labels.";
  throw new DomainError("invalid-input", message, { fields: { matchers: [message] } });
}

async function matchesLabels(db: Database, labels: Record<string, string>, matchers: readonly LabelMatcher[]): Promise<boolean> {
  const conditions = matchersCondition(matchers, Prisma.sql`given.labels`);
  const [row] = await translateDatabaseErrors(
    () => db.$queryRaw<{ matches: boolean }[]>`
      SELECT ${Prisma.join(conditions, " AND ")} AS matches FROM (SELECT ${JSON.stringify(labels)}::jsonb AS labels) given`,
  );
  return row?.matches ?? false;
}

function findHidden(db: Database, source: string | undefined, matchers: readonly LabelMatcher[]): Promise<{ id: string }[]> {
  const conditions = matchersCondition(matchers, Prisma.sql`e.labels`);
  if (source !== undefined) conditions.push(Prisma.sql`e.source_id IN (SELECT id FROM alert_sources WHERE name = ${source})`);
  return translateDatabaseErrors(
    () => db.$queryRaw<{ id: string }[]>`
      SELECT e.id FROM alert_episodes e WHERE e.state = 'firing' AND ${Prisma.join(conditions, " AND ")}
      ORDER BY e.starts_at DESC, e.id DESC`,
  );
}

/** A rule is hidden for certain when its own labels satisfy every matcher, perhaps when a label that only alerts have decides it. */
async function matchRules(
  db: Database,
  rules: readonly RuleView[],
  matchers: readonly LabelMatcher[],
): Promise<SilencePreview["rules"]> {
  const found: SilencePreview["rules"] = [];
  for (const rule of rules) {
    const own: Record<string, string> = { ...rule.labels, alertname: rule.name };
    // A label whose value is a template is known only of each alert.
    const isKnown = (name: string) => name in own && !own[name]?.includes("{{");
    const known = matchers.filter(({ name }) => isKnown(name));
    if (known.length > 0 && !(await matchesLabels(db, own, known))) continue;
    found.push({ name: rule.name, group: rule.group, hides: known.length === matchers.length ? "always" : "maybe" });
  }
  return found;
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
