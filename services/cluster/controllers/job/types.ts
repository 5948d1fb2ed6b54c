import type { KubeObject } from "../../api.ts";
import type { Condition, LabelSelector, Pod, PodTemplate } from "../objects.ts";

export type FailurePolicyRule = {
  action: "FailJob" | "Ignore" | "Count" | "FailIndex";
  onExitCodes?: { containerName?: string | null; operator: "In" | "NotIn"; values: number[] };
  onPodConditions?: { type: string; status?: string }[];
};

export type JobSpec = {
  parallelism?: number;
  completions?: number;
  activeDeadlineSeconds?: number;
  backoffLimit?: number;
  completionMode?: "NonIndexed" | "Indexed";
  podFailurePolicy?: { rules: FailurePolicyRule[] };
  podReplacementPolicy?: "TerminatingOrFailed" | "Failed";
  selector?: LabelSelector;
  suspend?: boolean;
  template: PodTemplate;
  ttlSecondsAfterFinished?: number;
};

export type JobStatus = {
  active?: number;
  ready?: number;
  terminating?: number;
  succeeded?: number;
  failed?: number;
  startTime?: string;
  completionTime?: string;
  completedIndexes?: string;
  uncountedTerminatedPods?: { succeeded?: string[]; failed?: string[] };
  conditions?: Condition[];
};

export type Job = KubeObject & { spec: JobSpec; status?: JobStatus };

/** What the job controller reads of a container's status. */
export type ContainerOutcome = {
  name: string;
  restartCount: number;
  state?: { terminated?: { exitCode: number; finishedAt?: string } };
};

export function outcomesOf({ status }: Pod): ContainerOutcome[] {
  const { initContainerStatuses = [], containerStatuses = [] } = (status ?? {}) as {
    initContainerStatuses?: ContainerOutcome[];
    containerStatuses?: ContainerOutcome[];
  };
  return [...initContainerStatuses, ...containerStatuses];
}
