import { BlockList, isIP } from "node:net";
import type { V1IPBlock, V1NetworkPolicyPeer, V1NetworkPolicyPort, V1NetworkPolicySpec } from "@kubernetes/client-node";
import type { FieldErrors } from "./field-errors.ts";
import { validateSelector } from "./label-selector-validation.ts";
import { portNameProblems } from "./names.ts";
import { validatePort } from "./ranges.ts";

const policyTypes = ["Egress", "Ingress"];
const protocols = ["SCTP", "TCP", "UDP"];

/** As it is on the wire: the client library's model calls the field `_from`. */
type IngressRule = { ports?: V1NetworkPolicyPort[]; from?: V1NetworkPolicyPeer[] };

/** Source: pkg/apis/networking/validation/validation.go. */
export function validateNetworkPolicy(spec: V1NetworkPolicySpec | undefined, errors: FieldErrors): void {
  if (!spec) return;
  if (spec.podSelector) validateSelector(spec.podSelector, "spec.podSelector", errors);
  for (const [index, { ports, from }] of ((spec.ingress ?? []) as IngressRule[]).entries()) {
    validateRule(ports, from, `spec.ingress[${index}]`, "from", errors);
  }
  for (const [index, { ports, to }] of (spec.egress ?? []).entries()) {
    validateRule(ports, to, `spec.egress[${index}]`, "to", errors);
  }
  const types = spec.policyTypes ?? [];
  if (types.length > 2) errors.invalid("spec.policyTypes", types, "may not specify more than two policyTypes");
  else {
    for (const [index, type] of types.entries()) {
      if (!policyTypes.includes(type)) errors.unsupported(`spec.policyTypes[${index}]`, type, policyTypes);
    }
  }
}

function validateRule(
  ports: V1NetworkPolicyPort[] = [],
  peers: V1NetworkPolicyPeer[] = [],
  path: string,
  direction: "from" | "to",
  errors: FieldErrors,
): void {
  for (const [index, port] of ports.entries()) validatePolicyPort(port, `${path}.ports[${index}]`, errors);
  for (const [index, peer] of peers.entries()) validatePeer(peer, `${path}.${direction}[${index}]`, errors);
}

function validatePolicyPort({ protocol, port, endPort }: V1NetworkPolicyPort, path: string, errors: FieldErrors): void {
  if (protocol !== undefined && !protocols.includes(protocol)) errors.unsupported(`${path}.protocol`, protocol, protocols);
  const field = `${path}.endPort`;
  if (port === undefined) {
    if (endPort !== undefined) errors.invalid(field, endPort, "may not be specified when `port` is not specified");
  } else if (typeof port === "number") {
    validatePort(port, `${path}.port`, errors);
    if (endPort === undefined) return;
    if (endPort < port) errors.invalid(field, endPort, "must be greater than or equal to `port`");
    validatePort(endPort, field, errors);
  } else {
    if (endPort !== undefined) errors.invalid(field, endPort, "may not be specified when `port` is non-numeric");
    for (const problem of portNameProblems(port)) errors.invalid(`${path}.port`, port, problem);
  }
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: V1NetworkPolicyPeer, path: string, errors: FieldErrors): void {
  if (podSelector) validateSelector(podSelector, `${path}.podSelector`, errors);
  if (namespaceSelector) validateSelector(namespaceSelector, `${path}.namespaceSelector`, errors);
  if (ipBlock) validateBlock(ipBlock, `${path}.ipBlock`, errors);
  if (!podSelector && !namespaceSelector && !ipBlock) errors.required(path, "must specify a peer");
  else if (ipBlock && (podSelector || namespaceSelector)) {
    errors.forbidden(path, "may not specify both ipBlock and another peer");
  }
}

function validateBlock({ cidr, except = [] }: V1IPBlock, path: string, errors: FieldErrors): void {
  if (!cidr) {
    errors.required(`${path}.cidr`);
    return;
  }
  const block = parseCidr(cidr);
  if (!block) errors.invalid(`${path}.cidr`, cidr, notACidr);
  for (const [index, text] of except.entries()) {
    const field = `${path}.except[${index}]`;
    const part = parseCidr(text);
    if (!part) errors.invalid(field, text, notACidr);
    else if (block && !isStrictlyWithin(part, block)) errors.invalid(field, text, "must be a strict subset of `cidr`");
  }
}

const notACidr = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

type Cidr = { address: string; bits: number; family: "ipv4" | "ipv6" };

function parseCidr(text: string): Cidr | undefined {
  const [address = "", bits = "", ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (version === 4 ? 32 : 128)) return undefined;
  return { address, bits: Number(bits), family: version === 4 ? "ipv4" : "ipv6" };
}

function isStrictlyWithin(part: Cidr, whole: Cidr): boolean {
  if (part.family !== whole.family || part.bits <= whole.bits) return false;
  const list = new BlockList();
  list.addSubnet(whole.address, whole.bits, whole.family);
  return list.check(part.address, part.family);
}
