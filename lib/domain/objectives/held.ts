import type { Context } from "../context.ts";
import { describeAbout } from "../fleet/about.ts";
import { listCandidates, listManagedWorkloads } from "../fleet/fresh.ts";
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
export type ExportedObjective = { sli: "availability" | "probe" | "latency"; ratio: number };

/** What the alert rules have to know of a service. */
export type ExportedService = {
  namespace: string;
  service: string;
  kind: string;
  /** How many instances it is to have, a rollout's candidate included: with none of them there, and some wanted, it is gone. */
  desired: number;
  /** Whether it has any objective of its own, so that the rules' default of its kind does not count. */
  isHeld: boolean;
  objectives: ExportedObjective[];
};

/**
 * Every managed service for the alert rules. A latency objective with another threshold than the rules count with is left out: they
 * would judge it by the wrong requests.
 */
export async function listExportedServices({ db, kubernetes }: Pick<Context, "db" | "kubernetes">): Promise<ExportedService[]> {
  const [workloads, candidates, rows] = await Promise.all([
    listManagedWorkloads(kubernetes),
    listCandidates(kubernetes),
    db.serviceObjective.findMany(),
  ]);
  const set = new Map(rows.map((row) => [`${row.namespace}/${row.service}`, row]));
  return workloads.map((workload) => {
    const { namespace = "", name: service, labels } = workload.metadata;
    const kind = labels?.[kindLabel] ?? "";
    const { objective } = chooseObjective(describeAbout(workload).objectives, set.get(`${namespace}/${service}`) ?? null);
    const objectives = objective ? exportObjective(objective, kind) : [];
    const all = [workload, candidates.get(`${namespace}/${service}`)].filter((one) => one !== undefined);
    const desired = all.reduce((sum, { spec }) => sum + (spec.replicas ?? 1), 0);
    return { namespace, service, kind, desired, isHeld: objective !== null, objectives };
  });
}

function exportObjective({ availability, latencyRatio, latencySeconds }: Objective, kind: string): ExportedObjective[] {
  const exported: ExportedObjective[] = [];
  if (availability !== null) for (const sli of ["availability", "probe"] as const) exported.push({ sli, ratio: availability });
  const isCounted = latencySeconds !== null && latencySeconds === ruleLatencySeconds[kind];
  if (latencyRatio !== null && isCounted) exported.push({ sli: "latency", ratio: latencyRatio });
  return exported;
}
