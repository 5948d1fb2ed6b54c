/** For tests only: a PostgreSQL to save and restore, and what a part of an archive gives. */

import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ServerAddress, withServer } from "#lib/database/server-connection.ts";
import { startScratchPostgres } from "#lib/programs/scratch-postgres.ts";
import type { Json } from "../archive/manifest.ts";
import type { PartSource } from "../archive/pack.ts";

export type TestServer = {
  workDir: string;
  admin: ServerAddress;
  makeDatabase: (name: string) => Promise<ServerAddress>;
  stop: () => Promise<void>;
};

/** `settings`: of the server. */
export async function startTestServer(settings: Record<string, string> = {}): Promise<TestServer> {
  const workDir = mkdtempSync(join(tmpdir(), "switchyard-sources-"));
  const server = await startScratchPostgres({ workDir, majorVersion: 15, settings });
  return {
    workDir,
    admin: server.address,
    makeDatabase: (name) => server.makeDatabase(name),
    stop: async () => {
      await server.stop();
      rmSync(workDir, { recursive: true, force: true });
    },
  };
}

/**
 * A server that archives its WAL, and its archive's folder; while the file `stop` lies beside the archive it fails to, and while `hang`
 * does its command does not end.
 */
export async function startArchivingServer(): Promise<TestServer & { archive: string; stopFile: string; hangFile: string }> {
  const command =
    "while test -e ../hang; do sleep 0.1; done; mkdir -p ../archive && test ! -e ../stop && cp %p ../archive/%f.part && mv ../archive/%f.part ../archive/%f";
  const server = await startTestServer({
    wal_level: "replica",
    max_wal_senders: "5",
    max_prepared_transactions: "5",
    archive_mode: "on",
    archive_command: command,
  });
  const [scratch = ""] = globSync("scratch-postgres-*", { cwd: server.workDir });
  const folder = join(server.workDir, scratch, "postgres");
  return { ...server, archive: join(folder, "archive"), stopFile: join(folder, "stop"), hangFile: join(folder, "hang") };
}

/** Rows of a query on a connection of its own. */
export async function ask(address: ServerAddress, sql: string): Promise<Record<string, unknown>[]> {
  return withServer(address, async (client) => (await client.query<Record<string, unknown>>(sql)).rows ?? []);
}

/** An instant after all that was committed before and before all that comes; instants have milliseconds, commits are finer. */
export async function instant(address: ServerAddress): Promise<string> {
  const [row = {}] = await ask(address, "SELECT pg_sleep(0.005), clock_timestamp() AS now");
  await ask(address, "SELECT pg_sleep(0.005)");
  return (row.now as Date).toISOString();
}

/** What a part of one file gives. `onFirst` is called when the first of its content is there. */
export async function save(
  source: PartSource,
  onFirst: () => Promise<void> = async () => {},
): Promise<{ content: Buffer; facts: Json }> {
  const { signal } = new AbortController();
  const part = await source.open(signal);
  try {
    const pieces: Uint8Array[] = [];
    for await (const file of part.files) {
      for await (const piece of file.open(signal)) {
        if (pieces.length === 0) await onFirst();
        pieces.push(piece);
      }
    }
    return { content: Buffer.concat(pieces), facts: await part.facts() };
  } finally {
    await part.close();
  }
}

/** A stream in small pieces. */
export async function* pieces(content: Buffer, size = 10_000): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < content.length; offset += size) yield content.subarray(offset, offset + size);
}
