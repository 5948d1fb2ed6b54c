import type { V1Deployment, V1Pod, V1ReplicaSet, V1StatefulSet } from "@kubernetes/client-node";
import type { KubeObject } from "../api.ts";
import { setStatefulSetDefaults } from "../defaults/apps-defaults.ts";
import { admitPod, qosClass, setPodDefaults } from "../defaults/pod-defaults.ts";
import { admitPriority } from "../defaults/pod-priority.ts";
import { setDeploymentDefaults, setReplicaSetDefaults } from "../defaults/workload-defaults.ts";
import { podTable } from "../tables/pod-table.ts";
import { controllerRevisionTable, deploymentTable, replicaSetTable, statefulSetTable } from "../tables/workload-tables.ts";
import { validatePodSpec, validatePodUpdate } from "../validation/pod-validation.ts";
import { validateStatefulSet, validateStatefulSetUpdate } from "../validation/stateful-set-validation.ts";
import { validateDeployment, validateReplicaSet, validateSelectorUpdate } from "../validation/workload-validation.ts";
import type { ResourceDefinition } from "./definition.ts";

export const workloadResources: ResourceDefinition[] = [
  {
    id: { group: "", resource: "pods" },
    version: "v1",
    kind: "Pod",
    singular: "pod",
    shortNames: ["po"],
    categories: ["all"],
    namespaced: true,
    type: "V1Pod",
    hasStatus: true,
    nameRule: "subdomain",
    selectableFields: {
      names: [
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.serviceAccountName",
        "spec.schedulerName",
        "status.phase",
        "status.podIP",
      ],
      of: (object) => {
        const { spec, status } = object as {
          spec?: Record<string, string | undefined>;
          status?: Record<string, string | undefined>;
        };
        return {
          "spec.nodeName": spec?.nodeName ?? "",
          "spec.restartPolicy": spec?.restartPolicy ?? "",
          "spec.serviceAccountName": spec?.serviceAccountName ?? "",
          "spec.schedulerName": spec?.schedulerName ?? "",
          "status.phase": status?.phase ?? "",
          "status.podIP": status?.podIP ?? "",
        };
      },
    },
    table: podTable,
    setDefaults(object) {
      const { spec } = asPod(object);
      if (spec) setPodDefaults(spec);
    },
    prepareCreate(object) {
      const pod = asPod(object);
      if (pod.spec) admitPod(pod.spec);
      admitPriority(pod);
      object.status = { phase: "Pending", qosClass: qosClass(pod) };
    },
    validate: (object, errors) => validatePodSpec(asPod(object).spec, "spec", errors),
    validateUpdate(object, stored, errors) {
      const [after, before] = [asPod(object).spec, asPod(stored).spec];
      if (after && before) validatePodUpdate(after, before, errors);
    },
  },
  {
    id: { group: "apps", resource: "deployments" },
    version: "v1",
    kind: "Deployment",
    singular: "deployment",
    shortNames: ["deploy"],
    categories: ["all"],
    namespaced: true,
    type: "V1Deployment",
    hasStatus: true,
    hasScale: true,
    hasGeneration: true,
    nameRule: "subdomain",
    table: deploymentTable,
    setDefaults(object) {
      const { spec } = asDeployment(object);
      if (spec) setDeploymentDefaults(spec);
    },
    prepareCreate(object) {
      object.status = {};
    },
    validate: (object, errors) => validateDeployment(asDeployment(object).spec, errors),
    validateUpdate: (object, stored, errors) =>
      validateSelectorUpdate(asDeployment(object).spec, asDeployment(stored).spec, errors),
  },
  {
    id: { group: "apps", resource: "replicasets" },
    version: "v1",
    kind: "ReplicaSet",
    singular: "replicaset",
    shortNames: ["rs"],
    categories: ["all"],
    namespaced: true,
    type: "V1ReplicaSet",
    hasStatus: true,
    hasScale: true,
    hasGeneration: true,
    nameRule: "subdomain",
    selectableFields: {
      names: ["status.replicas"],
      of: (object) => ({ "status.replicas": String((object.status as { replicas?: number } | undefined)?.replicas ?? 0) }),
    },
    table: replicaSetTable,
    setDefaults(object) {
      const { spec } = asReplicaSet(object);
      if (spec) setReplicaSetDefaults(spec);
    },
    prepareCreate(object) {
      object.status = { replicas: 0 };
    },
    validate: (object, errors) => validateReplicaSet(asReplicaSet(object).spec, errors),
    validateUpdate: (object, stored, errors) =>
      validateSelectorUpdate(asReplicaSet(object).spec, asReplicaSet(stored).spec, errors),
  },
  {
    id: { group: "apps", resource: "statefulsets" },
    version: "v1",
    kind: "StatefulSet",
    singular: "statefulset",
    shortNames: ["sts"],
    categories: ["all"],
    namespaced: true,
    type: "V1StatefulSet",
    hasStatus: true,
    hasScale: true,
    hasGeneration: true,
    nameRule: "subdomain",
    table: statefulSetTable,
    setDefaults(object) {
      const { spec } = object as unknown as V1StatefulSet;
      if (spec) setStatefulSetDefaults(spec);
    },
    prepareCreate(object) {
      object.status = { replicas: 0, availableReplicas: 0 };
    },
    validate: (object, errors) => validateStatefulSet((object as unknown as V1StatefulSet).spec, errors),
    validateUpdate: (object, stored, errors) =>
      validateStatefulSetUpdate((object as unknown as V1StatefulSet).spec, (stored as unknown as V1StatefulSet).spec, errors),
  },
  {
    id: { group: "apps", resource: "controllerrevisions" },
    version: "v1",
    kind: "ControllerRevision",
    singular: "controllerrevision",
    namespaced: true,
    type: "V1ControllerRevision",
    nameRule: "subdomain",
    table: controllerRevisionTable,
  },
];

function asPod(object: KubeObject): V1Pod {
  return object as unknown as V1Pod;
}

function asDeployment(object: KubeObject): V1Deployment {
  return object as unknown as V1Deployment;
}

function asReplicaSet(object: KubeObject): V1ReplicaSet {
  return object as unknown as V1ReplicaSet;
}
