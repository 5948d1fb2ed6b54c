import type { Workload } from "#lib/kubernetes/objects.ts";
import type { ConfigCopy, ConfigDiff, Preflight } from "../start/start-schemas.ts";
import type { Strategy } from "../strategy.ts";

type Facts = { copies: readonly ConfigCopy[]; config: readonly ConfigDiff[]; revision: number | null };

/** What a return to the version before brings back, and what a person would wrongly expect of it, too. */
export function describeReturn(
  strategy: Strategy,
  workload: Workload,
  { copies, config, revision }: Facts,
): Preflight["rollback"] {
  const { name } = workload.metadata;
  const template = revision === null ? "the present pod template" : `the pod template of revision ${revision}`;
  const shared = config.filter(
    ({ kind, name: of, before }) => before && !copies.some((copy) => copy.kind === kind && copy.of === of),
  );
  return {
    restores: [
      describeFastest(strategy, name),
      `Once ${name} has the new template, a rollback brings back ${template}, under a new revision number.`,
      ...copies.map(
        ({ kind, name: copy, of }) =>
          `${kind} ${of}: the new values are in the copy ${copy}, so the template before names the values before.`,
      ),
    ],
    leaves: [
      ...shared.map(({ kind, name: of }) => `${kind} ${of} is read as it is: what somebody changes in it meanwhile stays.`),
      "The number of instances that somebody else sets meanwhile.",
      "What the new version has written: migrated databases, messages sent, files in volumes.",
      ...(workload.metadata.annotations?.[lastApplied] === undefined
        ? []
        : ["kubectl's last-applied annotation: the next `kubectl apply` compares with what was applied last."]),
    ],
  };
}

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

function describeFastest(strategy: Strategy, name: string): string {
  switch (strategy.kind) {
    case "canary":
      return `Until the last step the instances of before keep running: an abort gives them all traffic again and removes the candidate.`;
    case "blue-green":
      return `While the old colour lives, up to ${strategy.scaleDownDelaySeconds} s after the switch, an abort returns to it at once.`;
    case "rolling":
      return `${name} is rolled in place: an abort rolls its instances back one after the other.`;
  }
}
