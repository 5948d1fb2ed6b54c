import { isDeepStrictEqual } from "node:util";
import type { Logger } from "#lib/runtime/logger.ts";
import { type Cluster, resources, StatusError } from "../api.ts";
import { matchesSelector } from "../controllers/selectors.ts";

import type { PolicyRule, Role } from "./rules.ts";

const id = resources.clusterRoles;

/** More than roles that collect from roles need. */
const passesPerChange = 10;

/** Gives ClusterRoles with an aggregationRule the rules of those that its selectors match. */
export async function aggregateRoles(cluster: Cluster): Promise<void> {
  for (let pass = 0; pass < passesPerChange; pass += 1) {
    const planned = planAggregation(cluster.list<Role>(id));
    if (planned.length === 0) return;
    await Promise.all(planned.map((role) => cluster.update(id, role).catch(ignoreRace)));
  }
}

/** Aggregates again after each change of a ClusterRole. Returns the function that ends it. */
export function followAggregation(cluster: Cluster, logger: Logger): () => Promise<void> {
  let running: Promise<void> | undefined;
  let isStale = false;
  const end = cluster.subscribe((change) => {
    if (change.id.group !== id.group || change.id.resource !== id.resource) return;
    isStale = true;
    running ??= run();
  });

  async function run(): Promise<void> {
    while (isStale) {
      isStale = false;
      await aggregateRoles(cluster).catch((error: unknown) => logger.error({ err: error }, "roles were not aggregated"));
    }
    running = undefined;
  }

  return async () => {
    end();
    await running;
  };
}

function ignoreRace(error: unknown): void {
  if (!(error instanceof StatusError && (error.code === 404 || error.code === 409))) throw error;
}

/** The aggregated roles whose rules are not what they should be, as they should be. */
export function planAggregation(roles: readonly Role[]): Role[] {
  return roles.flatMap((role) => {
    if (!role.aggregationRule || role.metadata.deletionTimestamp) return [];
    const selectors = role.aggregationRule.clusterRoleSelectors ?? [];
    const sources = roles.filter(
      (one) => one !== role && selectors.some((selector) => matchesSelector(selector, one.metadata.labels)),
    );
    const rules = distinct(sources.flatMap((source) => source.rules ?? []));
    return isSame(rules, role.rules ?? []) ? [] : [{ ...role, rules }];
  });
}

function distinct(rules: PolicyRule[]): PolicyRule[] {
  return [...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()];
}

/** In another order they are the same: roles that collect from each other would turn theirs for ever. */
function isSame(rules: readonly PolicyRule[], others: readonly PolicyRule[]): boolean {
  const texts = (list: readonly PolicyRule[]) => list.map((rule) => JSON.stringify(rule)).sort();
  return isDeepStrictEqual(texts(rules), texts(others));
}
