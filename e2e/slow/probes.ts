import { readPods } from "../fleet-api.ts";

/** What the demo's prober counted so far of one target, from its own page: nothing is lost between two scrapes. */
export type ProbeCounts = { requests: number; failed: number; lost: number; duplicated: number; reordered: number };

export async function readProbes(target: string): Promise<ProbeCounts> {
  const [prober] = await readPods("prober");
  const answer = await fetch(`http://${prober?.status?.podIP}:8080/metrics`);
  const lines = (await answer.text()).split("\n").filter((line) => line.includes(`target="${target}"`));
  const count = (metric: string, isCounted = (_line: string) => true) =>
    lines
      .filter((line) => line.startsWith(`${metric}{`) && isCounted(line))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(" "))), 0);
  return {
    requests: count("switchyard_probe_requests_total"),
    failed: count("switchyard_probe_requests_total", (line) => !line.includes('result="ok"')),
    lost: count("switchyard_probe_lost_total"),
    duplicated: count("switchyard_probe_duplicated_total"),
    reordered: count("switchyard_probe_reordered_total"),
  };
}

/** What was counted since. */
export async function probesSince(target: string, before: ProbeCounts): Promise<ProbeCounts> {
  const now = await readProbes(target);
  return {
    requests: now.requests - before.requests,
    failed: now.failed - before.failed,
    lost: now.lost - before.lost,
    duplicated: now.duplicated - before.duplicated,
    reordered: now.reordered - before.reordered,
  };
}
