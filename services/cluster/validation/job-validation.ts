import { isDeepStrictEqual } from "node:util";
import type { V1CronJob, V1Job, V1JobSpec, V1PodTemplateSpec } from "@kubernetes/client-node";
import { isTimeZone, parseSchedule } from "../controllers/cronjob/schedule.ts";
import type { FieldErrors } from "./field-errors.ts";
import { selects } from "./label-selector-validation.ts";
import { validateLabels } from "./metadata.ts";
import { validatePodSpec } from "./pod-validation.ts";
import { notNegative } from "./ranges.ts";

const actions = ["Count", "FailJob", "Ignore"];
const longestCronJobName = 52;

/** Source: pkg/apis/batch/validation/validation.go. What the local cluster does not do is refused. */
export function validateJobSpec(spec: V1JobSpec | undefined, path: string, errors: FieldErrors): void {
  if (!spec) {
    errors.required(path);
    return;
  }
  const counts = ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"] as const;
  for (const field of counts) notNegative(spec[field], `${path}.${field}`, errors);
  for (const field of ["backoffLimitPerIndex", "maxFailedIndexes", "successPolicy", "managedBy"] as const) {
    if (spec[field] !== undefined) errors.forbidden(`${path}.${field}`, "is not supported by the local cluster");
  }
  if (spec.completionMode === "Indexed") {
    if (spec.completions === undefined) {
      errors.required(`${path}.completions`, "when completion mode is Indexed");
    }
  } else if (spec.completionMode !== undefined && spec.completionMode !== "NonIndexed") {
    errors.unsupported(`${path}.completionMode`, spec.completionMode, ["NonIndexed", "Indexed"]);
  }
  validateTemplate(spec.template, `${path}.template`, errors);
  validatePolicies(spec, path, errors);
}

function validateTemplate(template: V1PodTemplateSpec | undefined, path: string, errors: FieldErrors): void {
  validateLabels(template?.metadata?.labels, `${path}.labels`, errors);
  validatePodSpec(template?.spec, `${path}.spec`, errors);
  const restartPolicy = template?.spec?.restartPolicy ?? "Always";
  if (restartPolicy === "Always") errors.required(`${path}.spec.restartPolicy`, 'valid values: "OnFailure", "Never"');
}

function validatePolicies(spec: V1JobSpec, path: string, errors: FieldErrors): void {
  const { podFailurePolicy, podReplacementPolicy } = spec;
  const replacements = podFailurePolicy ? ["Failed"] : ["Failed", "TerminatingOrFailed"];
  if (podReplacementPolicy !== undefined && !replacements.includes(podReplacementPolicy)) {
    errors.unsupported(`${path}.podReplacementPolicy`, podReplacementPolicy, replacements);
  }
  if (!podFailurePolicy) return;
  const restartPolicy = spec.template?.spec?.restartPolicy;
  if (restartPolicy === "OnFailure") {
    const detail = 'only "Never" is supported when podFailurePolicy is specified';
    errors.invalid(`${path}.template.spec.restartPolicy`, restartPolicy, detail);
  }
  for (const [index, { action, onExitCodes, onPodConditions }] of (podFailurePolicy.rules ?? []).entries()) {
    const rule = `${path}.podFailurePolicy.rules[${index}]`;
    if (!action) errors.required(`${rule}.action`, `valid values: ${actions.map((one) => `"${one}"`).join(", ")}`);
    else if (!actions.includes(action)) errors.unsupported(`${rule}.action`, action, actions);
    const hasConditions = (onPodConditions ?? []).length > 0;
    if (onExitCodes && hasConditions) {
      errors.invalid(rule, action, "specifying both OnExitCodes and OnPodConditions is not supported");
    } else if (!onExitCodes && !hasConditions) {
      errors.invalid(rule, action, "specifying one of OnExitCodes and OnPodConditions is required");
    }
    if (!onExitCodes) continue;
    const { operator, values = [] } = onExitCodes;
    if (operator !== "In" && operator !== "NotIn") {
      errors.unsupported(`${rule}.onExitCodes.operator`, operator, ["In", "NotIn"]);
    }
    if (values.length === 0) errors.invalid(`${rule}.onExitCodes.values`, values, "at least one value is required");
    if (operator === "In" && values.includes(0)) {
      errors.invalid(`${rule}.onExitCodes.values[${values.indexOf(0)}]`, 0, "must not be 0 for the In operator");
    }
  }
}

/** The selector of a new job is made by the server, unless the client vouches for its own. */
export function validateJobSelector({ metadata, spec }: V1Job, errors: FieldErrors): void {
  const { selector, manualSelector, template } = spec ?? {};
  if (manualSelector) {
    if (!selector) errors.required("spec.selector");
    else if (!selects(selector, template?.metadata?.labels)) {
      const labels = template?.metadata?.labels ?? {};
      errors.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`");
    }
    return;
  }
  const generated = { matchLabels: { "batch.kubernetes.io/controller-uid": metadata?.uid } };
  if (selector && !isDeepStrictEqual(plain(selector), plain(generated))) {
    errors.invalid("spec.selector", selector, "`selector` not auto-generated");
  }
}

export function validateJobUpdate({ spec }: V1Job, { spec: stored, status }: V1Job, errors: FieldErrors): void {
  if (!spec || !stored) return;
  const isElastic = spec.completionMode === "Indexed" && spec.completions === spec.parallelism;
  const fixed = ["selector", "completionMode", "podFailurePolicy", ...(isElastic ? [] : ["completions" as const])] as const;
  for (const field of fixed) {
    if (!isDeepStrictEqual(plain(spec[field]), plain(stored[field]))) {
      errors.invalid(`spec.${field}`, spec[field] ?? null, "field is immutable");
    }
  }
  const isWaiting = stored.suspend === true && status?.startTime === undefined;
  const shape = isWaiting ? withoutPlacement : plain;
  if (!isDeepStrictEqual(shape(spec.template), shape(stored.template))) {
    errors.invalid("spec.template", spec.template, "field is immutable");
  }
}

/** A job that waits may still be told where its pods go. */
function withoutPlacement(template: V1PodTemplateSpec): unknown {
  const { metadata: _, spec } = template;
  return plain({ ...spec, affinity: undefined, nodeSelector: undefined, tolerations: undefined, schedulingGates: undefined });
}

export function validateCronJob({ metadata, spec }: V1CronJob, errors: FieldErrors): void {
  if (!spec) {
    errors.required("spec");
    return;
  }
  const { name = "" } = metadata ?? {};
  if (name.length > longestCronJobName) errors.invalid("metadata.name", name, "must be no more than 52 characters");
  const { schedule, timeZone, concurrencyPolicy } = spec;
  if (!schedule) errors.required("spec.schedule");
  else validateSchedule(schedule, errors);
  if (timeZone !== undefined) validateTimeZone(timeZone, errors);
  const policies = ["Allow", "Forbid", "Replace"];
  if (concurrencyPolicy !== undefined && !policies.includes(concurrencyPolicy)) {
    errors.unsupported("spec.concurrencyPolicy", concurrencyPolicy, policies);
  }
  for (const field of ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] as const) {
    notNegative(spec[field], `spec.${field}`, errors);
  }
  const template = spec.jobTemplate?.spec;
  validateJobSpec(template, "spec.jobTemplate.spec", errors);
  if (template?.manualSelector) errors.unsupported("spec.jobTemplate.spec.manualSelector", true, ["nil", "false"]);
  if (template?.selector) errors.forbidden("spec.jobTemplate.spec.selector", "`selector` will be auto-generated");
}

function validateSchedule(schedule: string, errors: FieldErrors): void {
  if (schedule.includes("TZ")) {
    errors.invalid("spec.schedule", schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
    return;
  }
  try {
    parseSchedule(schedule);
  } catch (error) {
    errors.invalid("spec.schedule", schedule, (error as Error).message);
  }
}

function validateTimeZone(timeZone: string, errors: FieldErrors): void {
  if (timeZone === "") errors.invalid("spec.timeZone", timeZone, "must be nil or non-empty string");
  else if (timeZone.toLowerCase() === "local") {
    const detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
    errors.invalid("spec.timeZone", timeZone, detail);
  } else if (!isTimeZone(timeZone)) errors.invalid("spec.timeZone", timeZone, `unknown time zone ${timeZone}`);
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
