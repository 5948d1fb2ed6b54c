import type { Database, Prisma } from "#lib/database/client.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import type { PrometheusClient } from "#lib/prometheus/client.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { DomainError } from "./errors.ts";
import type { FleetStore } from "./fleet/live.ts";
import type { Surroundings } from "./fleet/surroundings.ts";
import type { PanelStore } from "./metrics/panel-store.ts";
import type { UsageStore } from "./objectives/queries.ts";
import { type Role, roleIncludes } from "./users/schemas.ts";

/** Who acts: a person, an API token, or Switchyard itself. */
export type Actor = { kind: "user" | "token" | "system"; id: string | null; name: string; role: Role };

/** What every command and query gets. A write reads the same everywhere: authorise, parse, transact, audit in the same transaction. */
export type Context = {
  actor: Actor;
  db: Database;
  kubernetes: KubernetesClient;
  /** null when no Prometheus is configured. */
  prometheus: PrometheusClient | null;
  clock: () => Date;
  logger: Logger;
  requestId: string;
};

/** A context of a process that keeps the live fleet and the shared panels. */
export type ConsoleContext = Context & { fleet: FleetStore; panels: PanelStore; surroundings: Surroundings; usage: UsageStore };

export type Transaction = Prisma.TransactionClient;

/** Runs the function in one database transaction; what it throws undoes everything. */
export function transact<T>(context: Pick<Context, "db">, run: (transaction: Transaction) => Promise<T>): Promise<T> {
  return translateDatabaseErrors(() => context.db.$transaction(run, { timeout: 15_000, maxWait: 5_000 }));
}

/** Refuses (not-permitted) unless the actor's role includes the wanted one. `what` completes "You may not ...". */
export function authorise({ actor }: Pick<Context, "actor">, wanted: Role, what: string): void {
  if (roleIncludes(actor.role, wanted)) return;
  throw new DomainError("not-permitted", `You may not ${what}: this needs the role ${wanted}, and yours is ${actor.role}.`);
}

/** Runs a database read or write; a database that cannot be reached becomes database-unavailable. */
export async function translateDatabaseErrors<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (isUnreachable(error)) {
      throw new DomainError(
        "database-unavailable",
        "Switchyard's database does not answer; try again in a moment.",
        {},
        { cause: error },
      );
    }
    throw error;
  }
}

const unreachableCodes = new Set([
  "P1001",
  "P1002",
  "P1008",
  "P1017",
  "P2024",
  "P2028",
  "ECONNREFUSED",
  "ECONNRESET",
  "ETIMEDOUT",
  "57P01",
  "57P03",
]);

function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? String(error.code) : "";
  return (
    unreachableCodes.has(code) ||
    /Can't reach database server|Connection terminated|timeout exceeded when trying to connect|ECONNREFUSED/.test(error.message)
  );
}

/** Whether a database error says that a unique value is taken. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "P2002";
}
