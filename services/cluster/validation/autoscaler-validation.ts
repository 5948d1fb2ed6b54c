import type {
  V2CrossVersionObjectReference,
  V2HorizontalPodAutoscalerBehavior,
  V2HorizontalPodAutoscalerSpec,
  V2HPAScalingRules,
  V2MetricIdentifier,
  V2MetricSpec,
  V2MetricTarget,
} from "@kubernetes/client-node";
import type { FieldErrors } from "./field-errors.ts";
import { quantityProblem } from "./quantity.ts";

const sourceFields = {
  ContainerResource: "containerResource",
  External: "external",
  Object: "object",
  Pods: "pods",
  Resource: "resource",
} as const;

const longestWindowSeconds = 3600;
const longestPeriodSeconds = 1800;

/** Source: pkg/apis/autoscaling/validation/validation.go. */
export function validateAutoscaler(spec: V2HorizontalPodAutoscalerSpec | undefined, errors: FieldErrors): void {
  const { minReplicas, maxReplicas = 0, metrics = [], behavior } = spec ?? {};
  if (minReplicas !== undefined && minReplicas < 1) {
    errors.invalid("spec.minReplicas", minReplicas, "must be greater than or equal to 1");
  }
  if (maxReplicas < 1) errors.invalid("spec.maxReplicas", maxReplicas, "must be greater than 0");
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`");
  }
  validateReference(spec?.scaleTargetRef, "spec.scaleTargetRef", errors);
  for (const [index, metric] of metrics.entries()) validateMetric(metric, `spec.metrics[${index}]`, errors);
  if (behavior) validateBehavior(behavior, errors);
}

function validateReference(
  reference: Partial<V2CrossVersionObjectReference> | undefined,
  path: string,
  errors: FieldErrors,
): void {
  const { kind, name } = reference ?? {};
  if (!kind) errors.required(`${path}.kind`);
  if (!name) errors.required(`${path}.name`);
  else if (name === "." || name === ".." || /[/%]/.test(name)) {
    const detail = /[/%]/.test(name) ? `may not contain '${name.includes("/") ? "/" : "%"}'` : `may not be '${name}'`;
    errors.invalid(`${path}.name`, name, detail);
  }
}

function validateMetric(metric: V2MetricSpec, path: string, errors: FieldErrors): void {
  const { type } = metric;
  if (!type) errors.required(`${path}.type`, "must specify a metric source type");
  if (!isSourceType(type)) {
    errors.unsupported(`${path}.type`, type, Object.keys(sourceFields));
    return;
  }
  const expected = sourceFields[type];
  if (!metric[expected]) errors.required(`${path}.${expected}`, "must populate information for the given metric source");
  for (const field of Object.values(sourceFields)) {
    if (field !== expected && metric[field]) errors.forbidden(`${path}.${field}`, "must populate the given metric source only");
  }
  const { resource, containerResource, pods, object, external } = metric;
  if (resource) validateResource(resource, `${path}.resource`, errors);
  if (containerResource) {
    validateResource(containerResource, `${path}.containerResource`, errors);
    if (!containerResource.container) errors.required(`${path}.containerResource.container`, "must specify a container");
  }
  if (pods) {
    validateIdentifier(pods.metric, `${path}.pods.metric`, errors);
    validateTarget(pods.target, `${path}.pods.target`, errors);
    if (!pods.target?.averageValue) {
      errors.required(`${path}.pods.target.averageValue`, "must specify a positive target averageValue");
    }
  }
  if (object) {
    validateReference(object.describedObject, `${path}.object.describedObject`, errors);
    validateIdentifier(object.metric, `${path}.object.metric`, errors);
    validateTarget(object.target, `${path}.object.target`, errors);
    if (!object.target?.value && !object.target?.averageValue) {
      errors.required(`${path}.object.target.averageValue`, "must set either a target value or averageValue");
    }
  }
  if (external) {
    const target = `${path}.external.target`;
    validateIdentifier(external.metric, `${path}.external.metric`, errors);
    validateTarget(external.target, target, errors);
    const { value, averageValue } = external.target ?? {};
    if (!value && !averageValue) {
      errors.required(`${target}.averageValue`, "must set either a target value for metric or a per-pod target");
    }
    if (value && averageValue) {
      errors.forbidden(`${target}.value`, "may not set both a target value for metric and a per-pod target");
    }
  }
}

function isSourceType(type: string): type is keyof typeof sourceFields {
  return Object.hasOwn(sourceFields, type);
}

function validateResource({ name, target }: { name: string; target?: V2MetricTarget }, path: string, errors: FieldErrors): void {
  if (!name) errors.required(`${path}.name`, "must specify a resource name");
  validateTarget(target, `${path}.target`, errors);
  const { averageUtilization, averageValue } = target ?? {};
  if (averageUtilization === undefined && averageValue === undefined) {
    const detail = "must set either a target raw value or a target utilization";
    errors.required(`${path}.target.averageUtilization`, detail);
  }
  if (averageUtilization !== undefined && averageValue !== undefined) {
    const detail = "may not set both a target raw value and a target utilization";
    errors.forbidden(`${path}.target.averageValue`, detail);
  }
}

function validateIdentifier(metric: V2MetricIdentifier | undefined, path: string, errors: FieldErrors): void {
  if (!metric?.name) errors.required(`${path}.name`, "must specify a metric name");
}

function validateTarget(target: V2MetricTarget | undefined, path: string, errors: FieldErrors): void {
  const { type, value, averageValue, averageUtilization } = target ?? {};
  if (!type) errors.required(`${path}.type`, "must specify a metric target type");
  else if (!["Utilization", "Value", "AverageValue"].includes(type)) {
    errors.invalid(`${path}.type`, type, "must be either Utilization, Value, or AverageValue");
  }
  validatePositive(value, `${path}.value`, errors);
  validatePositive(averageValue, `${path}.averageValue`, errors);
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.invalid(`${path}.averageUtilization`, averageUtilization, "must be greater than 0");
  }
}

function validatePositive(quantity: string | number | undefined, path: string, errors: FieldErrors): void {
  if (quantity === undefined) return;
  const text = String(quantity);
  const isNegative = text.startsWith("-");
  const problem = quantityProblem(isNegative ? text.slice(1) : text);
  if (problem) errors.invalid(path, text, problem);
  else if (isNegative || !/[1-9]/.test(text)) errors.invalid(path, text, "must be positive");
}

function validateBehavior({ scaleUp, scaleDown }: V2HorizontalPodAutoscalerBehavior, errors: FieldErrors): void {
  if (scaleUp) validateRules(scaleUp, "spec.behavior.scaleUp", errors);
  if (scaleDown) validateRules(scaleDown, "spec.behavior.scaleDown", errors);
}

function validateRules(rules: V2HPAScalingRules, path: string, errors: FieldErrors): void {
  const { stabilizationWindowSeconds: window, selectPolicy, policies, tolerance } = rules;
  if (window !== undefined && window < 0) {
    errors.invalid(`${path}.stabilizationWindowSeconds`, window, "must be greater than or equal to zero");
  }
  if (window !== undefined && window > longestWindowSeconds) {
    const detail = `must be less than or equal to ${longestWindowSeconds}`;
    errors.invalid(`${path}.stabilizationWindowSeconds`, window, detail);
  }
  if (tolerance !== undefined) {
    errors.forbidden(`${path}.tolerance`, "a tolerance of one's own is not supported by this server");
  }
  if (selectPolicy !== undefined && !["Max", "Min", "Disabled"].includes(selectPolicy)) {
    errors.unsupported(`${path}.selectPolicy`, selectPolicy, ["Max", "Min", "Disabled"]);
  }
  if (policies?.length === 0) errors.required(`${path}.policies`, "must specify at least one Policy");
  for (const [index, { type, value, periodSeconds }] of (policies ?? []).entries()) {
    const at = `${path}.policies[${index}]`;
    if (type !== "Pods" && type !== "Percent") errors.unsupported(`${at}.type`, type, ["Percent", "Pods"]);
    if (value <= 0) errors.invalid(`${at}.value`, value, "must be greater than zero");
    if (periodSeconds <= 0) errors.invalid(`${at}.periodSeconds`, periodSeconds, "must be greater than zero");
    if (periodSeconds > longestPeriodSeconds) {
      errors.invalid(`${at}.periodSeconds`, periodSeconds, `must be less than or equal to ${longestPeriodSeconds}`);
    }
  }
}
