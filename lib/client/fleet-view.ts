import { type Health, healthWords, listedKinds, type Service, type ServiceFigures } from "#lib/domain/fleet/schemas.ts";

export const fleetColumns = [
  "status",
  "name",
  "kind",
  "namespace",
  "ready",
  "version",
  "revision",
  "restarts",
  "errors",
  "p95",
  "rate",
  "age",
] as const;
export type FleetColumn = (typeof fleetColumns)[number];

/** What of the fleet a person looks at; the whole of it stands in the address. */
export type FleetView = {
  search: string;
  kinds: string[];
  health: Health[];
  namespaces: string[];
  /** Also kinds that are not relay, connector, hub or edge. */
  all: boolean;
  sort: FleetColumn;
  descending: boolean;
  hidden: FleetColumn[];
};

const isColumn = (value: string | null): value is FleetColumn => (fleetColumns as readonly string[]).includes(value ?? "");
const list = (value: string | null) => (value ? value.split(",").filter(Boolean) : []);

/** Reads the address; what makes no sense in it is left out. */
export function parseFleetView(search: { get(name: string): string | null }): FleetView {
  const sort = search.get("sort") ?? "";
  const column = sort.replace(/^-/, "");
  return {
    search: search.get("q") ?? "",
    kinds: list(search.get("kind")),
    health: list(search.get("health")).filter((word): word is Health => (healthWords as readonly string[]).includes(word)),
    namespaces: list(search.get("namespace")),
    all: search.get("all") === "true",
    sort: isColumn(column) ? column : "status",
    descending: isColumn(column) && sort.startsWith("-"),
    hidden: list(search.get("hide")).filter(isColumn),
  };
}

/** The address's parameters of a view: null for what is as it is by default. */
export function fleetViewParameters(view: FleetView): Record<string, string | null> {
  const sort = `${view.descending ? "-" : ""}${view.sort}`;
  return {
    q: view.search || null,
    kind: view.kinds.join(",") || null,
    health: view.health.join(",") || null,
    namespace: view.namespaces.join(",") || null,
    all: view.all ? "true" : null,
    sort: sort === "status" ? null : sort,
    hide: view.hidden.join(",") || null,
  };
}

/** Worst first: what burns, then what is in motion, then what is well. */
export const healthOrder: Record<Health, number> = { down: 0, degraded: 1, unknown: 2, progressing: 3, paused: 4, healthy: 5 };

/** How many instances are ready and wanted, with those of a rollout's candidate: together they are the service. */
export function readinessOf({ ready, desired, candidate }: Service): { ready: number; desired: number } {
  return { ready: ready + (candidate?.ready ?? 0), desired: desired + (candidate?.desired ?? 0) };
}

/** A value to sort a service by; null goes last in both directions. */
export function sortValue(service: Service, figures: ServiceFigures | undefined, column: FleetColumn): string | number | null {
  switch (column) {
    case "status":
      return healthOrder[service.health];
    case "name":
      return service.name;
    case "kind":
      return service.kind;
    case "namespace":
      return service.namespace;
    case "ready": {
      const { ready, desired } = readinessOf(service);
      return desired === 0 ? 1 : ready / desired;
    }
    case "version":
      return service.version;
    case "revision":
      return service.revision;
    case "restarts":
      return service.restarts;
    case "errors":
      return figures?.errorRatio ?? null;
    case "p95":
      return figures?.latencyP95Seconds ?? null;
    case "rate":
      return figures?.requestsPerSecond ?? null;
    case "age":
      return -Date.parse(service.createdAt);
  }
}

/** The services of a view, filtered and sorted; equal ones by name. */
export function selectServices(services: Service[], figures: Record<string, ServiceFigures>, view: FleetView): Service[] {
  const words = view.search.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = services.filter((service) => {
    if (view.kinds.length > 0 ? !view.kinds.includes(service.kind) : !view.all && !isListed(service.kind)) return false;
    if (view.health.length > 0 && !view.health.includes(service.health)) return false;
    if (view.namespaces.length > 0 && !view.namespaces.includes(service.namespace)) return false;
    const text = `${service.id} ${service.kind} ${service.version} ${service.image} ${service.health}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return shown.sort(
    (a, b) =>
      compareValues(sortValue(a, figures[a.id], view.sort), sortValue(b, figures[b.id], view.sort), view.descending) ||
      a.id.localeCompare(b.id),
  );
}

export const isListed = (kind: string) => (listedKinds as readonly string[]).includes(kind);

/** Orders two values of a column; null last either way; "v10" after "v9". */
export function compareValues(a: string | number | null, b: string | number | null, descending: boolean): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  const order =
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  return descending ? -order : order;
}

/**
 * Keeps rows where the reader sees them: those that were there stay in their order with fresh content, those that are gone
 * leave, new ones go to the end.
 */
export function steadyOrder<T>(previous: readonly string[], rows: T[], keyOf: (row: T) => string): T[] {
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  const kept: T[] = [];
  for (const key of previous) {
    const row = byKey.get(key);
    if (row !== undefined) kept.push(row);
    byKey.delete(key);
  }
  return [...kept, ...byKey.values()];
}
