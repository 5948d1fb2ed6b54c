import { existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { embeddedServer, type ServerPrograms } from "./postgres-server.ts";
import { runProgram } from "./program.ts";

/** PostgreSQL's client programs of one version. */
export type PostgresPrograms = {
  majorVersion: number;
  /** "15.14" */
  version: string;
  pgDump: string;
  pgRestore: string;
  psql: string;
  pgBasebackup: string;
  pgReceivewal: string;
};

const roots = ["/usr/lib/postgresql", "/usr/libexec", "/usr"];

/**
 * The client programs of a major version, or the oldest newer ones: pg_dump reads servers up to its own version. Null when the
 * machine has none that fit.
 */
export async function findPostgresPrograms(majorVersion: number): Promise<PostgresPrograms | null> {
  const found: PostgresPrograms[] = [];
  for (const bin of folders()) {
    const programs = {
      pgDump: join(bin, "pg_dump"),
      pgRestore: join(bin, "pg_restore"),
      psql: join(bin, "psql"),
      pgBasebackup: join(bin, "pg_basebackup"),
      pgReceivewal: join(bin, "pg_receivewal"),
    };
    if (![programs.pgDump, programs.pgRestore, programs.psql].every((path) => existsSync(path))) continue;
    const version = await versionOf(programs.pgDump);
    if (version) found.push({ majorVersion: Number.parseInt(version, 10), version, ...programs });
  }
  return oldestFrom(found, majorVersion);
}

/** What programs said of themselves, by what they are: an upgrade makes them anew. */
const versions = new Map<string, string>();

async function versionOf(program: string): Promise<string | undefined> {
  const { ino, mtimeMs } = statSync(program);
  const key = `${program} ${ino} ${mtimeMs}`;
  const known = versions.get(key);
  if (known) return known;
  const { stdout } = await runProgram({ command: program, args: ["--version"] });
  const [version] = /\d+\.\d+/.exec(stdout) ?? [];
  if (version) versions.set(key, version);
  return version;
}

/** The programs of a server of a major version, or of the oldest newer one; null when the machine has none that fit. */
export function findServerPrograms(majorVersion: number): ServerPrograms | null {
  const found = folders()
    .filter((bin) => existsSync(join(bin, "postgres")) && existsSync(join(bin, "initdb")))
    .map((bin) => ({ folder: dirname(bin), majorVersion: Number(/(\d+)\/bin$/.exec(bin)?.[1] ?? 0) }));
  // The machine's own before the embedded one of the same version: it has the extensions that databases use.
  return oldestFrom([...found, ...embedded()], majorVersion);
}

/** An installation may have left the package out. */
function embedded(): ServerPrograms[] {
  try {
    return [embeddedServer()];
  } catch {
    return [];
  }
}

/** Debian's programs lie a folder a version; /usr/bin has wrappers there, which are left out. Elsewhere the PATH has one version. */
function folders(): string[] {
  const versions = roots.flatMap((root) => {
    if (!existsSync(root)) return [];
    return readdirSync(root)
      .filter((name) => /^(pgsql-|postgresql)?\d+$/.test(name))
      .map((name) => join(root, name, "bin"));
  });
  const onPath = (process.env.PATH ?? "")
    .split(":")
    .filter((folder) => existsSync(join(folder, "pg_dump")))
    .map((folder) => realpathSync(join(folder, "pg_dump")))
    .filter((program) => program.endsWith("/pg_dump"))
    .map((program) => dirname(program));
  return [...new Set([...versions, ...onPath])];
}

function oldestFrom<T extends { majorVersion: number }>(found: T[], majorVersion: number): T | null {
  const fitting = found.filter((entry) => entry.majorVersion >= majorVersion);
  return fitting.sort((a, b) => a.majorVersion - b.majorVersion)[0] ?? null;
}
