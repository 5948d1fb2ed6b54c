import type { Workload } from "#lib/kubernetes/objects.ts";
import type { ServiceAbout } from "./schemas.ts";

const prefix = "switchyard.dev/";

/** What the annotations of a workload say of its service. */
export function describeAbout({ metadata }: Workload): ServiceAbout {
  const read = (name: string) => metadata.annotations?.[`${prefix}${name}`]?.trim() || null;
  const names = (read("depends-on") ?? "").split(",").map((name) => name.trim());
  return {
    owner: read("owner"),
    runbook: read("runbook"),
    breaker: read("admin-port") && read("admin-secret") ? read("breaker") : null,
    hasReplica: read("database-secret") !== null && read("database-replica") !== null,
    dependsOn: names.filter((name) => name !== "").map((name) => (name.includes("/") ? name : `${metadata.namespace}/${name}`)),
    objectives: {
      availability: read("slo-availability"),
      latency: read("slo-latency"),
      latencyThreshold: read("slo-latency-threshold"),
      window: read("slo-window"),
    },
  };
}
