import type { V1DeploymentSpec, V1ReplicaSetSpec, V1ServiceSpec } from "@kubernetes/client-node";
import { setPodSpecDefaults } from "./pod-defaults.ts";

/** Source: pkg/apis/apps/v1/defaults.go. */
export function setDeploymentDefaults(spec: V1DeploymentSpec): void {
  setReplicaSetDefaults(spec);
  spec.strategy ??= {};
  spec.strategy.type ??= "RollingUpdate";
  if (spec.strategy.type === "RollingUpdate") {
    spec.strategy.rollingUpdate ??= {};
    spec.strategy.rollingUpdate.maxUnavailable ??= "25%";
    spec.strategy.rollingUpdate.maxSurge ??= "25%";
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
}

export function setReplicaSetDefaults(spec: V1ReplicaSetSpec | V1DeploymentSpec): void {
  spec.replicas ??= 1;
  if (!spec.template) return;
  spec.template.metadata ??= {};
  if (spec.template.spec) setPodSpecDefaults(spec.template.spec);
}

/** Source: pkg/apis/core/v1/defaults.go. */
export function setServiceDefaults(spec: V1ServiceSpec): void {
  spec.sessionAffinity ??= "None";
  spec.type ??= "ClusterIP";
  if (spec.sessionAffinity === "None") delete spec.sessionAffinityConfig;
  else if (spec.sessionAffinity === "ClientIP") {
    spec.sessionAffinityConfig ??= {};
    spec.sessionAffinityConfig.clientIP ??= {};
    spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= 10_800;
  }
  for (const port of spec.ports ?? []) {
    port.protocol ??= "TCP";
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === "") port.targetPort = port.port;
  }
  if (spec.type === "ExternalName") return;
  spec.internalTrafficPolicy ??= "Cluster";
  spec.ipFamilies ??= ["IPv4"];
  spec.ipFamilyPolicy ??= "SingleStack";
}
