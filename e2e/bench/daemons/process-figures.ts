import { readFileSync, writeFileSync } from "node:fs";

/** Seconds of CPU that a process has used so far, all its threads together. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // After the name, which may hold spaces: field 14 is user time, 15 is system time, in ticks of 10 ms.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The most memory that a process had resident since it started or `forgetPeakMemory`, in MiB. */
export function peakMemoryMiB(pid: number): number {
  return statusMiB(pid, "VmHWM");
}

export function memoryMiB(pid: number): number {
  return statusMiB(pid, "VmRSS");
}

export function forgetPeakMemory(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

function statusMiB(pid: number, field: string): number {
  const kibibytes = readFileSync(`/proc/${pid}/status`, "utf8").match(new RegExp(`^${field}:\\s+(\\d+)`, "m"))?.[1];
  return Number(kibibytes) / 1024;
}
