import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type Pod, paths } from "#lib/kubernetes/objects.ts";
import type { RecoveryCheck } from "../../schemas.ts";
import type { EdgeDrops } from "../run.ts";
import { isServing } from "../standing.ts";
import type { Work } from "./scenario.ts";

const metric = "edge_dropped_total";

/** What each instance of the edges of the drill's hub has dropped so far; null of one that cannot be asked. */
export async function readEdges({ context, cluster, subject }: Work): Promise<EdgeDrops[]> {
  const edges = cluster.services.filter(({ kind, dependsOn }) => kind === "edge" && subject && dependsOn.includes(subject.id));
  const pods = edges.flatMap((edge) => edge.pods.filter(isServing));
  return Promise.all(
    pods.map(async (pod) => ({
      pod: pod.metadata.name,
      uid: pod.metadata.uid,
      dropped: await readDropped(context.kubernetes, pod),
    })),
  );
}

async function readDropped(kubernetes: Work["context"]["kubernetes"], { metadata }: Pod): Promise<number | null> {
  const { namespace = "", name, annotations } = metadata;
  const port = Number(annotations?.["prometheus.io/port"] ?? 8080);
  const path = paths.podProxy(namespace, name, port, annotations?.["prometheus.io/path"] ?? "/metrics");
  try {
    return sumOf(await kubernetes.proxy(path, { method: "GET" }));
  } catch (error) {
    if (error instanceof KubernetesError) return null;
    throw error;
  }
}

/** The metric's value in Prometheus' text format, whatever labels it has; null when it is not there. */
function sumOf(text: string): number | null {
  const values = text
    .split("\n")
    .filter((line) => line.startsWith(`${metric} `) || line.startsWith(`${metric}{`))
    .map((line) => Number(line.replace(/^[^ {]+({.*})? +/, "").split(" ")[0]));
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
}

/**
 * Whether edges dropped readings that they had taken. One that is another now than before, or cannot be asked, is a gap: what it dropped
 * is not known. Pure.
 */
export function compareEdges(
  before: readonly EdgeDrops[] | null,
  after: readonly EdgeDrops[],
): { checks: RecoveryCheck[]; gaps: string[] } {
  if (before === null) return { checks: [], gaps: ["Edges were not asked before the fault what they had dropped."] };
  const drops: string[] = [];
  const unknown: string[] = [];
  for (const { pod, uid, dropped } of before) {
    const now = after.find((edge) => edge.uid === uid)?.dropped ?? null;
    if (dropped === null || now === null || now < dropped) unknown.push(pod);
    else if (now > dropped) drops.push(`${now - dropped} by ${pod}`);
  }
  // Of one that came since, nothing is of before: that can be said of 0 only.
  const late = after.filter(({ uid, dropped }) => dropped !== 0 && !before.some((edge) => edge.uid === uid));
  unknown.push(...late.map(({ pod }) => pod));
  const check = {
    name: "Readings that edges dropped",
    wanted: "none",
    found: drops.length === 0 ? "none" : drops.join(", "),
    passed: drops.length === 0,
  };
  return {
    checks: before.some(({ pod }) => !unknown.includes(pod)) ? [check] : [],
    gaps:
      unknown.length === 0
        ? []
        : [`What ${[...new Set(unknown)].join(", ")} dropped is not known: it did not answer, or was replaced.`],
  };
}
