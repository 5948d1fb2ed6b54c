import type { KubeObject } from "../api.ts";
import { age, ageColumn, type TableFormat } from "./table.ts";

export const configMapTable: TableFormat = {
  columns: [{ name: "Name" }, { name: "Data", type: "integer" }, ageColumn],
  row: (object, now) => [
    object.metadata.name,
    countKeys(object.data) + countKeys(object.binaryData),
    age(object.metadata.creationTimestamp, now),
  ],
};

export const secretTable: TableFormat = {
  columns: [{ name: "Name" }, { name: "Type" }, { name: "Data", type: "integer" }, ageColumn],
  row: (object, now) => [
    object.metadata.name,
    String(object.type ?? ""),
    countKeys(object.data),
    age(object.metadata.creationTimestamp, now),
  ],
};

export const serviceAccountTable: TableFormat = {
  columns: [{ name: "Name" }, { name: "Secrets", type: "integer" }, ageColumn],
  row: (object, now) => [
    object.metadata.name,
    (object.secrets as unknown[] | undefined)?.length ?? 0,
    age(object.metadata.creationTimestamp, now),
  ],
};

export const leaseTable: TableFormat = {
  columns: [{ name: "Name" }, { name: "Holder" }, ageColumn],
  row: (object, now) => [
    object.metadata.name,
    (object.spec as { holderIdentity?: string } | undefined)?.holderIdentity ?? "",
    age(object.metadata.creationTimestamp, now),
  ],
};

type EventFields = {
  involvedObject?: { kind?: string; name?: string; fieldPath?: string };
  firstTimestamp?: string;
  lastTimestamp?: string;
  eventTime?: string;
  series?: { count?: number; lastObservedTime?: string };
  count?: number;
  source?: { component?: string; host?: string };
  reportingComponent?: string;
  type?: string;
  reason?: string;
  message?: string;
};

export const eventTable: TableFormat = {
  columns: [
    { name: "Last Seen" },
    { name: "Type" },
    { name: "Reason" },
    { name: "Object" },
    { name: "Subobject", wide: true },
    { name: "Source", wide: true },
    { name: "Message" },
    { name: "First Seen", wide: true },
    { name: "Count", wide: true },
    { name: "Name", wide: true },
  ],
  row: (object, now) => {
    const event = object as KubeObject & EventFields;
    const first = event.firstTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp;
    const last = event.series?.lastObservedTime ?? event.lastTimestamp ?? first;
    const { component = event.reportingComponent ?? "", host } = event.source ?? {};
    return [
      age(last, now),
      event.type ?? "",
      event.reason ?? "",
      `${(event.involvedObject?.kind ?? "").toLowerCase()}/${event.involvedObject?.name ?? ""}`,
      event.involvedObject?.fieldPath ?? "",
      host ? `${component}, ${host}` : component,
      (event.message ?? "").trim(),
      age(first, now),
      event.series?.count ?? event.count ?? 1,
      object.metadata.name,
    ];
  },
};

function countKeys(value: unknown): number {
  return typeof value === "object" && value !== null ? Object.keys(value).length : 0;
}
