import type { Objective, Scenario } from "../schemas.ts";
import type { Guard } from "./schemas.ts";

/** What is known before a drill begins. */
export type GuardFacts = {
  scenario: Scenario;
  /** Nothing is struck: a rehearsal beside what runs. */
  isRehearsal: boolean;
  subject: string;
  namespace: string | null;
  /** Whether the namespace carries the label that permits drills. */
  isLabelled: boolean;
  /** Name of another drill that is not over. */
  otherDrill: string | null;
  /** Ids of services that have fewer ready instances than they want. */
  unwell: string[];
  /** Alerts of the subject that fire now. */
  firing: string[];
  /** Open incidents of the subject that are no drills. */
  incidents: string[];
  /** Name of a rollout of the subject that is under way. */
  rollout: string | null;
  /** What is frozen until when, in a sentence. */
  freeze: string | null;
  objective: Objective;
  /** Who watches from outside, and how often each path is tried; null when nobody does. */
  witness: { name: string; intervalMs: number; problem: string | null } | null;
  /** Whether the rule of the expected alert is loaded; null when that cannot be known. */
  hasAlertRule: boolean | null;
  expectedAlert: string;
  /** What the scenario itself wants: null when it is there. */
  wants: { name: string; problem: string | null; found: string }[];
};

export const drillLabel = "switchyard.dev/drills";

/** Asks every guard rail, the most basic first. An override is an administrator's word with a reason. Pure. */
export function judgeGuards(facts: GuardFacts): Guard[] {
  const { scenario, isRehearsal, subject, namespace, objective, witness } = facts;
  const guards: Guard[] = [];
  const add = (name: string, problem: string | null, passed: string, state: "blocked" | "override" = "blocked") =>
    guards.push({ name, state: problem === null ? "passed" : state, message: problem ?? passed });
  add("One drill at a time", facts.otherDrill && `${facts.otherDrill} is not over yet.`, "No other drill is under way.");
  if (!isRehearsal && namespace !== null) {
    add(
      "Cluster is meant for drills",
      facts.isLabelled
        ? null
        : `Namespace ${namespace} does not carry the label ${drillLabel}=allowed: an administrator has to say why it is done all the same.`,
      `Namespace ${namespace} carries ${drillLabel}=allowed.`,
      "override",
    );
  }
  add("Freeze windows", facts.freeze, "No freeze is in force.", "override");
  if (!isRehearsal) {
    const others = facts.unwell;
    add(
      "Everything is well",
      others.length === 0
        ? null
        : `Not healthy now: ${others.join(", ")}. A drill would make it worse, and measure something else.`,
      "Every service has all its instances.",
    );
    add(
      "No alert",
      sentence(facts.firing, "fires", "fire"),
      `No alert of ${subject} fires, those on error budgets left out: they count what is over.`,
    );
    add("No incident", sentence(facts.incidents, "is open", "are open"), "No incident of the service is open.");
    add("No rollout", facts.rollout && `${facts.rollout} is under way.`, "No rollout of the service is under way.");
    const wantedMs = objective.rtoSeconds * 100;
    add(
      "Watched from outside",
      witness === null
        ? `No prober watches ${subject}: run one that depends on it (services/prober).`
        : (witness.problem ??
            (witness.intervalMs > wantedMs
              ? `${witness.name} tries each path every ${witness.intervalMs} ms; an objective of ${objective.rtoSeconds} s needs ${wantedMs} ms or less.`
              : null)),
      `${witness?.name} tries each path every ${Math.round(witness?.intervalMs ?? 0)} ms.`,
    );
    add(
      "Alert is in place",
      facts.hasAlertRule === true
        ? null
        : facts.hasAlertRule === false
          ? `Prometheus has no rule ${facts.expectedAlert}: nobody would be told.`
          : `Prometheus does not say whether it has the rule ${facts.expectedAlert}.`,
      `Prometheus has the rule ${facts.expectedAlert}.`,
    );
  }
  for (const { name, problem, found } of facts.wants) add(name, problem, found);
  if (scenario === "database") {
    guards.push({
      name: "Data",
      state: "override",
      message: `What ${subject} was told after its backup is lost for good: an administrator has to say why it is done all the same.`,
    });
  }
  return guards;
}

function sentence(names: readonly string[], one: string, many: string): string | null {
  if (names.length === 0) return null;
  return `${names.join(", ")} ${names.length === 1 ? one : many}: end that first.`;
}

/** Why it must not begin; null when it may. */
export function refusalOf(guards: readonly Guard[], override: string | null): string | null {
  const blocked = guards.filter(({ state }) => state === "blocked" || (state === "override" && override === null));
  return blocked.length === 0 ? null : blocked.map(({ message }) => message).join(" ");
}
