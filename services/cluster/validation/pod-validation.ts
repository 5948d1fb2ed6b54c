import { isDeepStrictEqual } from "node:util";
import type { V1Container, V1ContainerPort, V1PodSpec, V1Probe } from "@kubernetes/client-node";
import { parseQuantity } from "../controllers/quantity.ts";
import type { FieldErrors } from "./field-errors.ts";
import { nameProblem } from "./names.ts";
import { quantityProblem } from "./quantity.ts";
import { onlyFewerGates, validateScheduling } from "./scheduling-validation.ts";

const restartPolicies = ["Always", "OnFailure", "Never"];
const pullPolicies = ["Always", "IfNotPresent", "Never"];
const protocols = ["SCTP", "TCP", "UDP"];
const dnsPolicies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];

/** The rules of a pod spec that the local cluster depends on. Source: pkg/apis/core/validation/validation.go. */
export function validatePodSpec(spec: V1PodSpec | undefined, path: string, errors: FieldErrors): void {
  if (!spec) {
    errors.required(`${path}.containers`);
    return;
  }
  const volumes = validateVolumes(spec, path, errors);
  const names = new Set<string>();
  if (!spec.containers?.length) errors.required(`${path}.containers`);
  for (const field of ["initContainers", "containers"] as const) {
    for (const [index, container] of (spec[field] ?? []).entries()) {
      validateContainer(container, `${path}.${field}[${index}]`, { names, volumes, isInit: field === "initContainers" }, errors);
    }
  }
  if (spec.restartPolicy && !restartPolicies.includes(spec.restartPolicy)) {
    errors.unsupported(`${path}.restartPolicy`, spec.restartPolicy, restartPolicies);
  }
  if (spec.dnsPolicy && !dnsPolicies.includes(spec.dnsPolicy))
    errors.unsupported(`${path}.dnsPolicy`, spec.dnsPolicy, dnsPolicies);
  notNegative(spec.terminationGracePeriodSeconds, `${path}.terminationGracePeriodSeconds`, errors);
  validateScheduling(spec, path, errors);
  for (const [index, toleration] of (spec.tolerations ?? []).entries()) {
    const field = `${path}.tolerations[${index}]`;
    const { key, operator = "Equal", effect, tolerationSeconds } = toleration;
    if (!key && operator !== "Exists")
      errors.invalid(
        `${field}.operator`,
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      );
    if (operator !== "Equal" && operator !== "Exists") errors.unsupported(`${field}.operator`, operator, ["Equal", "Exists"]);
    if (tolerationSeconds !== undefined && effect !== "NoExecute") {
      errors.invalid(`${field}.effect`, effect ?? "", "effect must be 'NoExecute' when `tolerationSeconds` is set");
    }
  }
}

/** Only a few fields of a pod that exists may change. */
export function validatePodUpdate(spec: V1PodSpec, stored: V1PodSpec, errors: FieldErrors): void {
  const comparable = {
    ...spec,
    containers: sameImages(spec.containers, stored.containers),
    initContainers: spec.initContainers && sameImages(spec.initContainers, stored.initContainers),
    activeDeadlineSeconds: stored.activeDeadlineSeconds,
    terminationGracePeriodSeconds: stored.terminationGracePeriodSeconds,
    tolerations: addedOnly(spec.tolerations, stored.tolerations) ? stored.tolerations : spec.tolerations,
    schedulingGates: onlyFewerGates(spec.schedulingGates, stored.schedulingGates) ? stored.schedulingGates : spec.schedulingGates,
  };
  if (isDeepStrictEqual(plain(comparable), plain(stored))) return;
  errors.forbidden(
    "spec",
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
  );
}

type ContainerContext = { names: Set<string>; volumes: Set<string>; isInit: boolean };

function validateContainer(
  container: V1Container,
  path: string,
  { names, volumes, isInit }: ContainerContext,
  errors: FieldErrors,
): void {
  validateName(container.name, `${path}.name`, names, errors);
  if (!container.image) errors.required(`${path}.image`);
  else if (container.image.trim() !== container.image) {
    errors.invalid(`${path}.image`, container.image, "must not have leading or trailing whitespace");
  }
  if (container.imagePullPolicy && !pullPolicies.includes(container.imagePullPolicy)) {
    errors.unsupported(`${path}.imagePullPolicy`, container.imagePullPolicy, pullPolicies);
  }
  validatePorts(container.ports ?? [], `${path}.ports`, errors);
  validateEnv(container, path, errors);
  validateResources(container, `${path}.resources`, errors);
  validateRestartPolicy(container, `${path}.restartPolicy`, isInit, errors);
  const mountPaths = new Set<string>();
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const field = `${path}.volumeMounts[${index}]`;
    if (!mount.name) errors.required(`${field}.name`);
    else if (!volumes.has(mount.name)) errors.notFound(`${field}.name`, mount.name);
    if (!mount.mountPath) errors.required(`${field}.mountPath`);
    else if (mountPaths.has(mount.mountPath)) errors.invalid(`${field}.mountPath`, mount.mountPath, "must be unique");
    mountPaths.add(mount.mountPath);
  }
  for (const probe of ["livenessProbe", "readinessProbe", "startupProbe"] as const) {
    const value = container[probe];
    if (!value) continue;
    if (isInit && container.restartPolicy !== "Always")
      errors.forbidden(`${path}.${probe}`, "may not be set for init containers without restartPolicy=Always");
    validateProbe(value, `${path}.${probe}`, probe !== "readinessProbe", errors);
  }
}

function validateResources({ resources }: V1Container, path: string, errors: FieldErrors): void {
  for (const list of ["limits", "requests"] as const) {
    for (const [name, value] of Object.entries(resources?.[list] ?? {})) {
      const problem = quantityProblem(value);
      if (problem) errors.invalid(`${path}.${list}[${name}]`, value, problem);
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

function validateEnv(container: V1Container, path: string, errors: FieldErrors): void {
  for (const [index, variable] of (container.env ?? []).entries()) {
    const field = `${path}.env[${index}]`;
    if (!variable.name) errors.required(`${field}.name`);
    const { valueFrom } = variable;
    if (!valueFrom) continue;
    const sources = Object.values(valueFrom).filter((source) => source !== undefined).length;
    if (sources === 0)
      errors.invalid(
        `${field}.valueFrom`,
        "",
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`",
      );
    else if (variable.value) errors.invalid(`${field}.valueFrom`, "", "may not be specified when `value` is not empty");
    else if (sources > 1) errors.invalid(`${field}.valueFrom`, "", "may not have more than one field specified at a time");
  }
}

function validatePorts(ports: V1ContainerPort[], path: string, errors: FieldErrors): void {
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const field = `${path}[${index}]`;
    if (!port.containerPort) errors.required(`${field}.containerPort`);
    else validatePort(port.containerPort, `${field}.containerPort`, errors);
    if (port.protocol && !protocols.includes(port.protocol)) errors.unsupported(`${field}.protocol`, port.protocol, protocols);
    if (!port.name) continue;
    if (port.name.length > 15) errors.invalid(`${field}.name`, port.name, "must be no more than 15 characters");
    if (names.has(port.name)) errors.duplicate(`${field}.name`, port.name);
    names.add(port.name);
  }
}

export function validatePort(port: number, field: string, errors: FieldErrors): void {
  if (port < 1 || port > 65_535) errors.invalid(field, port, "must be between 1 and 65535, inclusive");
}

function validateProbe(probe: V1Probe, path: string, isKilling: boolean, errors: FieldErrors): void {
  const handlers = [probe.exec, probe.httpGet, probe.tcpSocket, probe.grpc].filter((handler) => handler !== undefined);
  if (handlers.length === 0) errors.required(path, "must specify a handler type");
  if (handlers.length > 1) errors.forbidden(path, "may not specify more than 1 handler type");
  for (const field of [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ] as const) {
    notNegative(probe[field], `${path}.${field}`, errors);
  }
  if (isKilling && probe.successThreshold !== undefined && probe.successThreshold !== 1) {
    errors.invalid(`${path}.successThreshold`, probe.successThreshold, "must be 1");
  }
  for (const [name, handler] of [
    ["httpGet", probe.httpGet],
    ["tcpSocket", probe.tcpSocket],
  ] as const) {
    if (!handler) continue;
    if (handler.port === undefined) errors.required(`${path}.${name}.port`);
    else if (typeof handler.port === "number") validatePort(handler.port, `${path}.${name}.port`, errors);
  }
}

function validateVolumes(spec: V1PodSpec, path: string, errors: FieldErrors): Set<string> {
  const names = new Set<string>();
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    const field = `${path}.volumes[${index}]`;
    validateName(volume.name, `${field}.name`, names, errors);
    const sources = Object.keys(volume).filter((key) => key !== "name");
    if (sources.length > 1) errors.forbidden(`${field}.${sources[1]}`, "may not specify more than 1 volume type");
  }
  return names;
}

function validateName(name: string | undefined, field: string, taken: Set<string>, errors: FieldErrors): void {
  if (!name) {
    errors.required(field);
    return;
  }
  const problem = nameProblem(name, "label");
  if (problem) errors.invalid(field, name, problem);
  if (taken.has(name)) errors.duplicate(field, name);
  taken.add(name);
}

export function notNegative(value: number | undefined, field: string, errors: FieldErrors): void {
  if (value !== undefined && value < 0) errors.invalid(field, value, "must be greater than or equal to 0");
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
