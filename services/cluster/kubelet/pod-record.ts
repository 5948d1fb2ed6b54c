import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProcessId } from "./process-table.ts";

/** What stays on disk of a pod, for the kubelet that comes after a kill. */
export type PodRecord = { namespace: string; name: string; podIP?: string; supervisors: Record<string, ProcessId> };

/** The record of a pod in its folder; undefined when there is none that can be read. */
export function readRecord(folder: string): PodRecord | undefined {
  const path = join(folder, "pod.json");
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as PodRecord;
  } catch {
    return undefined;
  }
}

export function writeRecord(folder: string, record: PodRecord): void {
  const path = join(folder, "pod.json");
  writeFileSync(`${path}.new`, JSON.stringify(record));
  renameSync(`${path}.new`, path);
}
