import { describe, expect, it } from "vitest";
import type { KubeObject } from "../api.ts";
import { builtInResources } from "../resources/catalogue.ts";
import { FieldErrors } from "./field-errors.ts";

function problems(kind: string, fields: object): string[] {
  const errors = new FieldErrors();
  const definition = builtInResources.find((one) => one.kind === kind);
  const object = { apiVersion: "v1", kind, metadata: { name: "one", uid: "u" }, ...fields } as unknown as KubeObject;
  definition?.setDefaults?.(object);
  definition?.validate?.(object, errors);
  return errors.causes.map(({ field, message }) => `${field}: ${message}`);
}

describe("a Secret", () => {
  it.each([
    [{ type: "kubernetes.io/tls", data: { "tls.crt": "YQ==" } }, ["data[tls.key]: Required value"]],
    [{ type: "kubernetes.io/ssh-auth" }, ["data[ssh-privatekey]: Required value"]],
    [{ type: "kubernetes.io/basic-auth" }, ["data[username]: Required value", "data[password]: Required value"]],
    [{ type: "kubernetes.io/basic-auth", data: { username: "YQ==" } }, []],
    [{ type: "example.com/own" }, []],
    [
      { type: "kubernetes.io/service-account-token" },
      ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
    ],
    [{ type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": "e30=" } }, []],
  ])("holds what its type promises: %j", (fields, expected) => {
    expect(problems("Secret", fields)).toEqual(expected);
  });

  it("shows nothing of what it holds in a refusal", () => {
    const data = { ".dockerconfigjson": Buffer.from("hidden").toString("base64") };
    const [problem] = problems("Secret", { type: "kubernetes.io/dockerconfigjson", data });
    expect(problem).toContain("<secret contents redacted>");
    expect(problem).not.toContain(data[".dockerconfigjson"]);
  });
});

describe("a ConfigMap", () => {
  it("has a key once", () => {
    expect(problems("ConfigMap", { data: { a: "1" }, binaryData: { a: "MQ==", "/": "MQ==" } })).toEqual([
      expect.stringMatching(/^binaryData\[\/\]: Invalid value/),
      'binaryData[a]: Invalid value: "a": duplicate of key present in data',
    ]);
  });
});

describe("Endpoints", () => {
  it.each([
    [{}, "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"],
    [
      { addresses: [{ ip: "here" }] },
      'subsets[0].addresses[0].ip: Invalid value: "here": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
    [
      { addresses: [{ ip: "10.0.0.1" }], ports: [{ port: 0 }] },
      "subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
    ],
  ])("are addresses and ports: %j", (subset, problem) => {
    expect(problems("Endpoints", { subsets: [subset] })).toEqual([problem]);
  });

  it("may be on loopback, as all of this cluster are", () => {
    expect(problems("Endpoints", { subsets: [{ addresses: [{ ip: "127.0.0.1" }], ports: [{ port: 1 }] }] })).toEqual([]);
  });
});

describe("an EndpointSlice", () => {
  it.each([
    [{}, "addressType: Required value"],
    [{ addressType: "IPX" }, 'addressType: Unsupported value: "IPX": supported values: "FQDN", "IPv4", "IPv6"'],
    [
      { addressType: "IPv4", endpoints: [{ addresses: ["::1"] }] },
      'endpoints[0].addresses[0]: Invalid value: "::1": must be a valid IPv4 address',
    ],
    [
      { addressType: "IPv4", endpoints: [{ addresses: [] }] },
      "endpoints[0].addresses: Required value: must contain at least 1 address",
    ],
    [{ addressType: "IPv4", ports: [{ port: 1 }, { port: 2 }] }, 'ports[1].name: Duplicate value: ""'],
  ])("is of one type, with addresses of it: %j", (fields, problem) => {
    expect(problems("EndpointSlice", fields)).toEqual([problem]);
  });
});

describe("a Lease", () => {
  it("lasts", () => {
    expect(problems("Lease", { spec: { leaseDurationSeconds: 0, leaseTransitions: -1 } })).toEqual([
      "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
      "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
    ]);
  });
});

describe("a Service", () => {
  it.each([
    [{ type: "ExternalName" }, "spec.externalName: Required value"],
    [{ ports: [{ port: 80 }], loadBalancerSourceRanges: ["10.0.0.0/8"] }, "spec.loadBalancerSourceRanges: Forbidden"],
    [
      { ports: [{ port: 80, targetPort: "80" }] },
      'spec.ports[0].targetPort: Invalid value: "80": must contain at least one letter',
    ],
    [{ type: "LoadBalancer", ports: [{ port: 80 }] }, 'spec.type: Unsupported value: "LoadBalancer"'],
  ])("asks for what there is: %j", (spec, problem) => {
    expect(problems("Service", { spec })).toEqual([expect.stringContaining(problem)]);
  });
});
