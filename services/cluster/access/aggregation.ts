import { isDeepStrictEqual } from "node:util";
import type { Logger } from "#lib/runtime/logger.ts";
import { type Cluster, resources, StatusError } from "../api.ts";
import type { LabelSelector, PolicyRule, Role } from "./rules.ts";

const id = resources.clusterRoles;

/** Roles that collect each other's rules in a circle would otherwise go on for ever. */
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
    const sources = roles.filter((one) => one !== role && selectors.some((selector) => matches(selector, one.metadata.labels)));
    const rules = distinct(sources.flatMap((source) => source.rules ?? []));
    return isDeepStrictEqual(rules, role.rules ?? []) ? [] : [{ ...role, rules }];
  });
}

function distinct(rules: PolicyRule[]): PolicyRule[] {
  return [...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()];
}

function matches({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Record<string, string> = {}): boolean {
  if (!Object.entries(matchLabels).every(([key, value]) => labels[key] === value)) return false;
  return matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labels[key];
    if (operator === "Exists") return value !== undefined;
    if (operator === "DoesNotExist") return value === undefined;
    if (operator === "In") return value !== undefined && values.includes(value);
    return operator === "NotIn" && (value === undefined || !values.includes(value));
  });
}
