import type { AdminOptions } from "./admin.ts";
import type { HubEnv } from "./env.ts";
import type { HubMetrics } from "./metrics.ts";
import type { HubState } from "./open-state.ts";

type Parts = Pick<AdminOptions, "certificate" | "peers" | "jobs" | "drain" | "logger"> & { state: HubState; metrics: HubMetrics };

/** The admin API, loaded only when it is wanted. */
export async function openAdmin({ admin, limits }: Pick<HubEnv, "admin" | "limits">, { state, metrics, ...parts }: Parts) {
  if (!admin) return undefined;
  const { AdminServer } = await import("./admin.ts");
  return new AdminServer({
    ...parts,
    address: admin,
    token: admin.token,
    jobStore: state.jobs,
    readings: state.readings,
    handshakeTimeoutMs: limits.handshakeTimeoutMs,
    onAnswer: (status) => metrics.adminRequests.inc({ status }),
    onDrop: () => metrics.rejected.inc({ reason: "too_many" }),
  });
}
