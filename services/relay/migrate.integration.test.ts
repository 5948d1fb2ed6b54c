import { readFileSync } from "node:fs";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { eventually, startPostgres, startProcess, type TestPostgres } from "#lib/protocol/testing/relay-stack.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.remove());

async function runMigrate(env: Record<string, string>) {
  const command = startProcess(process.execPath, ["services/relay/main.ts", "migrate"], env);
  await eventually(() => command.child.exitCode !== null);
  return { code: command.child.exitCode, output: command.output() };
}

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(postgres.url);
  await client.connect();
  return client.query(sql).then(
    ({ rows }) => client.end().then(() => rows),
    (error: unknown) => client.end().then(() => Promise.reject(error)),
  );
}

describe("relay migrate", () => {
  it("applies the schema once, also when two run at the same time, and needs only the database", async () => {
    const runs = await Promise.all([1, 2].map(() => runMigrate({ DATABASE_URL: postgres.url })));
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
    expect(runs.filter(({ output }) => output.includes("001_operations.sql"))).toHaveLength(1);
    expect(await query("SELECT name FROM relay_migrations")).toEqual([
      { name: "001_operations.sql" },
      { name: "002_document_clients.sql" },
    ]);
    await query("INSERT INTO documents (id) VALUES (gen_random_uuid())");
    expect((await runMigrate({ DATABASE_URL: postgres.url })).code).toBe(0);
    expect(await query("SELECT count(*)::int AS count FROM documents")).toEqual([{ count: 1 }]);
  });

  it("exits 1 when the database is away, and 78 when it is not named, without showing secrets", async () => {
    const away = await runMigrate({ DATABASE_URL: `postgresql://relay:hush@127.0.0.1:${await freePort()}/relay` });
    expect(away.code).toBe(1);
    expect(away.output).toContain("the schema could not be applied");
    expect(away.output).not.toContain("hush");
    const unnamed = await runMigrate({});
    expect(unnamed.code).toBe(78);
    expect(unnamed.output).toMatch(/^DATABASE_URL: /m);
    expect(unnamed.output.trim().split("\n")).toHaveLength(1);
  });

  it("is what the Job of the manifests runs, with the image and the security of the Deployment", () => {
    const objects = parseAllDocuments(readFileSync("services/relay/deploy/kubernetes.yaml", "utf8")).map((each) => each.toJS());
    const podOf = (kind: string) => objects.find((object) => object.kind === kind).spec.template.spec;
    const [job, relay] = [podOf("Job"), podOf("Deployment")];
    const [migrates, serves] = [job.containers[0], relay.containers[0]];
    expect(migrates.args).toEqual(["migrate"]);
    expect(migrates.image).toBe(serves.image);
    expect(migrates.securityContext).toEqual(serves.securityContext);
    expect(job.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    expect(migrates.env.map(({ name }: { name: string }) => name)).toEqual(["DATABASE_URL"]);
  });
});
