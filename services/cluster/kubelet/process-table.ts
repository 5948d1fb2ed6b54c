import { readdirSync, readFileSync } from "node:fs";

export type ProcessStat = { pid: number; state: string; parent: number; startTime: number; cpuTicks: number };

/** A process's resident memory by kind, in bytes: its own pages, pages of files, and pages shared with other processes. */
export type ProcessMemory = { anonymous: number; file: number; shared: number };

/** The kernel's process table, as far as the kubelet reads it. */
export type ProcessSource = {
  pids: () => number[];
  /** Undefined when there is no such process. */
  stat: (pid: number) => ProcessStat | undefined;
  memory: (pid: number) => ProcessMemory | undefined;
};

const ticksPerSecond = 100;

export const procfs: ProcessSource = {
  pids: () => readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : [])),
  stat: readStat,
  memory: (pid) => parse(`/proc/${pid}/status`, parseMemory),
};

/** What /proc/PID/stat says; undefined when there is no such process. */
export function readStat(pid: number): ProcessStat | undefined {
  return parse(`/proc/${pid}/stat`, parseStat);
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
  };
}

/** Parses /proc/PID/status. */
export function parseMemory(text: string): ProcessMemory {
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? 0) * 1024;
  return { anonymous: bytes("RssAnon"), file: bytes("RssFile"), shared: bytes("RssShmem") };
}

function parse<T>(path: string, parser: (text: string) => T): T | undefined {
  try {
    return parser(readFileSync(path, "latin1"));
  } catch {
    return undefined;
  }
}

/** A process by its id and start time, so that another that got the same id later is not taken for it. */
export type ProcessId = { pid: number; startTime: number };

export function isAlive({ pid, startTime }: ProcessId): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.startTime === startTime && stat.state !== "Z";
}

/** The only child of a process; undefined when it has none (any more). */
export function childOf(pid: number): number | undefined {
  return procfs.pids().find((candidate) => readStat(candidate)?.parent === pid);
}

/** Who descends from whom. Cheap to keep current: a process is read when it is new, and again when its parent has ended. */
export class ProcessTree {
  readonly #source: ProcessSource;
  readonly #parents = new Map<number, number>();

  constructor(source: ProcessSource = procfs) {
    this.#source = source;
  }

  refresh(): void {
    const present = new Set(this.#source.pids());
    for (const pid of this.#parents.keys()) if (!present.has(pid)) this.#parents.delete(pid);
    for (const pid of present) {
      const known = this.#parents.get(pid);
      if (known !== undefined && (known === 0 || present.has(known))) continue;
      const parent = this.#source.stat(pid)?.parent;
      if (parent !== undefined) this.#parents.set(pid, parent);
    }
  }

  /** The given processes, as far as they still exist, and all that descend from them. */
  below(roots: number[]): number[] {
    const children = Map.groupBy(this.#parents.keys(), (pid) => this.#parents.get(pid) ?? 0);
    const found = new Set<number>();
    const open = roots.filter((pid) => this.#parents.has(pid));
    for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
      if (found.has(pid)) continue;
      found.add(pid);
      open.push(...(children.get(pid) ?? []));
    }
    return [...found];
  }
}

/** CPU time of processes in seconds, with that of the children they have waited for. */
export function cpuSecondsOf(pids: number[], source: ProcessSource): number {
  return pids.reduce((sum, pid) => sum + (source.stat(pid)?.cpuTicks ?? 0), 0) / ticksPerSecond;
}

/** Memory of processes that belong together: pages that they may share count once, as much as the largest of them has. */
export function memoryOf(pids: number[], source: ProcessSource): ProcessMemory {
  const all = pids.flatMap((pid) => source.memory(pid) ?? []);
  return {
    anonymous: all.reduce((sum, { anonymous }) => sum + anonymous, 0),
    file: Math.max(0, ...all.map(({ file }) => file)),
    shared: Math.max(0, ...all.map(({ shared }) => shared)),
  };
}
