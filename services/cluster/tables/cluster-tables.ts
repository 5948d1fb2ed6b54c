import type { V1Namespace, V1Node } from "@kubernetes/client-node";
import type { KubeObject } from "../api.ts";
import { age, ageColumn, type TableFormat } from "./table.ts";

export const namespaceTable: TableFormat = {
  columns: [{ name: "Name" }, { name: "Status" }, ageColumn],
  row: (object, now) => {
    const { status } = object as unknown as V1Namespace;
    return [object.metadata.name, status?.phase ?? "", age(object.metadata.creationTimestamp, now)];
  },
};

export const nodeTable: TableFormat = {
  columns: [
    { name: "Name" },
    { name: "Status" },
    { name: "Roles" },
    ageColumn,
    { name: "Version" },
    { name: "Internal-IP", wide: true },
    { name: "External-IP", wide: true },
    { name: "OS-Image", wide: true },
    { name: "Kernel-Version", wide: true },
    { name: "Container-Runtime", wide: true },
  ],
  row: (object, now) => {
    const { status } = object as unknown as V1Node;
    const info = status?.nodeInfo;
    const address = (type: string) => status?.addresses?.find((one) => one.type === type)?.address ?? "<none>";
    return [
      object.metadata.name,
      nodeStatus(object),
      nodeRoles(object),
      age(object.metadata.creationTimestamp, now),
      info?.kubeletVersion ?? "",
      address("InternalIP"),
      address("ExternalIP"),
      info?.osImage || "<unknown>",
      info?.kernelVersion || "<unknown>",
      info?.containerRuntimeVersion || "<unknown>",
    ];
  },
};

function nodeStatus(object: KubeObject): string {
  const { spec, status } = object as unknown as V1Node;
  const ready = status?.conditions?.find((condition) => condition.type === "Ready");
  const words = [ready ? (ready.status === "True" ? "Ready" : "NotReady") : "Unknown"];
  if (spec?.unschedulable) words.push("SchedulingDisabled");
  return words.join(",");
}

function nodeRoles({ metadata }: KubeObject): string {
  const roles = Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith("node-role.kubernetes.io/")) return [key.slice("node-role.kubernetes.io/".length)];
    return key === "kubernetes.io/role" && value ? [value] : [];
  });
  return roles.length > 0 ? [...new Set(roles)].sort().join(",") : "<none>";
}
