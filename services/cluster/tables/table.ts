import type { KubeObject } from "../api.ts";

export type Column = { name: string; type?: string; format?: string; description?: string; wide?: boolean };

export type Cell = string | number | boolean | null;

export type TableFormat = { columns: Column[]; row(object: KubeObject, now: Date): Cell[] };

export type IncludeObject = "None" | "Metadata" | "Object";

/** A metav1.Table of the objects, as `kubectl get` asks for it. */
export function tableOf(
  format: TableFormat,
  objects: readonly KubeObject[],
  options: { now: Date; includeObject: IncludeObject; apiVersion: string; metadata: Record<string, unknown> },
): Record<string, unknown> {
  return {
    kind: "Table",
    apiVersion: options.apiVersion,
    metadata: options.metadata,
    columnDefinitions: format.columns.map((column) => ({
      name: column.name,
      type: column.type ?? "string",
      format: column.format ?? (column.name === "Name" ? "name" : ""),
      description: column.description ?? "",
      priority: column.wide ? 1 : 0,
    })),
    rows: objects.map((object) => ({
      cells: format.row(object, options.now),
      ...rowObject(object, options),
    })),
  };
}

function rowObject(
  object: KubeObject,
  { includeObject, apiVersion }: { includeObject: IncludeObject; apiVersion: string },
): Record<string, unknown> {
  if (includeObject === "None") return {};
  if (includeObject === "Object") return { object };
  return { object: { kind: "PartialObjectMetadata", apiVersion, metadata: object.metadata } };
}

/** `5s`, `3m20s`, `2d4h`, as apimachinery/pkg/util/duration prints the age of things. */
export function age(since: string | undefined, now: Date): string {
  const start = Date.parse(since ?? "");
  return Number.isNaN(start) ? "<unknown>" : humanDuration((now.getTime() - start) / 1000);
}

export function humanDuration(totalSeconds: number): string {
  const seconds = Math.floor(totalSeconds);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 60 * 2) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 60 * 3) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (hours < 24 * 8) return hours % 24 === 0 ? `${days}d` : `${days}d${hours % 24}h`;
  if (days < 365 * 2) return `${days}d`;
  const years = Math.floor(days / 365);
  if (days < 365 * 8) return days % 365 === 0 ? `${years}y` : `${years}y${days % 365}d`;
  return `${years}y`;
}

export const ageColumn: Column = {
  name: "Age",
  description:
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is represented in RFC3339 form and is in UTC.",
};
