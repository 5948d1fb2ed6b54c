/** How a strategic merge patch treats a list or an object: the patchStrategy and patchMergeKey tags of Kubernetes' Go types. */
export type MergeRule = { mergeKey?: string; isSet?: boolean; isReplaced?: boolean };

const byName: MergeRule = { mergeKey: "name" };
const byType: MergeRule = { mergeKey: "type" };
const set: MergeRule = { isSet: true };

/** By type and field of schema/types.json. A list that is not here is replaced whole. */
const rules: Record<string, Record<string, MergeRule>> = {
  V1ObjectMeta: { ownerReferences: { mergeKey: "uid" }, finalizers: set },
  V1PodSpec: {
    containers: byName,
    initContainers: byName,
    ephemeralContainers: byName,
    volumes: byName,
    imagePullSecrets: byName,
    hostAliases: { mergeKey: "ip" },
    topologySpreadConstraints: { mergeKey: "topologyKey" },
    schedulingGates: byName,
    resourceClaims: byName,
  },
  V1Container: containerRules(),
  V1EphemeralContainer: containerRules(),
  V1ProjectedVolumeSource: {},
  V1PodStatus: {
    conditions: byType,
    podIPs: { mergeKey: "ip" },
    hostIPs: { mergeKey: "ip" },
    resourceClaimStatuses: byName,
  },
  V1NodeSpec: { podCIDRs: set },
  V1NodeStatus: { addresses: byType, conditions: byType },
  V1NamespaceStatus: { conditions: byType },
  V1ServiceSpec: { ports: { mergeKey: "port" } },
  V1ServiceStatus: { conditions: byType },
  V1ServiceAccount: { secrets: byName, imagePullSecrets: byName },
  V1DeploymentStatus: { conditions: byType },
  V1ReplicaSetStatus: { conditions: byType },
  V1StatefulSetStatus: { conditions: byType },
  V1JobStatus: { conditions: byType },
  V1PersistentVolumeClaimStatus: { conditions: byType },
  V1PodDisruptionBudgetSpec: { selector: { isReplaced: true } },
  V1PodDisruptionBudgetStatus: { conditions: byType },
  V2HorizontalPodAutoscalerStatus: { conditions: byType },
};

export function mergeRule(type: string, field: string): MergeRule | undefined {
  return rules[type]?.[field];
}

function containerRules(): Record<string, MergeRule> {
  return {
    ports: { mergeKey: "containerPort" },
    env: byName,
    volumeMounts: { mergeKey: "mountPath" },
    volumeDevices: { mergeKey: "devicePath" },
  };
}
