import { formatDuration } from "../duration.ts";
import type { Suspect } from "./schemas.ts";

export const suspectMinutes = 30;
const maxSuspects = 10;

/** An action that succeeded, as the audit has it; `service` is namespace/name. */
export type SuspectAction = Omit<Suspect, "secondsBefore" | "relation" | "closeness">;

/** What changes what runs is a likelier cause than what changes how much of it runs. */
const likelihood: Record<string, number> = {
  image: 1,
  rollout: 1,
  rollback: 1,
  template: 1,
  config: 1,
  restart: 0.7,
  scale: 0.7,
  resume: 0.8,
  pause: 0.3,
};
const defaultLikelihood = 0.5;
const dependencyLikelihood = 0.5;

/** An alert with what its service needs. */
export type SuspectedBy = { startsAt: Date; service: string; dependsOn: readonly string[] };

/**
 * The actions of the 30 minutes before an alert on its service or on what this needs, the closest first. Close is: shortly before,
 * on the service itself, of a kind that changes what runs. An action after the alert's start is no suspect, however near.
 */
export function rankSuspects({ startsAt, service, dependsOn }: SuspectedBy, actions: readonly SuspectAction[]): Suspect[] {
  const dependencies = new Set(dependsOn);
  const windowSeconds = suspectMinutes * 60;
  return actions
    .flatMap((action) => {
      const secondsBefore = (startsAt.getTime() - Date.parse(action.at)) / 1000;
      const isOwn = action.service === service;
      if (secondsBefore < 0 || secondsBefore > windowSeconds || !(isOwn || dependencies.has(action.service))) return [];
      const closeness = (1 - secondsBefore / (2 * windowSeconds)) * (isOwn ? 1 : dependencyLikelihood);
      const score = closeness * (likelihood[action.verb] ?? defaultLikelihood);
      const relation = isOwn ? ("same-service" as const) : ("dependency" as const);
      const suspect: Suspect = {
        ...action,
        secondsBefore,
        relation,
        closeness: describe(secondsBefore, relation, action.service, service),
      };
      return [{ suspect, score }];
    })
    .toSorted((a, b) => b.score - a.score || a.suspect.secondsBefore - b.suspect.secondsBefore)
    .slice(0, maxSuspects)
    .map(({ suspect }) => suspect);
}

function describe(secondsBefore: number, relation: Suspect["relation"], acted: string, service: string): string {
  const name = (id: string) => id.split("/").at(-1) ?? id;
  const where = relation === "same-service" ? `on ${name(service)} itself` : `on ${name(acted)}, which ${name(service)} needs`;
  return `${formatDuration(secondsBefore * 1000)} before, ${where}`;
}
