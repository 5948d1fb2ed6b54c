import { isDeepStrictEqual } from "node:util";
import type { V1Container, V1PodSecurityContext, V1PodSpec, V1SecurityContext, V1Toleration } from "@kubernetes/client-node";
import { validateContainer } from "./container-validation.ts";
import type { FieldErrors } from "./field-errors.ts";
import { validateLabels } from "./metadata.ts";
import { nameProblem, qualifiedNameProblem } from "./names.ts";
import { validatePodVolumes } from "./pod-volume-validation.ts";
import { largestInt32, notNegative, within } from "./ranges.ts";
import { onlyFewerGates, validateScheduling } from "./scheduling-validation.ts";
import { refuseUnsupported } from "./unsupported-fields.ts";

const restartPolicies = ["Always", "OnFailure", "Never"];
const dnsPolicies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/** The rules of a pod spec that the local cluster depends on. Source: pkg/apis/core/validation/validation.go. */
export function validatePodSpec(spec: V1PodSpec | undefined, path: string, errors: FieldErrors): void {
  if (!spec) {
    errors.required(`${path}.containers`);
    return;
  }
  const context = {
    names: new Set<string>(),
    volumes: validatePodVolumes(spec, path, errors),
    isHostNetwork: spec.hostNetwork ?? false,
    graceSeconds: spec.terminationGracePeriodSeconds ?? 30,
  };
  if (!spec.containers?.length) errors.required(`${path}.containers`);
  for (const field of ["initContainers", "containers"] as const) {
    for (const [index, container] of (spec[field] ?? []).entries()) {
      const one = `${path}.${field}[${index}]`;
      validateContainer(container, one, { ...context, isInit: field === "initContainers" }, errors);
      validateIdentity(container.securityContext, `${one}.securityContext`, errors);
    }
  }
  if (spec.restartPolicy && !restartPolicies.includes(spec.restartPolicy)) {
    errors.unsupported(`${path}.restartPolicy`, spec.restartPolicy, restartPolicies);
  }
  if (spec.dnsPolicy && !dnsPolicies.includes(spec.dnsPolicy))
    errors.unsupported(`${path}.dnsPolicy`, spec.dnsPolicy, dnsPolicies);
  if (spec.dnsPolicy === "None" && !spec.dnsConfig?.nameservers?.length) {
    const detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
    errors.required(`${path}.dnsConfig.nameservers`, detail);
  }
  notNegative(spec.terminationGracePeriodSeconds, `${path}.terminationGracePeriodSeconds`, errors);
  within(spec.activeDeadlineSeconds, 1, largestInt32, `${path}.activeDeadlineSeconds`, errors);
  validateNames(spec, path, errors);
  validatePodContext(spec.securityContext, `${path}.securityContext`, errors);
  validateLabels(spec.nodeSelector, `${path}.nodeSelector`, errors);
  validateScheduling(spec, path, errors);
  for (const [index, toleration] of (spec.tolerations ?? []).entries()) {
    validateToleration(toleration, `${path}.tolerations[${index}]`, errors);
  }
  for (const [index, { conditionType }] of (spec.readinessGates ?? []).entries()) {
    const problem = qualifiedNameProblem(conditionType ?? "");
    if (problem) errors.invalid(`${path}.readinessGates[${index}].conditionType`, conditionType ?? "", problem);
  }
  refuseUnsupported(spec, path, errors);
}

function validateNames(spec: V1PodSpec, path: string, errors: FieldErrors): void {
  const rules = { hostname: "label", subdomain: "label", nodeName: "subdomain", serviceAccountName: "subdomain" } as const;
  for (const [field, rule] of Object.entries(rules)) {
    const name = spec[field as keyof typeof rules];
    const problem = name ? nameProblem(name, rule) : undefined;
    if (problem) errors.invalid(`${path}.${field}`, name, problem);
  }
}

function validatePodContext(context: V1PodSecurityContext | undefined, path: string, errors: FieldErrors): void {
  if (!context) return;
  validateIdentity(context, path, errors);
  within(context.fsGroup, 0, largestInt32, `${path}.fsGroup`, errors);
  for (const [index, group] of (context.supplementalGroups ?? []).entries()) {
    within(group, 0, largestInt32, `${path}.supplementalGroups[${index}]`, errors);
  }
  const policies = ["Always", "OnRootMismatch"];
  const policy = context.fsGroupChangePolicy;
  if (policy && !policies.includes(policy)) errors.unsupported(`${path}.fsGroupChangePolicy`, policy, policies);
}

function validateIdentity(
  context: V1SecurityContext | V1PodSecurityContext | undefined,
  path: string,
  errors: FieldErrors,
): void {
  within(context?.runAsUser, 0, largestInt32, `${path}.runAsUser`, errors);
  within(context?.runAsGroup, 0, largestInt32, `${path}.runAsGroup`, errors);
}

function validateToleration(toleration: V1Toleration, path: string, errors: FieldErrors): void {
  const { key, operator = "Equal", value, effect, tolerationSeconds } = toleration;
  const problem = key ? qualifiedNameProblem(key) : undefined;
  if (problem) errors.invalid(`${path}.key`, key, problem);
  if (!key && operator !== "Exists") {
    const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    errors.invalid(`${path}.operator`, operator, detail);
  }
  if (operator !== "Equal" && operator !== "Exists") errors.unsupported(`${path}.operator`, operator, ["Equal", "Exists"]);
  if (operator === "Exists" && value) {
    errors.invalid(`${path}.operator`, toleration, "value must be empty when `operator` is 'Exists'");
  }
  if (effect && !effects.includes(effect)) errors.unsupported(`${path}.effect`, effect, effects);
  if (tolerationSeconds !== undefined && effect !== "NoExecute") {
    errors.invalid(`${path}.effect`, effect ?? "", "effect must be 'NoExecute' when `tolerationSeconds` is set");
  }
}

/** Only a few fields of a pod that exists may change. */
export function validatePodUpdate(spec: V1PodSpec, stored: V1PodSpec, errors: FieldErrors): void {
  for (const field of ["containers", "initContainers"] as const) {
    if ((spec[field] ?? []).length === (stored[field] ?? []).length) continue;
    errors.forbidden(`spec.${field}`, "pod updates may not add or remove containers");
    return;
  }
  validateDeadlineUpdate(spec.activeDeadlineSeconds, stored.activeDeadlineSeconds, errors);
  const comparable = {
    ...spec,
    containers: sameImages(spec.containers, stored.containers),
    initContainers: spec.initContainers && sameImages(spec.initContainers, stored.initContainers),
    activeDeadlineSeconds: stored.activeDeadlineSeconds,
    tolerations: addedOnly(spec.tolerations, stored.tolerations) ? stored.tolerations : spec.tolerations,
    schedulingGates: onlyFewerGates(spec.schedulingGates, stored.schedulingGates) ? stored.schedulingGates : spec.schedulingGates,
  };
  if (isDeepStrictEqual(plain(comparable), plain(stored))) return;
  errors.forbidden(
    "spec",
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
  );
}

/** A deadline may be set, or come nearer. */
function validateDeadlineUpdate(seconds: number | undefined, stored: number | undefined, errors: FieldErrors): void {
  if (stored === undefined) return;
  const field = "spec.activeDeadlineSeconds";
  if (seconds === undefined) errors.invalid(field, null, "must not update from a positive integer to nil value");
  else if (seconds > stored) errors.invalid(field, seconds, "must be less than or equal to previous value");
}

function sameImages(containers: V1Container[] = [], stored: V1Container[] = []): V1Container[] {
  return containers.map((container, index) => ({ ...container, image: stored[index]?.image }));
}

function addedOnly(given: V1PodSpec["tolerations"] = [], stored: V1PodSpec["tolerations"] = []): boolean {
  return stored.every((toleration) => given.some((one) => isDeepStrictEqual(one, toleration)));
}

function plain(value: object): unknown {
  return JSON.parse(JSON.stringify(value));
}
