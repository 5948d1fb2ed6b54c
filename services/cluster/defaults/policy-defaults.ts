import type {
  V1NetworkPolicySpec,
  V1RoleBinding,
  V2HorizontalPodAutoscalerBehavior,
  V2HorizontalPodAutoscalerSpec,
} from "@kubernetes/client-node";

const rbacGroup = "rbac.authorization.k8s.io";

/** Source: pkg/apis/autoscaling/v2/defaults.go. */
export function setAutoscalerDefaults(spec: V2HorizontalPodAutoscalerSpec): void {
  spec.minReplicas ??= 1;
  if (!spec.metrics?.length) {
    const target = { type: "Utilization", averageUtilization: 80 };
    spec.metrics = [{ type: "Resource", resource: { name: "cpu", target } }];
  }
  if (spec.behavior) setBehaviorDefaults(spec.behavior);
}

function setBehaviorDefaults(behavior: V2HorizontalPodAutoscalerBehavior): void {
  const percent = { type: "Percent", value: 100, periodSeconds: 15 };
  behavior.scaleUp ??= {};
  behavior.scaleUp.stabilizationWindowSeconds ??= 0;
  behavior.scaleUp.selectPolicy ??= "Max";
  behavior.scaleUp.policies ??= [{ type: "Pods", value: 4, periodSeconds: 15 }, { ...percent }];
  behavior.scaleDown ??= {};
  behavior.scaleDown.selectPolicy ??= "Max";
  behavior.scaleDown.policies ??= [{ ...percent }];
}

/** Source: pkg/apis/networking/v1/defaults.go. */
export function setNetworkPolicyDefaults(spec: V1NetworkPolicySpec): void {
  spec.policyTypes ??= spec.egress?.length ? ["Ingress", "Egress"] : ["Ingress"];
  for (const { ports = [] } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
    for (const port of ports) port.protocol ??= "TCP";
  }
}

/** Source: pkg/apis/rbac/v1/defaults.go. */
export function setBindingDefaults({ roleRef, subjects = [] }: V1RoleBinding): void {
  if (roleRef) roleRef.apiGroup ??= rbacGroup;
  for (const subject of subjects) {
    if (subject.kind === "User" || subject.kind === "Group") subject.apiGroup ??= rbacGroup;
  }
}
