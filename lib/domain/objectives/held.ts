import type { Context } from "../context.ts";
import { describeAbout } from "../fleet/about.ts";
import { listManagedWorkloads } from "../fleet/fresh.ts";
import { kindLabel, type ServiceAbout } from "../fleet/schemas.ts";
import { readObjective } from "./annotations.ts";
import type { Objective, ServiceObjectives } from "./schemas.ts";

/** What a service is held to: what was set in the page comes before the annotations. */
export function chooseObjective(
  written: ServiceAbout["objectives"],
  set: Objective | null,
): Pick<ServiceObjectives, "objective" | "source" | "problems"> {
  const { objective, problems } = readObjective(written);
  if (!set) return { objective, source: objective ? "annotations" : null, problems };
  const { availability, latencyRatio, latencySeconds, windowDays } = set;
  return { objective: { availability, latencyRatio, latencySeconds, windowDays }, source: "page", problems };
}

/** The threshold that the alert rules count each kind's latency with, in seconds: their default parameters. */
const ruleLatencySeconds: Record<string, number> = { relay: 0.05, hub: 1, edge: 1 };

/** One objective as the burn-rate alerts read it: the labels and value of switchyard_objective_ratio. */
export type ExportedObjective = { namespace: string; service: string; sli: "availability" | "probe" | "latency"; ratio: number };

/**
 * Every service's objectives for the alert rules. A latency objective with another threshold than the rules count with is left out:
 * the rules would judge it by the wrong requests.
 */
export async function listHeldObjectives({ db, kubernetes }: Pick<Context, "db" | "kubernetes">): Promise<ExportedObjective[]> {
  const [workloads, rows] = await Promise.all([listManagedWorkloads(kubernetes), db.serviceObjective.findMany()]);
  const set = new Map(rows.map((row) => [`${row.namespace}/${row.service}`, row]));
  return workloads.flatMap((workload): ExportedObjective[] => {
    const { namespace = "", name: service, labels } = workload.metadata;
    const { objective } = chooseObjective(describeAbout(workload).objectives, set.get(`${namespace}/${service}`) ?? null);
    if (!objective) return [];
    const { availability, latencyRatio, latencySeconds } = objective;
    const isCounted = latencySeconds !== null && latencySeconds === ruleLatencySeconds[labels?.[kindLabel] ?? ""];
    return [
      ...(availability === null
        ? []
        : (["availability", "probe"] as const).map((sli) => ({ namespace, service, sli, ratio: availability }))),
      ...(latencyRatio !== null && isCounted ? [{ namespace, service, sli: "latency" as const, ratio: latencyRatio }] : []),
    ];
  });
}
