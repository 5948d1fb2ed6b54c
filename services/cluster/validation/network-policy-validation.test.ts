import type { V1NetworkPolicySpec } from "@kubernetes/client-node";
import { describe, expect, it } from "vitest";
import { FieldErrors } from "./field-errors.ts";
import { validateNetworkPolicy } from "./network-policy-validation.ts";

function problems(spec: object): string[] {
  const errors = new FieldErrors();
  validateNetworkPolicy({ podSelector: {}, ...spec } as V1NetworkPolicySpec, errors);
  return errors.causes.map(({ field, message }) => `${field}: ${message}`);
}

const from = (...peers: object[]) => ({ ingress: [{ from: peers }] });
const ports = (...list: object[]) => ({ egress: [{ ports: list }] });

describe("a network policy", () => {
  it("may say nothing, and may name peers and ports in all their forms", () => {
    const block = { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] };
    const peers = [{ podSelector: {} }, { podSelector: {}, namespaceSelector: {} }, { ipBlock: block }];
    const list = [{ port: 80, endPort: 90, protocol: "TCP" }, { port: "http" }, { protocol: "UDP" }];
    expect(problems({})).toEqual([]);
    expect(problems({ policyTypes: ["Ingress", "Egress"], ingress: [{ from: peers, ports: list }], egress: [{}] })).toEqual([]);
  });

  it("selects pods by labels that can be", () => {
    expect(problems({ podSelector: { matchExpressions: [{ key: "a", operator: "Is" }] } })).toEqual([
      'spec.podSelector.matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator',
    ]);
  });

  it("names its types", () => {
    expect(problems({ policyTypes: ["ingress"] })).toEqual([
      'spec.policyTypes[0]: Unsupported value: "ingress": supported values: "Egress", "Ingress"',
    ]);
    expect(problems({ policyTypes: ["Ingress", "Egress", "Ingress"] })).toEqual([
      'spec.policyTypes: Invalid value: ["Ingress","Egress","Ingress"]: may not specify more than two policyTypes',
    ]);
  });

  it.each([
    [{}, "spec.ingress[0].from[0]: Required value: must specify a peer"],
    [
      { podSelector: {}, ipBlock: { cidr: "10.0.0.0/8" } },
      "spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer",
    ],
    [{ ipBlock: {} }, "spec.ingress[0].from[0].ipBlock.cidr: Required value"],
    [
      { ipBlock: { cidr: "10.0.0.0" } },
      'spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
    [
      { ipBlock: { cidr: "10.0.0.0/8", except: ["11.0.0.0/16"] } },
      'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
    ],
  ])("refuses the peer %j", (peer, problem) => {
    expect(problems(from(peer))).toEqual([problem]);
  });

  it.each([
    [{ port: 0 }, "spec.egress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"],
    [{ port: 80, endPort: 79 }, "spec.egress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`"],
    [
      { port: "http", endPort: 80 },
      "spec.egress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is non-numeric",
    ],
    [{ endPort: 80 }, "spec.egress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is not specified"],
    [
      { port: "-", protocol: "TCP" },
      'spec.egress[0].ports[0].port: Invalid value: "-": must contain at least one letter (a-z)',
      'spec.egress[0].ports[0].port: Invalid value: "-": must not begin or end with a hyphen',
    ],
    [{ protocol: "ICMP" }, 'spec.egress[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"'],
  ])("refuses the port %j", (port, ...expected) => {
    expect(problems(ports(port))).toEqual(expected);
  });
});
