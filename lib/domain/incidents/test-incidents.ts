import { randomUUID } from "node:crypto";
import type { Database } from "#lib/database/client.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { createTestDatabase } from "../../../e2e/postgres.ts";
import { testContext } from "../actions/test-fleet.ts";
import type { FleetContext } from "../alerts/suspect-actions.ts";
import { FleetStore } from "../fleet/live.ts";
import type { Role } from "../users/schemas.ts";
import { getIncidentDetail } from "./detail.ts";
import { reportIncident } from "./opening/report.ts";
import type { IncidentDetail, ReportIncidentInput } from "./schemas.ts";

/** A fresh database and contexts on it with a clock that is set by hand, without a cluster; for tests. */
export type IncidentWorld = {
  db: Database;
  /** Of an operator called olga. */
  context: FleetContext;
  as: (name: string, role?: Role) => FleetContext;
  now: () => Date;
  /** Moves the clock on. */
  pass: (seconds: number) => void;
  report: (input?: Partial<ReportIncidentInput>) => Promise<IncidentDetail>;
  detail: (id: string) => Promise<IncidentDetail>;
  drop: () => Promise<void>;
};

export async function startIncidentWorld(): Promise<IncidentWorld> {
  const { database: db, drop } = await createTestDatabase();
  const kubernetes = null as unknown as KubernetesClient;
  let now = Date.parse("2026-11-21T03:00:00Z");
  const clock = () => new Date(now);
  const fleet = new FleetStore({ now: clock });
  const as = (name: string, role: Role = "operator") => ({ ...testContext({ db, kubernetes, clock }, { name, role }), fleet });
  const context = as("olga");
  const detail = (id: string) => getIncidentDetail(context, id, {});
  return {
    db,
    context,
    as,
    now: clock,
    pass: (seconds) => {
      now += seconds * 1000;
    },
    async report(input = {}) {
      const { id } = await reportIncident(context, { title: "The relay is slow", severity: "P2", ...input }, randomUUID());
      return detail(id);
    },
    detail,
    async drop() {
      fleet.close();
      await drop();
    },
  };
}
