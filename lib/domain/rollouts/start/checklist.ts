import { matchesSelector } from "#lib/kubernetes/label-selector.ts";
import type { PodDisruptionBudget, PodTemplate } from "#lib/kubernetes/objects.ts";
import type { Forecast } from "../../autoscaling/schemas.ts";
import { formatDuration } from "../../duration.ts";
import type { AtHand } from "../../recovery/backups/at-hand.ts";
import { titleOf } from "../analysis/templates.ts";
import type { Strategy } from "../strategy.ts";
import { analysesOf, leastPauseSeconds } from "../strategy-figures.ts";
import type { ConfigReference } from "./config-references.ts";
import type { ChecklistItem } from "./start-schemas.ts";

/** The deployment checklists of the reference guides, answered from what was read. */

export type ChecklistFacts = {
  template: PodTemplate;
  strategy: Strategy;
  /** How many instances share the traffic evenly; null where a route or a Service's selector divides it. */
  sharing: number | null;
  /** What the template names and cannot be found; null where Switchyard may not look. */
  missing: (Pick<ConfigReference, "kind" | "name"> & { key: string | null })[];
  unreadable: Pick<ConfigReference, "kind" | "name">[];
  /** null where they cannot be read. */
  budgets: readonly PodDisruptionBudget[] | null;
  /** Names of firing alerts of the service; null when no source of alerts is connected. */
  alerts: { name: string; severity: string }[] | null;
  /** Sentences; null when nothing is frozen. */
  freeze: string | null;
  freezeAhead: string | null;
  /** The number of the present revision, and how many earlier ones the workload keeps. */
  revision: number | null;
  historyLimit: number;
  forecast: Forecast | null;
  /** The service's own strategies are what its owners found long enough. */
  ownPauseSeconds: number | null;
  backup: AtHand;
  now: Date;
  ticks: ReadonlySet<string>;
};

type Answer = Pick<ChecklistItem, "state" | "detail">;
type Question = Omit<ChecklistItem, "state" | "detail"> & { answer: (facts: ChecklistFacts) => Answer };

/** Every line with its answer, blockers that fail first within each group. */
export function answerChecklist(facts: ChecklistFacts): ChecklistItem[] {
  return questions.map(({ answer, ...question }) => ({ ...question, ...answer(facts) }));
}

const leastGraceSeconds = 30;
const canaryFirstPercent = 10;
const stableBeforeFullSeconds = 3_600;
const backupAtHandMs = 86_400_000;

const questions: Question[] = [
  { id: "image-pinned", group: "change", title: "Every image is pinned", isBlocker: true, answer: judgeImages },
  {
    id: "config-present",
    group: "change",
    title: "All configuration that the template names is there",
    isBlocker: true,
    answer: judgeConfig,
  },
  { id: "canary-first", group: "change", title: "A canary of at most 10 % goes first", isBlocker: false, answer: judgeFirstStep },
  { id: "stable-hour", group: "change", title: "Full only after an hour stable", isBlocker: false, answer: judgeStableTime },
  {
    id: "watched",
    group: "change",
    title: "Error ratio and latency are watched meanwhile",
    isBlocker: false,
    answer: judgeAnalysis,
  },
  {
    id: "readiness",
    group: "workload",
    title: "Readiness probe",
    isBlocker: true,
    answer: ({ template }) => judgeProbe(template, "readinessProbe"),
  },
  {
    id: "liveness",
    group: "workload",
    title: "Liveness probe",
    isBlocker: false,
    answer: ({ template }) => judgeProbe(template, "livenessProbe"),
  },
  { id: "limits", group: "workload", title: "Limits for CPU and memory", isBlocker: false, answer: judgeLimits },
  { id: "non-root", group: "workload", title: "Runs as another user than root", isBlocker: false, answer: judgeUser },
  { id: "graceful-stop", group: "workload", title: "30 seconds to drain when it ends", isBlocker: false, answer: judgeGrace },
  { id: "disruption-budget", group: "workload", title: "Disruption budget", isBlocker: false, answer: judgeBudget },
  { id: "return", group: "service", title: "There is a version to return to", isBlocker: false, answer: judgeReturn },
  { id: "room", group: "service", title: "The nodes have room for the peak", isBlocker: false, answer: judgeRoom },
  { id: "alerts", group: "service", title: "No alert fires", isBlocker: false, answer: judgeAlerts },
  { id: "freeze", group: "service", title: "No freeze window", isBlocker: false, answer: judgeFreeze },
  { id: "backup", group: "service", title: "A verified backup of its data is at hand", isBlocker: false, answer: judgeBackup },
  ...[
    ["no-incident", "No P1 or P2 incident is open"],
    ["security-audit", "The security audit of its dependencies passed"],
    ["tests", "All of its tests pass"],
    ["migrations", "Database migrations were tried"],
    ["image-scan", "The image was scanned for vulnerabilities"],
    ["load-test", "Load tests were done"],
    ["rollback-plan", "The way back is written down"],
  ].map(
    ([id = "", title = ""]): Question => ({
      id,
      group: "manual",
      title,
      isBlocker: false,
      answer: (facts) => judgeTick(facts, id),
    }),
  ),
];

/** The ids that a person can answer for. */
export const manualChecks: readonly string[] = questions.filter(({ group }) => group === "manual").map(({ id }) => id);

type ContainerFields = {
  name: string;
  image?: string;
  restartPolicy?: string;
  resources?: { limits?: Record<string, unknown> };
  securityContext?: SecurityContext;
  readinessProbe?: object;
  livenessProbe?: object;
};
type SecurityContext = { runAsNonRoot?: boolean; runAsUser?: number };

function judgeImages({ template }: ChecklistFacts): Answer {
  const loose = containersOf(template).filter(({ image = "" }) => !isPinned(image));
  if (loose.length === 0)
    return passed(
      containersOf(template)
        .map(({ image }) => image)
        .join(", "),
    );
  return failed(
    `${loose.map(({ image, name }) => `${name} has ${image}`).join(", ")}: what that is can change without a rollout.`,
  );
}

function isPinned(image: string): boolean {
  if (image.includes("@")) return true;
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  return tag !== undefined && tag !== "latest";
}

function judgeConfig({ missing, unreadable }: ChecklistFacts): Answer {
  if (missing.length > 0) {
    const names = missing.map(({ kind, name, key }) => (key === null ? `${kind} ${name}` : `key ${key} of ${kind} ${name}`));
    return failed(`Missing: ${names.join(", ")}. New instances would not start.`);
  }
  if (unreadable.length > 0) {
    return unknown(`Switchyard may not read ${unreadable.map(({ kind, name }) => `${kind} ${name}`).join(", ")}.`);
  }
  return passed("All of it was found.");
}

function judgeFirstStep({ strategy, sharing }: ChecklistFacts): Answer {
  if (strategy.kind !== "canary") {
    return failed(
      strategy.kind === "rolling"
        ? "Rolling: each new instance gets its share at once."
        : "Blue-green: all traffic is switched at once.",
    );
  }
  const weight = strategy.steps[0]?.weight ?? 100;
  const canaries = sharing === null ? null : Math.ceil((sharing * weight) / 100);
  const share = sharing && canaries ? Math.round((canaries * 100) / sharing) : weight;
  const text = share === weight ? `${weight} %` : `${canaries} of ${sharing} instances, which is ${share} % and not ${weight} %`;
  return share <= canaryFirstPercent ? passed(`${text} first.`) : failed(`The first step has ${text}.`);
}

function judgeStableTime({ strategy, ownPauseSeconds }: ChecklistFacts): Answer {
  const seconds = leastPauseSeconds(strategy);
  const text = `At least ${formatDuration(seconds * 1000)} before all of it is new`;
  if (seconds >= stableBeforeFullSeconds) return passed(`${text}.`);
  if (ownPauseSeconds !== null && seconds >= ownPauseSeconds) return passed(`${text}, as the service's own strategy has it.`);
  return failed(`${text}.`);
}

function judgeAnalysis({ strategy }: ChecklistFacts): Answer {
  const analyses = analysesOf(strategy);
  if (analyses.length === 0)
    return failed("Nothing is measured while it rolls out; only instances that do not get ready stop it.");
  const measured = new Set(analyses.flatMap(({ metrics }) => metrics));
  const lacking = ["error-ratio", "latency-p95"].filter((name) => !measured.has(name));
  return lacking.length === 0 ? passed(`Measured: ${titlesOf(measured)}.`) : failed(`Not measured: ${titlesOf(lacking)}.`);
}

const titlesOf = (metrics: Iterable<string>) => [...metrics].map(titleOf).join("; ");

function judgeProbe(template: PodTemplate, probe: "readinessProbe" | "livenessProbe"): Answer {
  const without = containersOf(template).filter((container) => !container[probe]);
  const all = containersOf(template).length;
  if (without.length === 0) return passed(all === 1 ? "It has one." : "Every container has one.");
  // One container that answers for the pod is enough: a helper beside it may have nothing to ask.
  if (without.length < all)
    return passed(`${without.map(({ name }) => name).join(", ")} has none; another container answers for the pod.`);
  return failed(
    probe === "readinessProbe"
      ? "Without one an instance counts as ready before it can serve, and no step can tell."
      : "Without one an instance that hangs is not restarted.",
  );
}

function judgeLimits({ template }: ChecklistFacts): Answer {
  const without = containersOf(template).flatMap(({ name, resources }) => {
    const lacking = ["cpu", "memory"].filter((resource) => resources?.limits?.[resource] === undefined);
    return lacking.length > 0 ? [`${name} (${lacking.join(" and ")})`] : [];
  });
  return without.length === 0 ? passed("Every container has both.") : failed(`Without a limit: ${without.join(", ")}.`);
}

function judgeUser({ template }: ChecklistFacts): Answer {
  const ofPod = (template.spec.securityContext ?? {}) as SecurityContext;
  const asRoot = containersOf(template).filter(({ securityContext }) => {
    const { runAsNonRoot, runAsUser } = { ...ofPod, ...securityContext };
    return runAsUser === 0 || !(runAsNonRoot || runAsUser !== undefined);
  });
  return asRoot.length === 0
    ? passed("No container runs as root.")
    : failed(`Nothing keeps ${asRoot.map(({ name }) => name).join(", ")} from running as root.`);
}

function judgeGrace({ template }: ChecklistFacts): Answer {
  const seconds = Number(template.spec.terminationGracePeriodSeconds ?? 30);
  return seconds >= leastGraceSeconds
    ? passed(`It has ${seconds} s.`)
    : failed(`It has ${seconds} s; connections are cut after that.`);
}

function judgeBudget({ template, budgets }: ChecklistFacts): Answer {
  if (budgets === null) return unknown("Switchyard may not read disruption budgets.");
  const labels = template.metadata?.labels ?? {};
  const found = budgets.find(({ spec }) => matchesSelector(spec.selector, labels));
  return found
    ? passed(`${found.metadata.name}.`)
    : failed("None selects its instances: a node that is drained may end all of them at once.");
}

function judgeReturn({ revision, historyLimit }: ChecklistFacts): Answer {
  if (historyLimit === 0)
    return failed("Its revisionHistoryLimit is 0: the version before is forgotten when the rollout is over.");
  return passed(revision === null ? "The present template stays in its history." : `Revision ${revision} stays in its history.`);
}

function judgeRoom({ forecast }: ChecklistFacts): Answer {
  if (!forecast) return unknown("Nodes and instances cannot be read.");
  return forecast.short > 0 ? failed(forecast.message) : passed(forecast.message);
}

function judgeAlerts({ alerts }: ChecklistFacts): Answer {
  if (alerts === null) return unknown("No Alertmanager is connected.");
  if (alerts.length === 0) return passed("None of this service's alerts fires.");
  return failed(`Firing: ${alerts.map(({ name, severity }) => `${name} (${severity})`).join(", ")}.`);
}

function judgeFreeze({ freeze, freezeAhead }: ChecklistFacts): Answer {
  if (freeze) return failed(freeze);
  return passed(freezeAhead ?? "None concerns this service now.");
}

function judgeBackup({ backup: { newest, hasData }, now }: ChecklistFacts): Answer {
  if (!newest) return hasData ? failed("There is none: back it up first.") : passed("It keeps no data that is backed up.");
  const ageMs = now.getTime() - newest.takenAt.getTime();
  const text = `Backup ${newest.number} is ${formatDuration(ageMs)} old`;
  return ageMs > backupAtHandMs ? failed(`${text}: make a new one first.`) : passed(`${text}.`);
}

function judgeTick({ ticks }: ChecklistFacts, id: string): Answer {
  return ticks.has(id)
    ? passed("Answered for by the person who starts it.")
    : { state: "manual", detail: "Only a person can tell." };
}

/** Sidecars (init containers that go on) run beside the containers. */
function containersOf({ spec }: PodTemplate): ContainerFields[] {
  return [...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always"), ...spec.containers];
}

function passed(detail: string): Answer {
  return { state: "passed", detail };
}

function failed(detail: string): Answer {
  return { state: "failed", detail };
}

function unknown(detail: string): Answer {
  return { state: "unknown", detail };
}
