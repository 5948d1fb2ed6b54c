/** For tests only: a PostgreSQL to save and restore, and what a part of an archive gives. */

import { mkdtempSync, rmSync } from "node:fs";
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

export async function startTestServer(): Promise<TestServer> {
  const workDir = mkdtempSync(join(tmpdir(), "switchyard-sources-"));
  const server = await startScratchPostgres({ workDir, majorVersion: 15 });
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

/** Rows of a query on a connection of its own. */
export async function ask(address: ServerAddress, sql: string): Promise<Record<string, unknown>[]> {
  return withServer(address, async (client) => (await client.query<Record<string, unknown>>(sql)).rows ?? []);
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
