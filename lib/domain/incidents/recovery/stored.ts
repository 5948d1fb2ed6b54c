import type { IncidentRecovery } from "#lib/database/generated/client.ts";
import type { ServiceRef } from "../../fleet/schemas.ts";
import type { Recovery } from "../schemas.ts";
import type { StoredRecovery } from "./recovery.ts";
import { recoveredAt, standingBy, standingOf, viewRecovery } from "./standing.ts";

/** A row of incident_recoveries, as incidents include it. */
export type RecoveryRow = Pick<IncidentRecovery, "namespace" | "service" | "state">;

export function readState({ state }: Pick<RecoveryRow, "state">): StoredRecovery {
  return state as unknown as StoredRecovery;
}

/** What is watched of each of an incident's services, the worst first. What it no longer concerns is left out. */
export function viewRecoveries(rows: readonly RecoveryRow[], services: readonly ServiceRef[]): Recovery[] {
  const order: Recovery["state"][] = ["bad", "unknown", "good"];
  return concerned(rows, services)
    .flatMap((row) => viewRecovery(`${row.namespace}/${row.service}`, readState(row)) ?? [])
    .toSorted(
      (a, b) => order.indexOf(a.state) - order.indexOf(b.state) || (b.recoveredAt ?? "").localeCompare(a.recoveredAt ?? ""),
    );
}

/**
 * When the last of an incident's services was good, from the data; null while one is not, and where none was bad. With the time of its
 * resolution what went bad after that is left out.
 */
export function recoveredAtOf(
  rows: readonly RecoveryRow[],
  services: readonly ServiceRef[],
  resolvedAt: Date | null = null,
): Date | null {
  const states = concerned(rows, services).map(readState);
  const at = recoveredAt(states.map((state) => (resolvedAt ? standingBy(state, resolvedAt.toISOString()) : standingOf(state))));
  return at === null ? null : new Date(at);
}

function concerned<R extends RecoveryRow>(rows: readonly R[], services: readonly ServiceRef[]): R[] {
  return rows.filter(({ namespace, service }) => services.some((ref) => ref.namespace === namespace && ref.name === service));
}
