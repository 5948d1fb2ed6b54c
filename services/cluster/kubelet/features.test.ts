import { expect, it } from "vitest";
import { findUnsupported } from "./features.ts";
import type { Container, PodSpec } from "./pod.ts";

const find = (spec: object, container: object = {}) =>
  findUnsupported({ spec: { containers: [{ name: "main", image: "i", ...container } as Container], ...spec } as PodSpec });

it.each([
  ["hostPID", { hostPID: true }],
  ["shareProcessNamespace", { shareProcessNamespace: true }],
  ["hostUsers: false", { hostUsers: false }],
  ["hostAliases", { hostAliases: [{ ip: "127.0.0.9", hostnames: ["x"] }] }],
  ["dnsConfig", { dnsConfig: { nameservers: ["127.0.0.9"] } }],
])("names %s of a pod", (name, spec) => {
  expect(find(spec)).toBe(name);
});

it.each([
  ["stdin", { stdin: true }],
  ["tty", { tty: true }],
  ["securityContext.privileged", { securityContext: { privileged: true } }],
  ["securityContext.capabilities.add: SYS_ADMIN", { securityContext: { capabilities: { add: ["CHOWN", "SYS_ADMIN"] } } }],
  ["volumeMounts.mountPropagation", { volumeMounts: [{ name: "v", mountPath: "/v", mountPropagation: "Bidirectional" }] }],
])("names %s of a container", (name, container) => {
  expect(find({}, container)).toBe(`containers[main].${name}`);
});

it("lets what only restates the defaults pass", () => {
  const securityContext = { privileged: false, capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] }, procMount: "Default" };
  expect(find({ hostPID: false, hostAliases: [], dnsConfig: {} }, { stdin: false, securityContext })).toBeUndefined();
});
