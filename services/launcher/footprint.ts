import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { projectDir } from "./env.ts";
import { startTime } from "./supervisor.ts";

/**
 * Prints the memory of everything that a running Switchyard consists of: the launcher, what it started, and the pods. PSS counts
 * each shared page once in the sum (proc(5), smaps_rollup); RSS counts it in every process.
 */

const { values } = parseArgs({ options: { "data-dir": { type: "string" } } });
const dataDir = resolve(values["data-dir"] ?? process.env.SWITCHYARD_DATA_DIR ?? join(projectDir, ".switchyard"));
const limitBytes = 3 * 1024 ** 3;

type Process = { pid: number; parent: number; command: string };

const launcher = readLauncher();
const processes = listProcesses();
const rows = descendants(launcher, processes).map((entry) => ({ ...entry, ...memory(entry.pid) }));
const total = rows.reduce((sum, row) => ({ pss: sum.pss + row.pss, rss: sum.rss + row.rss }), { pss: 0, rss: 0 });

print(`${"PID".padStart(7)} ${"PSS MiB".padStart(8)} ${"RSS MiB".padStart(8)}  process`);
for (const row of rows.sort((a, b) => b.pss - a.pss)) print(line(String(row.pid), row.pss, row.rss, describe(row.command)));
print(
  line("", total.pss, total.rss, `${rows.length} processes, limit 3072 MiB: ${total.pss < limitBytes ? "kept" : "EXCEEDED"}`),
);
process.exit(total.pss < limitBytes ? 0 : 1);

function readLauncher(): number {
  try {
    const record: { pid: number; startTime: string } = JSON.parse(readFileSync(join(dataDir, "launcher.json"), "utf8"));
    if (startTime(record.pid) === record.startTime) return record.pid;
  } catch {
    // Told below: no record is the same to the person as a record of a process that is gone.
  }
  process.stderr.write(`No Switchyard runs on ${dataDir}. Start one with npm start, or name its folder with --data-dir.\n`);
  process.exit(1);
}

function listProcesses(): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        return [{ pid: Number(name), parent: Number(stat[1]), command }];
      } catch {
        return [];
      }
    });
}

function descendants(root: number, all: Process[]): Process[] {
  const found = all.filter((entry) => entry.pid === root);
  for (const parent of found) found.push(...all.filter((entry) => entry.parent === parent.pid));
  return found;
}

function memory(pid: number): { pss: number; rss: number } {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    const kib = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0) * 1024;
    return { pss: kib("Pss"), rss: kib("Rss") };
  } catch {
    return { pss: 0, rss: 0 };
  }
}

function describe(command: string): string {
  return command
    .replaceAll(`${projectDir}/`, "")
    .replace(/\S*\/bin\/node\b/, "node")
    .replace(/--disable-warning=\S+ /, "")
    .slice(0, 90);
}

function line(pid: string, pss: number, rss: number, text: string): string {
  const mib = (bytes: number) => (bytes / 1024 ** 2).toFixed(1).padStart(8);
  return `${pid.padStart(7)} ${mib(pss)} ${mib(rss)}  ${text}`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
