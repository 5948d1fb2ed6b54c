import type { Objective, Scenario } from "../schemas.ts";

export type ScenarioInfo = {
  title: string;
  /** In one sentence what is done in it. */
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
    about: "One instance is killed without warning.",
    objective: { rtoSeconds: 30, rpoSeconds: 0 },
    kinds: daemons,
  },
  node: {
    title: "Node failure",
    about: "The power of a node is cut.",
    objective: { rtoSeconds: 2 * minute, rpoSeconds: 0 },
    kinds: daemons,
  },
  redis: {
    title: "Redis failure",
    about: "The instance of Redis that the service uses is killed without warning.",
    objective: { rtoSeconds: 5 * minute, rpoSeconds: 10 },
    kinds: ["relay"],
  },
  database: {
    title: "Database loss",
    about: "The service's database is dropped, and restored from its backup.",
    objective: { rtoSeconds: hour, rpoSeconds: minute },
    kinds: ["relay"],
  },
  region: {
    title: "Region failure",
    about: "The service is restored from its backup in another namespace: a rehearsal, never a region's true time.",
    objective: { rtoSeconds: 4 * hour, rpoSeconds: 5 * minute },
    kinds: daemons,
  },
  hub: {
    title: "Hub failure",
    about: "All instances of the hub are taken away for a while; edges keep their messages.",
    objective: { rtoSeconds: 2 * minute, rpoSeconds: 0 },
    kinds: ["hub"],
  },
  "bad-release": {
    title: "Bad release",
    about: "A release that fails is rolled out, and rolled back when the alert arrives.",
    objective: { rtoSeconds: 2 * minute, rpoSeconds: 0 },
    kinds: daemons,
  },
  "control-plane": {
    title: "Loss of the control plane",
    about: "Switchyard's own database is restored elsewhere from its backup.",
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
