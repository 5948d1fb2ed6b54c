import { isIP } from "node:net";
import type { CoreV1EndpointPort, V1EndpointAddress, V1EndpointSlice, V1Endpoints, V1LeaseSpec } from "@kubernetes/client-node";
import type { FieldErrors } from "./field-errors.ts";
import { nameProblem } from "./names.ts";
import { notNegative, validatePort } from "./ranges.ts";

const protocols = ["SCTP", "TCP", "UDP"];
const addressTypes = ["FQDN", "IPv4", "IPv6"];

/** Unlike in real Kubernetes, addresses may be loopback ones: all of them are here. Source: pkg/apis/core/validation. */
export function validateEndpoints({ subsets = [] }: V1Endpoints, errors: FieldErrors): void {
  for (const [index, { addresses = [], notReadyAddresses = [], ports = [] }] of subsets.entries()) {
    const path = `subsets[${index}]`;
    if (addresses.length + notReadyAddresses.length === 0) {
      errors.required(path, "must specify `addresses` or `notReadyAddresses`");
    }
    for (const [place, address] of addresses.entries()) validateAddress(address, `${path}.addresses[${place}]`, errors);
    for (const [place, address] of notReadyAddresses.entries()) {
      validateAddress(address, `${path}.notReadyAddresses[${place}]`, errors);
    }
    for (const [place, port] of ports.entries()) {
      const field = `${path}.ports[${place}]`;
      if (ports.length > 1 && !port.name) errors.required(`${field}.name`);
      validatePort(port.port ?? 0, `${field}.port`, errors);
      validatePortOf(port, field, errors);
    }
  }
}

function validateAddress({ ip, hostname }: V1EndpointAddress, path: string, errors: FieldErrors): void {
  if (isIP(ip ?? "") === 0) {
    errors.invalid(`${path}.ip`, ip ?? "", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
  }
  const problem = hostname ? nameProblem(hostname, "label") : undefined;
  if (problem) errors.invalid(`${path}.hostname`, hostname, problem);
}

function validatePortOf({ name, protocol }: Partial<CoreV1EndpointPort>, path: string, errors: FieldErrors): void {
  const problem = name ? nameProblem(name, "label") : undefined;
  if (problem) errors.invalid(`${path}.name`, name, problem);
  if (protocol && !protocols.includes(protocol)) errors.unsupported(`${path}.protocol`, protocol, protocols);
}

/** Source: pkg/apis/discovery/validation/validation.go. */
export function validateEndpointSlice({ addressType, endpoints = [], ports = [] }: V1EndpointSlice, errors: FieldErrors): void {
  if (!addressType) errors.required("addressType");
  else if (!addressTypes.includes(addressType)) errors.unsupported("addressType", addressType, addressTypes);
  for (const [index, { addresses = [], hostname }] of endpoints.entries()) {
    const path = `endpoints[${index}]`;
    if (addresses.length === 0) errors.required(`${path}.addresses`, "must contain at least 1 address");
    if (addresses.length > 100) errors.tooMany(`${path}.addresses`, addresses.length, 100);
    for (const [place, address] of addresses.entries()) {
      const problem = addressProblem(addressType, address);
      if (problem) errors.invalid(`${path}.addresses[${place}]`, address, problem);
    }
    const problem = hostname ? nameProblem(hostname, "label") : undefined;
    if (problem) errors.invalid(`${path}.hostname`, hostname, problem);
  }
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const field = `ports[${index}]`;
    const { name = "" } = port;
    if (names.has(name)) errors.duplicate(`${field}.name`, name);
    names.add(name);
    validatePortOf(port, field, errors);
  }
}

export function validateEndpointSliceUpdate(slice: V1EndpointSlice, stored: V1EndpointSlice, errors: FieldErrors): void {
  if (slice.addressType !== stored.addressType) errors.invalid("addressType", slice.addressType, "field is immutable");
}

function addressProblem(type: string, address: string): string | undefined {
  if (type === "IPv4") return isIP(address) === 4 ? undefined : "must be a valid IPv4 address";
  if (type === "IPv6") return isIP(address) === 6 ? undefined : "must be a valid IPv6 address";
  return nameProblem(address, "subdomain");
}

/** Source: pkg/apis/coordination/validation/validation.go. */
export function validateLease(spec: V1LeaseSpec | undefined, errors: FieldErrors): void {
  const seconds = spec?.leaseDurationSeconds;
  if (seconds !== undefined && seconds <= 0) errors.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0");
  notNegative(spec?.leaseTransitions, "spec.leaseTransitions", errors);
  for (const field of ["preferredHolder", "strategy"] as const) {
    if (spec?.[field] !== undefined) errors.forbidden(`spec.${field}`, "is not supported by the local cluster");
  }
}
