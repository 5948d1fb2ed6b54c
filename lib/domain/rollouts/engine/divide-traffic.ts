import { isDeepStrictEqual } from "node:util";
import { paths } from "#lib/kubernetes/objects.ts";
import { hashLabels } from "#lib/kubernetes/workloads.ts";
import type { Arrangement } from "./arrangement.ts";
import { candidateService } from "./candidate.ts";
import { isDown } from "./outage.ts";
import { candidateName } from "./run.ts";
import type { Open, Situation, TrafficSituation } from "./situation.ts";
import { contains, rulesField, rulesOf, unweighRules, weighRules } from "./traffic.ts";
import { routePath } from "./world.ts";
import { patchOf, servicePath, type Write } from "./writes.ts";

/** Lets the Service select the instances of one side, or of both as before the rollout. */
export function select(side: Arrangement["selector"], { rolloutId, run, world }: TrafficSituation): Open | null {
  const { service } = world;
  const { selector } = run.before;
  if ((run.by !== "route" && run.by !== "selector") || !selector) return null;
  if (!service) return side === "any" ? null : { writes: [], waiting: `The Service ${run.before.service} is gone.` };
  const hash = side === "stable" ? world.stableHash : world.candidateHash;
  if (side !== "any" && hash === null) return { writes: [], waiting: "Waiting for the cluster to take up the change." };
  const wanted = side === "any" || hash === null ? selector : { ...selector, [hashLabels[0]]: hash };
  if (isDeepStrictEqual(service.spec.selector, wanted)) return null;
  const replace = { op: "replace", path: "/spec/selector", value: wanted } as const;
  return {
    writes: [patchOf(servicePath(service.metadata), service.metadata, [replace], rolloutId)],
    waiting: `The Service ${service.metadata.name} goes to ${side === "any" ? "all instances" : side}.`,
  };
}

/** Lets the Service select all instances where those that it is pinned to are being replaced, or are down. */
export function unpinLost(situation: Situation): Open | null {
  const { service, stableHash, candidateHash } = situation.world;
  const pinned = service?.spec.selector?.[hashLabels[0]];
  if (pinned === undefined || pinned === stableHash) return null;
  return pinned === candidateHash && !isDown(situation.world) ? null : select("any", situation);
}

/** The Service of the candidate, to which the route gives its share. */
export function provideService({ rolloutId, run, world }: Situation): Write[] {
  const { service, stable } = world;
  const { selector } = run.before;
  if (run.by !== "route" || world.candidateService || !service || !selector) return [];
  const object = candidateService(stable, service, { rolloutId, selector });
  return [{ kind: "create", path: paths.servicesOf(stable.metadata.namespace ?? ""), object }];
}

/** Gives the candidate so many percent of the route's traffic; null: the route is as before. */
export function divide(percent: number | null, { rolloutId, run, strategy, world }: TrafficSituation): Open | null {
  const { route: saved, service } = run.before;
  if (run.by !== "route" || !saved || !service) return null;
  const { route } = world;
  if (!route) return { writes: [], waiting: `The ${saved.kind} ${saved.name} is gone.` };
  const namespace = route.metadata.namespace ?? "";
  const header = strategy.kind === "canary" ? strategy.header : null;
  const present = { kind: route.kind, rules: rulesOf(route) };
  const weighting = { namespace, service, candidate: candidateName(service), percent: percent ?? 0, header };
  const wanted = percent === null ? unweighRules(present, saved.rules, weighting) : weighRules(present, weighting);
  if (contains(present.rules, wanted)) return null;
  const replace = { op: "replace", path: `/spec/${rulesField[route.kind]}`, value: wanted } as const;
  return {
    writes: [patchOf(routePath(route), route.metadata, [replace], rolloutId)],
    waiting: `The ${route.kind} ${route.metadata.name} gets its weights.`,
  };
}
