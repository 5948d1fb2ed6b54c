import type { Pod } from "../objects.ts";
import { findCondition } from "../pod-state.ts";
import { type FailurePolicyRule, type Job, outcomesOf } from "./types.ts";

export type Verdict = { action: FailurePolicyRule["action"]; message: string };

/** What the first matching rule of the pod failure policy says of a failed pod; without one it counts against the back-off limit. */
export function judgeFailure({ spec }: Job, pod: Pod): Verdict {
  for (const [index, rule] of (spec.podFailurePolicy?.rules ?? []).entries()) {
    const cause = matchingExit(rule, pod) ?? matchingCondition(rule, pod);
    if (cause) return { action: rule.action, message: `${cause} matching ${rule.action} rule at index ${index}` };
  }
  return { action: "Count", message: "" };
}

function matchingExit({ onExitCodes }: FailurePolicyRule, pod: Pod): string | undefined {
  if (!onExitCodes) return undefined;
  const { containerName, operator, values } = onExitCodes;
  for (const { name, state } of outcomesOf(pod)) {
    const exitCode = state?.terminated?.exitCode;
    if (!exitCode || (containerName && containerName !== name)) continue;
    if (values.includes(exitCode) === (operator === "In")) {
      return `Container ${name} for pod ${pod.metadata.namespace}/${pod.metadata.name} failed with exit code ${exitCode}`;
    }
  }
  return undefined;
}

function matchingCondition({ onPodConditions = [] }: FailurePolicyRule, { metadata, status }: Pod): string | undefined {
  const match = onPodConditions.find(
    ({ type, status: wanted = "True" }) => findCondition(status?.conditions, type)?.status === wanted,
  );
  return match && `Pod ${metadata.namespace}/${metadata.name} has condition ${match.type}`;
}
