import { z } from "zod";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type Pod, paths } from "#lib/kubernetes/objects.ts";
import type { Context } from "../../context.ts";
import { fetchWorkload, selectorOf } from "../../fleet/fresh.ts";
import type { ArchiveFile, PartSource } from "../archive/pack.ts";
import { type Subject, subjectName } from "../schemas.ts";

/** Whose logs were saved. */
export const logsFactsSchema = z.object({
  hours: z.int(),
  /** Of which pod and container, and whether of the run before the last restart. */
  logs: z.array(z.object({ pod: z.string(), container: z.string(), previous: z.boolean(), bytes: z.int() })),
});
export type LogsFacts = z.output<typeof logsFactsSchema>;

type Log = { namespace: string; pod: string; container: string; previous: boolean; sinceSeconds: number };

/** The logs of a service's instances over the last hours, also of the runs before their last restarts; pods that are gone have none. */
export function logsPart(
  { kubernetes }: Pick<Context, "kubernetes">,
  subject: Subject & { kind: "service" },
  hours: number,
): PartSource {
  return {
    name: "logs",
    title: `Logs of ${subjectName(subject)} of the last ${hours} h`,
    async open(signal) {
      const { namespace } = subject.ref;
      const workload = await fetchWorkload(kubernetes, subject.ref);
      const pods = await kubernetes.list<Pod>(paths.podsOf(namespace), { labelSelector: selectorOf(workload) });
      const facts: LogsFacts = { hours, logs: [] };
      return {
        files: readAll(
          kubernetes,
          pods.flatMap((pod) => logsOf(pod, namespace, hours * 3_600)),
          facts,
          signal,
        ),
        facts: () => Promise.resolve(facts),
        close: () => Promise.resolve(),
      };
    },
  };
}

function logsOf({ metadata, spec, status }: Pod, namespace: string, sinceSeconds: number): Log[] {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return [...(spec.initContainers ?? []), ...spec.containers].flatMap(({ name: container }) => {
    const log = { namespace, pod: metadata.name, container, sinceSeconds };
    const hasRestarted = (statuses.find(({ name }) => name === container)?.restartCount ?? 0) > 0;
    return [...(hasRestarted ? [{ ...log, previous: true }] : []), { ...log, previous: false }];
  });
}

/** A log is opened before its file is announced: one that is not there is left out. */
async function* readAll(
  kubernetes: KubernetesClient,
  logs: readonly Log[],
  facts: LogsFacts,
  signal: AbortSignal,
): AsyncGenerator<ArchiveFile> {
  for (const { namespace, pod, container, previous, sinceSeconds } of logs) {
    const query = { container, previous, timestamps: true, sinceSeconds };
    const content = await kubernetes.stream(paths.podLog(namespace, pod), query, signal).catch(orNone);
    if (content === null) continue;
    const entry = { pod, container, previous, bytes: 0 };
    yield {
      name: `${pod}/${container}${previous ? ".previous" : ""}.log`,
      async *open() {
        for await (const piece of content) {
          entry.bytes += (piece as Buffer).length;
          yield piece as Buffer;
        }
        facts.logs.push(entry);
      },
    };
  }
}

/** A pod that is gone (404), or whose container has not run (400). */
function orNone(error: unknown): null {
  if (error instanceof KubernetesError && (error.status === 404 || error.status === 400)) return null;
  throw error;
}
