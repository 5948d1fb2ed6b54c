import type { V1Container, V1Deployment, V1LabelSelector, V1ReplicaSet, V1StatefulSet } from "@kubernetes/client-node";
import { age, ageColumn, type Column, type TableFormat } from "./table.ts";

const podTemplateColumns: Column[] = [
  { name: "Containers", wide: true },
  { name: "Images", wide: true },
  { name: "Selector", wide: true },
];

export const deploymentTable: TableFormat = {
  columns: [
    { name: "Name" },
    { name: "Ready" },
    { name: "Up-to-date", type: "integer" },
    { name: "Available", type: "integer" },
    ageColumn,
    ...podTemplateColumns,
  ],
  row: (object, now) => {
    const { spec, status } = object as unknown as V1Deployment;
    return [
      object.metadata.name,
      `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
      status?.updatedReplicas ?? 0,
      status?.availableReplicas ?? 0,
      age(object.metadata.creationTimestamp, now),
      ...containersOf(spec?.template.spec?.containers),
      selectorText(spec?.selector),
    ];
  },
};

export const replicaSetTable: TableFormat = {
  columns: [
    { name: "Name" },
    { name: "Desired", type: "integer" },
    { name: "Current", type: "integer" },
    { name: "Ready", type: "integer" },
    ageColumn,
    ...podTemplateColumns,
  ],
  row: (object, now) => {
    const { spec, status } = object as unknown as V1ReplicaSet;
    return [
      object.metadata.name,
      spec?.replicas ?? 0,
      status?.replicas ?? 0,
      status?.readyReplicas ?? 0,
      age(object.metadata.creationTimestamp, now),
      ...containersOf(spec?.template?.spec?.containers),
      selectorText(spec?.selector),
    ];
  },
};

export const statefulSetTable: TableFormat = {
  columns: [{ name: "Name" }, { name: "Ready" }, ageColumn, { name: "Containers", wide: true }, { name: "Images", wide: true }],
  row: (object, now) => {
    const { spec, status } = object as unknown as V1StatefulSet;
    return [
      object.metadata.name,
      `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
      age(object.metadata.creationTimestamp, now),
      ...containersOf(spec?.template.spec?.containers),
    ];
  },
};

export const controllerRevisionTable: TableFormat = {
  columns: [{ name: "Name" }, { name: "Controller" }, { name: "Revision", type: "integer" }, ageColumn],
  row: (object, now) => {
    const owner = object.metadata.ownerReferences?.find((reference) => reference.controller);
    const [group] = (owner?.apiVersion ?? "").split("/");
    const controller = owner ? `${owner.kind.toLowerCase()}${group?.includes("v1") ? "" : `.${group}`}/${owner.name}` : "<none>";
    return [object.metadata.name, controller, Number(object.revision ?? 0), age(object.metadata.creationTimestamp, now)];
  },
};

export function containersOf(containers: V1Container[] = []): [string, string] {
  return [containers.map(({ name }) => name).join(","), containers.map(({ image }) => image).join(",")];
}

export function selectorText({ matchLabels = {}, matchExpressions = [] }: V1LabelSelector = {}): string {
  const labels = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => {
    if (operator === "Exists") return key;
    if (operator === "DoesNotExist") return `!${key}`;
    return `${key} ${operator.toLowerCase()} (${[...values].sort().join(",")})`;
  });
  return [...labels, ...expressions].sort().join(",") || "<none>";
}
