import type { V1Container, V1PodSpec } from "@kubernetes/client-node";
import { describe, expect, it } from "vitest";
import { FieldErrors } from "./field-errors.ts";
import { validatePodSpec, validatePodUpdate } from "./pod-validation.ts";

function problems(spec: Partial<V1PodSpec>): string[] {
  const errors = new FieldErrors();
  validatePodSpec({ containers: [container()], ...spec }, "spec", errors);
  return errors.causes.map(({ field, message }) => `${field}: ${message}`);
}

function container(fields: Partial<V1Container> = {}): V1Container {
  return { name: "main", image: "web:1", ...fields };
}

describe("what a container requests", () => {
  it.each([
    [{ requests: { cpu: "500m" }, limits: { cpu: "0.5" } }],
    [{ requests: { memory: "1Gi" }, limits: { cpu: "1" } }],
    [{ limits: { memory: "64Mi" } }],
  ])("may be all of its limit: %j", (resources) => {
    expect(problems({ containers: [container({ resources })] })).toEqual([]);
  });

  it.each([
    ["cpu", "2", "1500m"],
    ["memory", "1Gi", "1000Mi"],
  ])("may not be more than its limit: %s", (name, request, limit) => {
    const resources = { requests: { [name]: request }, limits: { [name]: limit } };
    expect(problems({ containers: [container({ resources })] })).toEqual([
      `spec.containers[0].resources.requests: Invalid value: "${request}": must be less than or equal to ${name} limit of ${limit}`,
    ]);
  });

  it("is a quantity", () => {
    const [problem] = problems({ containers: [container({ resources: { requests: { cpu: "much" } } })] });
    expect(problem).toMatch(/^spec\.containers\[0\]\.resources\.requests\[cpu\]: Invalid value: "much": quantities must match/);
  });
});

describe("a restart policy", () => {
  it("makes an init container a sidecar", () => {
    expect(problems({ initContainers: [container({ name: "proxy", restartPolicy: "Always" })] })).toEqual([]);
  });

  it("of an init container may be Always alone", () => {
    expect(problems({ initContainers: [container({ name: "proxy", restartPolicy: "Never" })] })).toEqual([
      'spec.initContainers[0].restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ]);
  });

  it("is the pod's, not a container's", () => {
    expect(problems({ containers: [container({ restartPolicy: "Always" })] })).toEqual([
      "spec.containers[0].restartPolicy: Forbidden: may not be set for non-init containers",
    ]);
  });
});

describe("what the local cluster could only ignore", () => {
  it.each([
    [{ runtimeClassName: "gvisor" }, "spec.runtimeClassName"],
    [{ overhead: { cpu: "1" } }, "spec.overhead"],
    [{ setHostnameAsFQDN: true }, "spec.setHostnameAsFQDN"],
    [{ resources: { limits: { cpu: "1" } } }, "spec.resources"],
    [{ securityContext: { sysctls: [{ name: "net.core.somaxconn", value: "1" }] } }, "spec.securityContext.sysctls"],
  ])("is refused: %j", (spec, field) => {
    expect(problems(spec as Partial<V1PodSpec>)).toEqual([`${field}: Forbidden: is not supported by the local cluster`]);
  });

  it.each([
    [{ resources: { claims: [{ name: "gpu" }] } }, "resources.claims"],
    [{ resizePolicy: [{ resourceName: "cpu", restartPolicy: "NotRequired" }] }, "resizePolicy"],
    [{ securityContext: { seLinuxOptions: { level: "s0" } } }, "securityContext.seLinuxOptions"],
    [{ lifecycle: { stopSignal: "SIGUSR1" } }, "lifecycle.stopSignal"],
  ])("is refused of containers: %j", (fields, field) => {
    expect(problems({ containers: [container(fields as Partial<V1Container>)] })).toEqual([
      `spec.containers[0].${field}: Forbidden: is not supported by the local cluster`,
    ]);
  });

  it("is not what most manifests say and containers have anyway", () => {
    const securityContext = {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    };
    expect(problems({ containers: [container({ securityContext })], setHostnameAsFQDN: false, os: { name: "linux" } })).toEqual(
      [],
    );
  });

  it("is a port of the node, unless the pod has the node's network", () => {
    const containers = [container({ ports: [{ containerPort: 80, hostPort: 80 }] })];
    expect(problems({ containers })).toEqual([
      "spec.containers[0].ports[0].hostPort: Forbidden: the local cluster forwards no ports of nodes; spec.hostNetwork has them",
    ]);
    expect(problems({ containers, hostNetwork: true })).toEqual([]);
  });
});

describe("a handler", () => {
  const probe = (readinessProbe: object) => problems({ containers: [container({ readinessProbe })] });

  it.each([
    [{ exec: {} }, "exec.command: Required value"],
    [{ httpGet: { path: "/" } }, "httpGet.port: Required value"],
    [{ httpGet: { port: 70_000 } }, "httpGet.port: Invalid value: 70000: must be between 1 and 65535, inclusive"],
    [{ httpGet: { port: 1, scheme: "FTP" } }, 'httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"'],
    [{ tcpSocket: { port: "80" } }, 'tcpSocket.port: Invalid value: "80": must contain at least one letter (a-z)'],
  ])("is complete: %j", (handler, problem) => {
    expect(probe(handler)).toEqual([`spec.containers[0].readinessProbe.${problem}`]);
  });

  it("of a hook does one thing", () => {
    const lifecycle = { preStop: {}, postStart: { exec: { command: ["a"] }, httpGet: { port: 1 } } };
    expect(problems({ containers: [container({ lifecycle })] })).toEqual([
      "spec.containers[0].lifecycle.postStart: Forbidden: may not specify more than 1 handler type",
      "spec.containers[0].lifecycle.preStop: Required value: must specify a handler type",
    ]);
  });
});

describe("the volumes of a pod", () => {
  it.each([
    [{ configMap: {} }, "configMap.name: Required value"],
    [{ secret: {} }, "secret.secretName: Required value"],
    [{ hostPath: { path: "/a/../b" } }, `hostPath.path: Invalid value: "/a/../b": must not contain '..'`],
    [
      { configMap: { name: "c", items: [{ key: "k", path: "../k" }] } },
      `configMap.items[0].path: Invalid value: "../k": must not contain '..'`,
    ],
    [
      { secret: { secretName: "s", defaultMode: 0o1000 } },
      "secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive",
    ],
  ])("are complete: %j", (source, problem) => {
    expect(problems({ volumes: [{ name: "v", ...source }] as V1PodSpec["volumes"] })).toEqual([`spec.volumes[0].${problem}`]);
  });
});

describe("an update of a pod", () => {
  const update = (after: Partial<V1PodSpec>, before: Partial<V1PodSpec>) => {
    const errors = new FieldErrors();
    validatePodUpdate({ containers: [container()], ...after }, { containers: [container()], ...before }, errors);
    return errors.causes.map(({ field, message }) => `${field}: ${message}`);
  };

  it.each([
    ["another node", { nodeName: "node-2" }, { nodeName: "node-1" }],
    ["a node at all", { nodeName: "node-2" }, {}],
    ["no node", {}, { nodeName: "node-1" }],
    ["another grace", { terminationGracePeriodSeconds: 2 }, { terminationGracePeriodSeconds: 1 }],
  ])("gives it not %s", (_, after, before) => {
    expect(update(after, before)).toEqual([expect.stringMatching(/^spec: Forbidden: pod updates may not change fields/)]);
  });

  it("adds no container", () => {
    expect(update({ containers: [container(), container({ name: "side" })] }, {})).toEqual([
      "spec.containers: Forbidden: pod updates may not add or remove containers",
    ]);
  });

  it("may bring its deadline nearer, and set one", () => {
    expect(update({ activeDeadlineSeconds: 5 }, {})).toEqual([]);
    expect(update({ activeDeadlineSeconds: 5 }, { activeDeadlineSeconds: 6 })).toEqual([]);
    expect(update({ activeDeadlineSeconds: 7 }, { activeDeadlineSeconds: 6 })).toEqual([
      "spec.activeDeadlineSeconds: Invalid value: 7: must be less than or equal to previous value",
    ]);
  });
});
