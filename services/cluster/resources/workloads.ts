import { plainTable } from "../tables/table.ts";
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
    table: plainTable,
    prepareCreate(object) {
      object.status = { phase: "Pending" };
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
    table: plainTable,
    prepareCreate(object) {
      object.status = {};
    },
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
    table: plainTable,
    prepareCreate(object) {
      object.status = { replicas: 0 };
    },
  },
  {
    id: { group: "apps", resource: "controllerrevisions" },
    version: "v1",
    kind: "ControllerRevision",
    singular: "controllerrevision",
    namespaced: true,
    type: "V1ControllerRevision",
    nameRule: "subdomain",
    table: plainTable,
  },
];
