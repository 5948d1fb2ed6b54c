import type { V1CronJob, V1Job } from "@kubernetes/client-node";
import { age, ageColumn, humanDuration, type TableFormat } from "./table.ts";
import { containersOf, selectorText } from "./workload-tables.ts";

export const jobTable: TableFormat = {
  columns: [
    { name: "Name" },
    { name: "Status" },
    { name: "Completions" },
    { name: "Duration" },
    ageColumn,
    { name: "Containers", wide: true },
    { name: "Images", wide: true },
    { name: "Selector", wide: true },
  ],
  row: (object, now) => {
    const job = object as unknown as V1Job;
    return [
      object.metadata.name,
      jobStatus(job),
      completionsOf(job),
      durationOf(job, now),
      age(object.metadata.creationTimestamp, now),
      ...containersOf(job.spec?.template.spec?.containers),
      selectorText(job.spec?.selector),
    ];
  },
};

export const cronJobTable: TableFormat = {
  columns: [
    { name: "Name" },
    { name: "Schedule" },
    { name: "Timezone" },
    { name: "Suspend" },
    { name: "Active", type: "integer" },
    { name: "Last Schedule" },
    ageColumn,
    { name: "Containers", wide: true },
    { name: "Images", wide: true },
    { name: "Selector", wide: true },
  ],
  row: (object, now) => {
    const { spec, status } = object as unknown as V1CronJob;
    const last = status?.lastScheduleTime as string | undefined;
    const suspend = spec?.suspend === undefined ? "<unset>" : spec.suspend ? "True" : "False";
    return [
      object.metadata.name,
      spec?.schedule ?? "",
      spec?.timeZone ?? "<none>",
      suspend,
      status?.active?.length ?? 0,
      last ? age(last, now) : "<none>",
      age(object.metadata.creationTimestamp, now),
      ...containersOf(spec?.jobTemplate.spec?.template.spec?.containers),
      selectorText(spec?.jobTemplate.spec?.selector),
    ];
  },
};

/** Kubernetes: pkg/printers/internalversion/printers.go, printJob. */
function jobStatus({ metadata, status }: V1Job): string {
  const has = (type: string) => (status?.conditions ?? []).some((one) => one.type === type && one.status === "True");
  if (has("Complete")) return "Complete";
  if (has("Failed")) return "Failed";
  if (metadata?.deletionTimestamp) return "Terminating";
  if (has("Suspended")) return "Suspended";
  if (has("FailureTarget")) return "FailureTarget";
  return has("SuccessCriteriaMet") ? "SuccessCriteriaMet" : "Running";
}

function completionsOf({ spec, status }: V1Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function durationOf({ status }: V1Job, now: Date): string {
  if (!status?.startTime) return "";
  const failed = (status.conditions ?? []).find((one) => one.type === "Failed" && one.status === "True");
  const end = status.completionTime ?? failed?.lastTransitionTime ?? now;
  return humanDuration((new Date(end).getTime() - new Date(status.startTime).getTime()) / 1000);
}
