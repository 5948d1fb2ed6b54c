/**
 * What a backup and a restore cost beside PostgreSQL's own programs, and an archive beside tar and age; and how drills end that are
 * repeated.
 *
 *   npm run bench:recovery -- [--only database,archive,drills] [--quick] [--repeats 20] [--out FOLDER]
 *                             [--url http://localhost:3000 --password PASSWORD [--username admin]]
 *
 * database  a PostgreSQL of 10 MB, 100 MB and 1 GB: saved by `pg_dump | gzip`, by `pg_dump -Fc`, and by Switchyard (dump, counts of
 *           every table, archive, seal, checksums, synced to disk); read back; restored by `pg_restore` and by Switchyard in place
 * archive   one file of as much that cannot be compressed: `tar | age` and `age | tar | sha256sum`, and Switchyard's archive
 * drills    the drill of an instance and the one of a node, of the demo's relay on the local cluster: through the API of a product that
 *           is started for it, or of the one at --url; about a quarter of an hour for 20 instances, and three quarters for 20 nodes
 *
 * Every round measures all of them in turn; the figures are medians of the rounds. Throughput is of what was saved, not of the
 * archive. PostgreSQL is the embedded one without fsync, for all alike. results.md has the throughput, drills.md the drills.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { generateKey, parseKeyring } from "#lib/domain/recovery/archive/keyring.ts";
import { startScratchPostgres } from "#lib/programs/scratch-postgres.ts";
import { DirectoryStorage } from "#lib/storage/directory.ts";
import { median, printTable, type Row, table } from "../figures.ts";
import { fillDatabase } from "./database.ts";
import { describeSeries } from "./drill-figures.ts";
import { measureDrills } from "./drills.ts";
import { type DatabaseTimes, type FileTimes, measureDatabase, measureFile, type World } from "./measure.ts";

const majorVersion = 15;
const parts = ["database", "archive", "drills"];
const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: parts.join(",") },
    quick: { type: "boolean", default: false },
    out: { type: "string", default: import.meta.dirname },
    repeats: { type: "string" },
    url: { type: "string" },
    username: { type: "string", default: "admin" },
    password: { type: "string" },
  },
});
const wanted = options.only.split(",");
if (wanted.some((name) => !parts.includes(name))) throw new Error(`--only takes ${parts.join(",")}`);

const { url, username, password = "" } = options;
if (url !== undefined && !password) throw new Error("--url wants the --password of a person there who is an operator.");
const product = url === undefined ? null : { url, username, password };
const repeats = Number(options.repeats ?? (options.quick ? 2 : 20));
if (!Number.isInteger(repeats) || repeats < 1) throw new Error("--repeats takes a number from 1.");

const sizes = options.quick ? [5, 10, 20] : [10, 100, 1_000];
const heads = sizes.map((megabytes) => (megabytes >= 1_000 ? `${megabytes / 1_000} GB` : `${megabytes} MB`));
/** The largest takes minutes. */
const roundsOf = (megabytes: number) => (megabytes >= 1_000 ? 2 : 3);
const say = (text: string) => process.stderr.write(`${text}\n`);

if (wanted.includes("database") || wanted.includes("archive")) await throughputs();
if (wanted.includes("drills")) await drills();

async function throughputs(): Promise<void> {
  const sections = [
    "# Recovery: backup, restore and archive beside PostgreSQL's programs, tar and age",
    table([["", "this run"], ...facts()]),
  ];
  const folder = mkdtempSync(join(tmpdir(), "switchyard-bench-recovery-"));
  try {
    const identity = await generateKey();
    const identityFile = join(folder, "key");
    writeFileSync(identityFile, `${identity}\n`, { mode: 0o600 });
    const storage = new DirectoryStorage(join(folder, "storage"));
    const world: World = { folder, storage, keyring: await parseKeyring(identity), identityFile, majorVersion };
    // What has run once is compiled, and its programs are in memory.
    await measureFile(world, 10);
    if (wanted.includes("archive")) sections.push(...(await archive(world)));
    if (wanted.includes("database")) sections.push(...(await database(world)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  print("results.md", sections);
}

async function drills(): Promise<void> {
  const sections = ["# Recovery: drills that are repeated on the local cluster", table([["", "this run"], ...facts()])];
  const abort = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => abort.abort(new Error(`ended by ${name}`)));
  const all = await measureDrills({ repeats, product, say, signal: abort.signal });
  sections.push(...all.flatMap(describeSeries));
  print("drills.md", sections);
  if (all.some(({ endedBy }) => endedBy !== null)) process.exitCode = 1;
}

function print(file: string, sections: string[]): void {
  const report = `${[...sections, `Load average at the end: ${loads()}.`].join("\n\n")}\n`;
  writeFileSync(join(options.out, file), report);
  process.stdout.write(report);
}

async function archive(world: World): Promise<string[]> {
  const results: FileTimes[] = [];
  for (const megabytes of sizes) {
    say(`archive: ${megabytes} MB`);
    const rounds: FileTimes[] = [];
    for (let round = 0; round < roundsOf(megabytes); round += 1) rounds.push(await measureFile(world, megabytes));
    results.push(medians(rounds));
  }
  return [
    "## The archive alone: a file that cannot be compressed",
    printTable(heads, [
      throughput("tar, age", results, "tarAge"),
      throughput("Switchyard packs", results, "pack"),
      ratio("packing, as a share of that", results, "tarAge", "pack"),
      throughput("age, tar, sha256sum", results, "ageTar"),
      throughput("Switchyard reads and checks", results, "read"),
      ratio("reading, as a share of that", results, "ageTar", "read"),
    ]),
  ];
}

async function database(world: World): Promise<string[]> {
  const server = await startScratchPostgres({ workDir: world.folder, majorVersion });
  const results: DatabaseTimes[] = [];
  try {
    for (const megabytes of sizes) {
      say(`database: ${megabytes} MB`);
      const address = await server.makeDatabase(`relay_${megabytes}`);
      await fillDatabase(address, megabytes);
      const rounds: DatabaseTimes[] = [];
      for (let round = 0; round < roundsOf(megabytes); round += 1) rounds.push(await measureDatabase(world, address));
      results.push(medians(rounds));
    }
  } finally {
    await server.stop();
  }
  return [
    "## A database",
    printTable(heads, [
      throughput("pg_dump, gzip", results, "dumpGzip"),
      throughput("pg_dump -Fc", results, "dumpCustom"),
      throughput("Switchyard's backup", results, "backup"),
      ratio("backup, as a share of pg_dump and gzip", results, "dumpGzip", "backup"),
      ratio("backup, as a share of pg_dump -Fc", results, "dumpCustom", "backup"),
      throughput("Switchyard reads it back and checks", results, "verify"),
      throughput("pg_restore into an empty database", results, "plainRestore"),
      throughput("Switchyard's restore in place", results, "restore"),
      ratio("restore, as a share of pg_restore", results, "plainRestore", "restore"),
      ratio("restore, as a share of createdb and pg_restore", createdAndRestored(results), "byHand", "restore"),
      seconds("createdb", results, "create"),
      seconds("ANALYZE, beside the comparison that follows", results, "statistics"),
      { name: "pg_dump, gzip", unit: "MB", values: results.map(({ gzipBytes }) => gzipBytes / 1e6) },
      { name: "Switchyard's archive", unit: "MB", values: results.map(({ archiveBytes }) => archiveBytes / 1e6) },
    ]),
    "Switchyard's restore also makes the database, gathers first statistics (a few rows a table), counts every table and swaps it in by renaming.",
  ];
}

function medians<Times extends Record<string, number>>(rounds: Times[]): Times {
  const names = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, median(rounds.map((round) => round[name] ?? Number.NaN))])) as Times;
}

function throughput<Times extends Record<string, number>>(name: string, results: Times[], of: keyof Times): Row {
  return { name, unit: "MB/s", values: results.map((times, index) => (sizes[index] ?? 0) / (times[of] ?? Number.NaN)) };
}

function ratio<Times extends Record<string, number>>(name: string, results: Times[], peer: keyof Times, own: keyof Times): Row {
  return { name, unit: "", values: results.map((times) => (times[peer] ?? Number.NaN) / (times[own] ?? Number.NaN)) };
}

/** With the time that whoever restores by hand takes to make the database first, as a restore in place has to. */
function createdAndRestored(results: DatabaseTimes[]) {
  return results.map(({ create, plainRestore, restore }) => ({ byHand: create + plainRestore, restore }));
}

function seconds<Times extends Record<string, number>>(name: string, results: Times[], of: keyof Times): Row {
  return { name, unit: "s", values: results.map((times) => times[of]) };
}

function loads(): string {
  return loadavg()
    .map((load) => load.toFixed(2))
    .join(" ");
}

function facts(): [string, string][] {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: import.meta.dirname, encoding: "utf8" }).trim();
  return [
    ["date", new Date().toISOString().slice(0, 16).replace("T", " ").concat(" UTC")],
    ["commit", commit],
    ["machine", `${cpus().length} x ${cpus()[0]?.model ?? "CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB`],
    ["load average before", loads()],
    ["Node", process.version],
  ];
}
