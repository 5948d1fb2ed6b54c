import type { V1Container, V1ContainerPort, V1EnvVarSource, V1VolumeMount } from "@kubernetes/client-node";
import { parseQuantity } from "../controllers/quantity.ts";
import type { FieldErrors } from "./field-errors.ts";
import { validateHook, validateProbe } from "./handler-validation.ts";
import { nameProblem, portNameProblems, qualifiedNameProblem } from "./names.ts";
import { quantityProblem } from "./quantity.ts";
import { validatePort } from "./ranges.ts";

const pullPolicies = ["Always", "IfNotPresent", "Never"];
const messagePolicies = ["File", "FallbackToLogsOnError"];
const protocols = ["SCTP", "TCP", "UDP"];
const standardResources = /^(cpu|memory|ephemeral-storage|hugepages-.+)$/;
const envFields = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];

export type ContainerContext = {
  names: Set<string>;
  volumes: Set<string>;
  isInit: boolean;
  isHostNetwork: boolean;
  graceSeconds: number;
};

/** The rules of one container. Source: pkg/apis/core/validation/validation.go. */
export function validateContainer(container: V1Container, path: string, context: ContainerContext, errors: FieldErrors): void {
  const { names, volumes, isInit, graceSeconds } = context;
  validateName(container.name, `${path}.name`, names, errors);
  if (!container.image) errors.required(`${path}.image`);
  else if (container.image.trim() !== container.image) {
    errors.invalid(`${path}.image`, container.image, "must not have leading or trailing whitespace");
  }
  const { imagePullPolicy, terminationMessagePolicy } = container;
  if (imagePullPolicy && !pullPolicies.includes(imagePullPolicy)) {
    errors.unsupported(`${path}.imagePullPolicy`, imagePullPolicy, pullPolicies);
  }
  if (terminationMessagePolicy && !messagePolicies.includes(terminationMessagePolicy)) {
    errors.invalid(`${path}.terminationMessagePolicy`, terminationMessagePolicy, "must be 'File' or 'FallbackToLogsOnError'");
  }
  validatePorts(container.ports ?? [], `${path}.ports`, context, errors);
  validateEnv(container, path, errors);
  validateResources(container, `${path}.resources`, errors);
  validateRestartPolicy(container, `${path}.restartPolicy`, isInit, errors);
  validateMounts(container.volumeMounts ?? [], `${path}.volumeMounts`, volumes, errors);
  const isBrief = isInit && container.restartPolicy !== "Always";
  const onlyLasting = "may not be set for init containers without restartPolicy=Always";
  for (const kind of ["livenessProbe", "readinessProbe", "startupProbe"] as const) {
    const probe = container[kind];
    if (!probe) continue;
    if (isBrief) errors.forbidden(`${path}.${kind}`, onlyLasting);
    validateProbe(probe, `${path}.${kind}`, kind, errors);
  }
  if (!container.lifecycle) return;
  if (isBrief) errors.forbidden(`${path}.lifecycle`, onlyLasting);
  for (const kind of ["postStart", "preStop"] as const) {
    const hook = container.lifecycle[kind];
    if (hook) validateHook(hook, `${path}.lifecycle.${kind}`, graceSeconds, errors);
  }
}

export function validateName(name: string | undefined, field: string, taken: Set<string>, errors: FieldErrors): void {
  if (!name) {
    errors.required(field);
    return;
  }
  const problem = nameProblem(name, "label");
  if (problem) errors.invalid(field, name, problem);
  if (taken.has(name)) errors.duplicate(field, name);
  taken.add(name);
}

function validateResources({ resources }: V1Container, path: string, errors: FieldErrors): void {
  for (const list of ["limits", "requests"] as const) {
    for (const [name, value] of Object.entries(resources?.[list] ?? {})) {
      const field = `${path}.${list}[${name}]`;
      const unnamed = qualifiedNameProblem(name);
      if (unnamed) errors.invalid(field, name, unnamed);
      else if (!name.includes("/") && !standardResources.test(name)) {
        errors.invalid(field, name, "must be a standard resource type or fully qualified");
        errors.invalid(field, name, "must be a standard resource for containers");
      }
      const problem = quantityProblem(value);
      if (problem) errors.invalid(field, value, problem);
      else if (name.includes("/") && !Number.isInteger(parseQuantity(value))) {
        errors.invalid(field, value, "must be an integer");
      }
    }
  }
  for (const [name, value] of Object.entries(resources?.requests ?? {})) {
    const limit = resources?.limits?.[name];
    const [wanted = 0, allowed = Number.POSITIVE_INFINITY] = [parseQuantity(value), parseQuantity(limit)];
    if (wanted > allowed) errors.invalid(`${path}.requests`, value, `must be less than or equal to ${name} limit of ${limit}`);
  }
}

/** A container restarts as its pod says; an init container that always does is a sidecar. */
function validateRestartPolicy({ restartPolicy }: V1Container, path: string, isInit: boolean, errors: FieldErrors): void {
  if (!restartPolicy) return;
  if (!isInit) errors.forbidden(path, "may not be set for non-init containers");
  else if (restartPolicy !== "Always") errors.unsupported(path, restartPolicy, ["Always"]);
}

function validateEnv({ env = [], envFrom = [] }: V1Container, path: string, errors: FieldErrors): void {
  for (const [index, { name, value, valueFrom }] of env.entries()) {
    const field = `${path}.env[${index}]`;
    validateEnvName(name, `${field}.name`, errors);
    if (valueFrom) validateEnvSource(valueFrom, value, `${field}.valueFrom`, errors);
  }
  for (const [index, { configMapRef, secretRef }] of envFrom.entries()) {
    const field = `${path}.envFrom[${index}]`;
    if (!configMapRef && !secretRef) errors.invalid(field, "", "must specify one of: `configMapRef` or `secretRef`");
    if (configMapRef && secretRef) errors.invalid(field, "", "may not have more than one field specified at a time");
    if (configMapRef && !configMapRef.name) errors.required(`${field}.configMapRef.name`);
    if (secretRef && !secretRef.name) errors.required(`${field}.secretRef.name`);
  }
}

function validateEnvName(name: string | undefined, field: string, errors: FieldErrors): void {
  if (!name) errors.required(field);
  else if (!/^[ -<>-~]+$/.test(name)) {
    const detail = "a valid environment variable name must consist only of printable ASCII characters other than '='";
    errors.invalid(field, name, detail);
  }
}

function validateEnvSource(source: V1EnvVarSource, value: string | undefined, field: string, errors: FieldErrors): void {
  const given = Object.values(source).filter((one) => one !== undefined).length;
  const kinds = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`";
  if (given === 0) errors.invalid(field, "", `must specify one of: ${kinds}`);
  else if (value) errors.invalid(field, "", "may not be specified when `value` is not empty");
  else if (given > 1) errors.invalid(field, "", "may not have more than one field specified at a time");
  const { fieldRef, resourceFieldRef } = source;
  if (fieldRef) {
    const isKeyed = /^metadata\.(labels|annotations)\['[^']+'\]$/.test(fieldRef.fieldPath ?? "");
    if (!fieldRef.fieldPath) errors.required(`${field}.fieldRef.fieldPath`);
    else if (!isKeyed && !envFields.includes(fieldRef.fieldPath)) {
      errors.unsupported(`${field}.fieldRef.fieldPath`, fieldRef.fieldPath, envFields);
    }
  }
  if (resourceFieldRef && !resourceFieldRef.resource) errors.required(`${field}.resourceFieldRef.resource`);
  for (const kind of ["configMapKeyRef", "secretKeyRef"] as const) {
    const reference = source[kind];
    if (reference && !reference.name) errors.required(`${field}.${kind}.name`);
    if (reference && !reference.key) errors.required(`${field}.${kind}.key`);
  }
}

function validatePorts(ports: V1ContainerPort[], path: string, { isHostNetwork }: ContainerContext, errors: FieldErrors): void {
  const names = new Set<string>();
  for (const [index, { containerPort, hostPort, protocol, name }] of ports.entries()) {
    const field = `${path}[${index}]`;
    if (!containerPort) errors.required(`${field}.containerPort`);
    else validatePort(containerPort, `${field}.containerPort`, errors);
    if (protocol && !protocols.includes(protocol)) errors.unsupported(`${field}.protocol`, protocol, protocols);
    if (hostPort && !isHostNetwork) {
      errors.forbidden(`${field}.hostPort`, "the local cluster forwards no ports of nodes; spec.hostNetwork has them");
    } else if (hostPort && hostPort !== containerPort) {
      errors.invalid(`${field}.containerPort`, containerPort, "must match `hostPort` when `hostNetwork` is true");
    }
    if (!name) continue;
    for (const problem of portNameProblems(name)) errors.invalid(`${field}.name`, name, problem);
    if (names.has(name)) errors.duplicate(`${field}.name`, name);
    names.add(name);
  }
}

function validateMounts(mounts: V1VolumeMount[], path: string, volumes: Set<string>, errors: FieldErrors): void {
  const mountPaths = new Set<string>();
  for (const [index, { name, mountPath, subPath, subPathExpr }] of mounts.entries()) {
    const field = `${path}[${index}]`;
    if (!name) errors.required(`${field}.name`);
    else if (!volumes.has(name)) errors.notFound(`${field}.name`, name);
    if (!mountPath) errors.required(`${field}.mountPath`);
    else if (mountPaths.has(mountPath)) errors.invalid(`${field}.mountPath`, mountPath, "must be unique");
    mountPaths.add(mountPath);
    if (subPath && subPathExpr) {
      errors.invalid(`${field}.subPathExpr`, subPathExpr, "subPathExpr and subPath are mutually exclusive");
    }
    if (subPath) validateRelativePath(subPath, `${field}.subPath`, errors);
    else if (subPathExpr) validateRelativePath(subPathExpr, `${field}.subPathExpr`, errors);
  }
}

export function validateRelativePath(path: string, field: string, errors: FieldErrors): void {
  if (path.startsWith("/")) errors.invalid(field, path, "must be a relative path");
  if (path.split("/").includes("..")) errors.invalid(field, path, "must not contain '..'");
}
