import type { V1CronJobSpec, V1Job } from "@kubernetes/client-node";
import { setPodSpecDefaults } from "./pod-defaults.ts";

const largestInt32 = 2 ** 31 - 1;
const uidLabel = "batch.kubernetes.io/controller-uid";

/** Source: pkg/apis/batch/v1/defaults.go. */
export function setJobDefaults({ metadata, spec }: V1Job): void {
  if (!spec) return;
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : largestInt32;
  spec.completionMode ??= "NonIndexed";
  spec.suspend ??= false;
  spec.manualSelector ??= false;
  for (const { onPodConditions = [] } of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of onPodConditions) pattern.status ??= "True";
  }
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? "Failed" : "TerminatingOrFailed";
  if (!spec.template) return;
  spec.template.metadata ??= {};
  if (spec.template.spec) setPodSpecDefaults(spec.template.spec);
  const { labels } = spec.template.metadata;
  if (metadata && labels && !metadata.labels) metadata.labels = { ...labels };
}

/** A job selects its pods by its own uid, unless its owner says otherwise. Source: pkg/registry/batch/job/strategy.go. */
export function setJobSelector({ metadata, spec }: V1Job): void {
  if (!spec?.template || spec.manualSelector || !metadata?.uid) return;
  const { uid, name = "" } = metadata;
  spec.template.metadata ??= {};
  spec.template.metadata.labels = {
    ...spec.template.metadata.labels,
    [uidLabel]: uid,
    "controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
    "job-name": name,
  };
  spec.selector ??= {};
  spec.selector.matchLabels = { ...spec.selector.matchLabels, [uidLabel]: uid };
}

export function setCronJobDefaults(spec: V1CronJobSpec): void {
  spec.concurrencyPolicy ??= "Allow";
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  const template = spec.jobTemplate?.spec?.template;
  if (!template) return;
  template.metadata ??= {};
  if (template.spec) setPodSpecDefaults(template.spec);
}
