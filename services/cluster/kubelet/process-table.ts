import { readdirSync, readFileSync } from "node:fs";

export type ProcessStat = {
  pid: number;
  state: string;
  parent: number;
  startTime: number;
  cpuTicks: number;
  residentPages: number;
};

/** What /proc/PID/stat says; undefined when there is no such process. */
export function readStat(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return undefined;
  }
}

/** Parses /proc/PID/stat; the name in parentheses may itself contain blanks and parentheses. CPU time includes reaped children. */
export function parseStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (index: number) => Number(fields[index - 3]);
  return {
    pid: Number.parseInt(text, 10),
    state: fields[0] ?? "",
    parent: field(4),
    cpuTicks: field(14) + field(15) + field(16) + field(17),
    startTime: field(22),
    residentPages: field(24),
  };
}

/** A process by its id and start time, so that another that got the same id later is not taken for it. */
export type ProcessId = { pid: number; startTime: number };

export function isAlive({ pid, startTime }: ProcessId): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.startTime === startTime && stat.state !== "Z";
}

/** The only child of a process; undefined when it has none (any more). */
export function childOf(pid: number): number | undefined {
  try {
    const [first] = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim().split(" ");
    if (first) return Number(first);
  } catch {}
  return readProcesses().find((entry) => entry.parent === pid)?.pid;
}

export function readProcesses(): ProcessStat[] {
  return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? (readStat(Number(name)) ?? []) : []));
}

export type Usage = { cpuSeconds: number; memoryBytes: number };

const ticksPerSecond = 100;
const pageBytes = 4096;

/** CPU time and resident memory of a process and all its descendants, from one reading of the process table. */
export function usageOf(root: number, processes: ProcessStat[]): Usage {
  const children = Map.groupBy(processes, (entry) => entry.parent);
  const usage = { cpuSeconds: 0, memoryBytes: 0 };
  const open = processes.filter((entry) => entry.pid === root);
  for (let entry = open.pop(); entry; entry = open.pop()) {
    usage.cpuSeconds += entry.cpuTicks / ticksPerSecond;
    usage.memoryBytes += entry.residentPages * pageBytes;
    open.push(...(children.get(entry.pid) ?? []));
  }
  return usage;
}
