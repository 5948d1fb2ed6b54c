import type { V1NetworkPolicy, V1PodDisruptionBudget, V2HorizontalPodAutoscaler } from "@kubernetes/client-node";
import { setAutoscalerDefaults, setNetworkPolicyDefaults } from "../defaults/policy-defaults.ts";
import { horizontalPodAutoscalerTable, networkPolicyTable, podDisruptionBudgetTable } from "../tables/policy-tables.ts";
import { validateAutoscaler } from "../validation/autoscaler-validation.ts";
import { validateBudget } from "../validation/disruption-validation.ts";
import { validateNetworkPolicy } from "../validation/network-policy-validation.ts";
import type { ResourceDefinition } from "./definition.ts";

export const policyResources: ResourceDefinition[] = [
  {
    id: { group: "autoscaling", resource: "horizontalpodautoscalers" },
    version: "v2",
    kind: "HorizontalPodAutoscaler",
    singular: "horizontalpodautoscaler",
    shortNames: ["hpa"],
    categories: ["all"],
    namespaced: true,
    type: "V2HorizontalPodAutoscaler",
    hasStatus: true,
    nameRule: "subdomain",
    table: horizontalPodAutoscalerTable,
    setDefaults(object) {
      const { spec } = object as unknown as V2HorizontalPodAutoscaler;
      if (spec) setAutoscalerDefaults(spec);
    },
    prepareCreate(object) {
      object.status = { currentReplicas: 0, desiredReplicas: 0 };
    },
    validate: (object, errors) => validateAutoscaler((object as unknown as V2HorizontalPodAutoscaler).spec, errors),
  },
  {
    id: { group: "policy", resource: "poddisruptionbudgets" },
    version: "v1",
    kind: "PodDisruptionBudget",
    singular: "poddisruptionbudget",
    shortNames: ["pdb"],
    namespaced: true,
    type: "V1PodDisruptionBudget",
    hasStatus: true,
    hasGeneration: true,
    nameRule: "subdomain",
    table: podDisruptionBudgetTable,
    prepareCreate(object) {
      object.status = { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 };
    },
    validate: (object, errors) => validateBudget((object as unknown as V1PodDisruptionBudget).spec, errors),
  },
  {
    id: { group: "networking.k8s.io", resource: "networkpolicies" },
    version: "v1",
    kind: "NetworkPolicy",
    singular: "networkpolicy",
    shortNames: ["netpol"],
    namespaced: true,
    type: "V1NetworkPolicy",
    hasGeneration: true,
    nameRule: "subdomain",
    table: networkPolicyTable,
    setDefaults(object) {
      const { spec } = object as unknown as V1NetworkPolicy;
      if (spec) setNetworkPolicyDefaults(spec);
    },
    validate: (object, errors) => validateNetworkPolicy((object as unknown as V1NetworkPolicy).spec, errors),
    writeWarning: "a NetworkPolicy is stored, but the local cluster does not enforce it",
  },
];
