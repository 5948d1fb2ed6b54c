import type { V1Service, V1ServiceSpec } from "@kubernetes/client-node";
import type { FieldErrors } from "./field-errors.ts";
import { validateLabels } from "./metadata.ts";
import { nameProblem, portNameProblems } from "./names.ts";
import { validatePort } from "./ranges.ts";

/** NodePort and LoadBalancer need an outside network, which the local cluster does not have: they are refused. */
const types = ["ClusterIP", "ExternalName"];
const protocols = ["SCTP", "TCP", "UDP"];

/** Fields of an outside network, or of choices among nodes that the one service proxy does not have. */
const unsupportedFields = [
  "allocateLoadBalancerNodePorts",
  "externalIPs",
  "externalTrafficPolicy",
  "healthCheckNodePort",
  "loadBalancerClass",
  "loadBalancerIP",
  "loadBalancerSourceRanges",
  "trafficDistribution",
];

export function validateService({ spec }: V1Service, errors: FieldErrors): void {
  if (!spec) {
    errors.required("spec");
    return;
  }
  if (spec.type && !types.includes(spec.type)) errors.unsupported("spec.type", spec.type, types);
  if (spec.sessionAffinity !== "None" && spec.sessionAffinity !== "ClientIP") {
    errors.unsupported("spec.sessionAffinity", spec.sessionAffinity, ["ClientIP", "None"]);
  }
  if (spec.type === "ExternalName") validateExternalName(spec, errors);
  if (!spec.ports?.length && spec.clusterIP !== "None" && spec.type !== "ExternalName") errors.required("spec.ports");
  validateLabels(spec.selector, "spec.selector", errors);
  validatePorts(spec, errors);
  validateTraffic(spec, errors);
}

function validateExternalName({ externalName, clusterIP }: V1ServiceSpec, errors: FieldErrors): void {
  const name = externalName?.replace(/\.$/, "");
  const problem = name ? nameProblem(name, "subdomain") : undefined;
  if (!name) errors.required("spec.externalName");
  else if (problem) errors.invalid("spec.externalName", externalName, problem);
  if (clusterIP) errors.forbidden("spec.clusterIP", "may not be set for `type` ExternalName");
}

function validateTraffic(spec: V1ServiceSpec, errors: FieldErrors): void {
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (timeout !== undefined && (timeout <= 0 || timeout > 86_400)) {
    const path = "spec.sessionAffinityConfig.clientIP.timeoutSeconds";
    errors.invalid(path, timeout, "must be greater than 0 and less than 86400");
  }
  const policy = spec.internalTrafficPolicy;
  if (policy && policy !== "Cluster") errors.unsupported("spec.internalTrafficPolicy", policy, ["Cluster"]);
  if (spec.ipFamilyPolicy === "RequireDualStack") {
    errors.unsupported("spec.ipFamilyPolicy", spec.ipFamilyPolicy, ["PreferDualStack", "SingleStack"]);
  }
  for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
    if (family !== "IPv4") errors.unsupported(`spec.ipFamilies[${index}]`, family, ["IPv4"]);
  }
  const given = spec as Record<string, unknown>;
  for (const field of unsupportedFields) {
    const value = given[field];
    const isSet = Array.isArray(value) ? value.length > 0 : Boolean(value);
    if (isSet) errors.forbidden(`spec.${field}`, "the local cluster has no outside network and one service proxy");
  }
}

export function validateServiceUpdate(service: V1Service, stored: V1Service, errors: FieldErrors): void {
  const isName = ({ spec }: V1Service) => spec?.type === "ExternalName";
  if (isName(service) !== isName(stored)) {
    errors.forbidden("spec.type", "the local cluster turns no ExternalName into an address, nor back: make the Service anew");
    return;
  }
  const before = stored.spec?.clusterIP;
  const after = service.spec?.clusterIP;
  if (before && after !== before) errors.invalid("spec.clusterIPs[0]", [after ?? ""], "may not change once set");
}

/** The proxy forwards TCP. A headless Service may name any protocol: nothing is forwarded for it. */
function validatePorts({ ports = [], clusterIP }: V1ServiceSpec, errors: FieldErrors): void {
  const supported = clusterIP === "None" ? protocols : ["TCP"];
  const names = new Set<string>();
  const numbers = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const path = `spec.ports[${index}]`;
    if (ports.length > 1 && !port.name) errors.required(`${path}.name`);
    if (port.name) {
      const problem = nameProblem(port.name, "label");
      if (problem) errors.invalid(`${path}.name`, port.name, problem);
      if (names.has(port.name)) errors.duplicate(`${path}.name`, port.name);
      names.add(port.name);
    }
    if (port.port === undefined) errors.required(`${path}.port`);
    else validatePort(port.port, `${path}.port`, errors);
    const { targetPort } = port;
    if (typeof targetPort === "number") validatePort(targetPort, `${path}.targetPort`, errors);
    else for (const problem of portNameProblems(targetPort ?? "http")) errors.invalid(`${path}.targetPort`, targetPort, problem);
    if (port.protocol && !supported.includes(port.protocol)) errors.unsupported(`${path}.protocol`, port.protocol, supported);
    if (port.nodePort) errors.forbidden(`${path}.nodePort`, "may not be used when `type` is 'ClusterIP'");
    const key = `${port.protocol}/${port.port}`;
    if (numbers.has(key)) errors.duplicate(path, { protocol: port.protocol, port: port.port });
    numbers.add(key);
  }
}
