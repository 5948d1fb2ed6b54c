import type { Objective, Scenario } from "../schemas.ts";

export type ScenarioInfo = {
  title: string;
  about: string;
  /** The guides' recovery objectives; of the two scenarios that they do not name, those of what is nearest to it. */
  objective: Objective;
  /** Kinds of services that it can happen to; null: Switchyard itself. */
  kinds: readonly string[] | null;
};

const minute = 60;
const hour = 60 * minute;
const daemons = ["relay", "hub", "edge", "connector"];

/** Source: the relay's guide, "Recovery Time Objectives"; hub and bad release are held to the pod's and the node's. */
export const scenarioInfos: Record<Scenario, ScenarioInfo> = {
  instance: {
    title: "Instance failure",
    about: "One instance is killed.",
    objective: { rtoSeconds: 30, rpoSeconds: 0 },
    kinds: daemons,
  },
  node: {
    title: "Node failure",
    about: "A node loses its power.",
    objective: { rtoSeconds: 2 * minute, rpoSeconds: 0 },
    kinds: daemons,
  },
  redis: {
    title: "Redis failure",
    about: "The Redis between the replicas is killed.",
    objective: { rtoSeconds: 5 * minute, rpoSeconds: 10 },
    kinds: ["relay"],
  },
  database: {
    title: "Database loss",
    about: "The database is lost and restored from the newest backup.",
    objective: { rtoSeconds: hour, rpoSeconds: minute },
    kinds: ["relay"],
  },
  region: {
    title: "Region failure",
    about: "Everything is built again elsewhere. A rehearsal in another namespace, never a region's true time.",
    objective: { rtoSeconds: 4 * hour, rpoSeconds: 5 * minute },
    kinds: daemons,
  },
  hub: {
    title: "Hub failure",
    about: "The hub is away while the edges keep what their sensors send.",
    objective: { rtoSeconds: 2 * minute, rpoSeconds: 0 },
    kinds: ["hub"],
  },
  "bad-release": {
    title: "Bad release",
    about: "A bad version is rolled out, noticed, and rolled back.",
    objective: { rtoSeconds: 2 * minute, rpoSeconds: 0 },
    kinds: daemons,
  },
  "control-plane": {
    title: "Loss of the control plane",
    about: "Switchyard's own database is lost and restored elsewhere.",
    objective: { rtoSeconds: hour, rpoSeconds: minute },
    kinds: null,
  },
};

/** The scenarios that a service of a kind, or Switchyard itself (null), has objectives for. */
export function scenariosOf(kind: string | null): Scenario[] {
  return (Object.keys(scenarioInfos) as Scenario[]).filter((scenario) => {
    const { kinds } = scenarioInfos[scenario];
    return kind === null ? kinds === null : kinds?.includes(kind);
  });
}

/** The scenario whose RPO a subject's backups are held to. */
export function backedScenario(isSwitchyard: boolean): Scenario {
  return isSwitchyard ? "control-plane" : "database";
}
