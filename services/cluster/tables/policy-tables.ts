import type {
  V1CustomResourceDefinition,
  V1NetworkPolicy,
  V1PodDisruptionBudget,
  V1RoleBinding,
  V2HorizontalPodAutoscaler,
  V2MetricSpec,
  V2MetricStatus,
  V2MetricTarget,
} from "@kubernetes/client-node";
import { age, ageColumn, type TableFormat } from "./table.ts";
import { selectorText } from "./workload-tables.ts";

export const podDisruptionBudgetTable: TableFormat = {
  columns: [
    { name: "Name" },
    { name: "Min Available" },
    { name: "Max Unavailable" },
    { name: "Allowed Disruptions", type: "integer" },
    ageColumn,
  ],
  row: (object, now) => {
    const { spec, status } = object as unknown as V1PodDisruptionBudget;
    return [
      object.metadata.name,
      String(spec?.minAvailable ?? "N/A"),
      String(spec?.maxUnavailable ?? "N/A"),
      status?.disruptionsAllowed ?? 0,
      age(object.metadata.creationTimestamp, now),
    ];
  },
};

export const networkPolicyTable: TableFormat = {
  columns: [{ name: "Name" }, { name: "Pod-Selector" }, ageColumn],
  row: (object, now) => {
    const { spec } = object as unknown as V1NetworkPolicy;
    return [object.metadata.name, selectorText(spec?.podSelector), age(object.metadata.creationTimestamp, now)];
  },
};

export const horizontalPodAutoscalerTable: TableFormat = {
  columns: [
    { name: "Name" },
    { name: "Reference" },
    { name: "Targets" },
    { name: "MinPods" },
    { name: "MaxPods", type: "integer" },
    { name: "Replicas", type: "integer" },
    ageColumn,
  ],
  row: (object, now) => {
    const { spec, status } = object as unknown as V2HorizontalPodAutoscaler;
    return [
      object.metadata.name,
      `${spec?.scaleTargetRef.kind}/${spec?.scaleTargetRef.name}`,
      targetsText(spec?.metrics ?? [], status?.currentMetrics ?? []),
      String(spec?.minReplicas ?? "<unset>"),
      spec?.maxReplicas ?? 0,
      status?.currentReplicas ?? 0,
      age(object.metadata.creationTimestamp, now),
    ];
  },
};

/** Kubernetes: pkg/printers/internalversion/printers.go, formatHPAMetrics: the first two, then how many more. */
function targetsText(metrics: V2MetricSpec[], current: V2MetricStatus[]): string {
  if (metrics.length === 0) return "<none>";
  const texts = metrics.map((metric, index) => targetText(metric, current[index]));
  return texts.length <= 2 ? texts.join(", ") : `${texts.slice(0, 2).join(", ")} + ${texts.length - 2} more...`;
}

function targetText(metric: V2MetricSpec, status: V2MetricStatus | undefined): string {
  const wanted: V2MetricTarget | undefined = (
    metric.resource ??
    metric.containerResource ??
    metric.pods ??
    metric.object ??
    metric.external
  )?.target;
  const now = (status?.resource ?? status?.containerResource ?? status?.pods ?? status?.object ?? status?.external)?.current;
  const name = metric.resource?.name ?? metric.containerResource?.name;
  const prefix = name ? `${name}: ` : "";
  if (wanted?.averageUtilization !== undefined) {
    const share = now?.averageUtilization;
    return `${prefix}${share === undefined ? "<unknown>" : `${share}%`}/${wanted.averageUtilization}%`;
  }
  if (wanted?.averageValue !== undefined) {
    const suffix = metric.object || metric.external ? " (avg)" : "";
    return `${prefix}${now?.averageValue ?? "<unknown>"}/${wanted.averageValue}${suffix}`;
  }
  return `${prefix}${now?.value ?? "<unknown>"}/${wanted?.value ?? "<auto>"}`;
}

export const roleTable: TableFormat = {
  columns: [{ name: "Name" }, { name: "Created At" }],
  row: ({ metadata }) => [metadata.name, metadata.creationTimestamp],
};

export const roleBindingTable: TableFormat = {
  columns: [
    { name: "Name" },
    { name: "Role" },
    ageColumn,
    { name: "Users", wide: true },
    { name: "Groups", wide: true },
    { name: "ServiceAccounts", wide: true },
  ],
  row: (object, now) => {
    const { roleRef, subjects = [] } = object as unknown as V1RoleBinding;
    const named = (kind: string) =>
      subjects
        .filter((subject) => subject.kind === kind)
        .map(({ name, namespace }) => (kind === "ServiceAccount" ? `${namespace}/${name}` : name))
        .join(", ");
    return [
      object.metadata.name,
      `${roleRef.kind}/${roleRef.name}`,
      age(object.metadata.creationTimestamp, now),
      named("User"),
      named("Group"),
      named("ServiceAccount"),
    ];
  },
};

export const customResourceDefinitionTable: TableFormat = {
  columns: [{ name: "Name" }, { name: "Created At" }],
  row: (object) => {
    const { metadata } = object as unknown as V1CustomResourceDefinition;
    return [metadata?.name ?? "", object.metadata.creationTimestamp];
  },
};
