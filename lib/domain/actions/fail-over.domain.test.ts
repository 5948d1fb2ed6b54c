import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readServerRole } from "#lib/database/replica.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { type PostgresPair, startPostgresPair } from "../../../e2e/postgres-pair.ts";
import { performAction } from "./commands.ts";
import { previewAction } from "./preview.ts";
import type { Secret } from "./secret-key.ts";
import { readTarget } from "./target.ts";
import { serviceYaml, startTestWorld, type TestWorld } from "./test-fleet.ts";

let world: TestWorld;
beforeAll(async () => {
  world = await startTestWorld();
});
afterAll(() => world?.stop());

const annotations = "{ switchyard.dev/database-secret: NAME/url, switchyard.dev/database-replica: NAME/replica }";

/** A service whose Secret names the primary, with the replica configured. */
async function deploy(pair: Pick<PostgresPair, "primary" | "replica">) {
  const name = `relay-${randomUUID().slice(0, 8)}`;
  const ref = { namespace: "fleet", name };
  const yaml = serviceYaml(name, { replicas: 0 });
  await world.cluster.create(
    `apiVersion: v1\nkind: Secret\nmetadata: { name: ${name}, namespace: fleet }\nstringData: { url: "${pair.primary}", replica: "${pair.replica}" }\n`,
  );
  await world.cluster.create(
    yaml.replace("annotations: { team: fleet }", `annotations: ${annotations.replaceAll("NAME", name)}`),
  );
  await until("the first ReplicaSet is there", async () => (await readTarget(world.context, ref)).templateHash !== "");
  return ref;
}

async function ask(ref: { namespace: string; name: string }) {
  const { workload, templateHash } = await readTarget(world.context, ref);
  return { verb: "fail-over", ref, body: { reason: "the disk is dying", seen: { uid: workload.metadata.uid, templateHash } } };
}
const failOver = async (ref: { namespace: string; name: string }, key: string = randomUUID()) =>
  performAction(world.context, { ...(await ask(ref)), key });

async function secretOf(name: string): Promise<Record<string, string>> {
  const { data = {} } = await world.kubernetes.get<Secret>(`/api/v1/namespaces/fleet/secrets/${name}`);
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]));
}

async function query<T extends object>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

const nameOf = (url: string) => `${new URL(url).host}${new URL(url).pathname}`;

describe("with a primary that answers", () => {
  let pair: PostgresPair;
  beforeAll(async () => {
    pair = await startPostgresPair("documents");
    await query(pair.primary, "CREATE TABLE operations (id int PRIMARY KEY)");
  }, 120_000);
  afterAll(() => pair?.stop());

  test("nothing that was committed is lost, the former primary takes no more writes, and the service is restarted on the replica", async () => {
    const ref = await deploy(pair);
    const preview = await previewAction(world.context, await ask(ref));
    expect(preview.changes.slice(0, 2)).toEqual([
      { field: nameOf(pair.replica), before: "standby", after: "primary" },
      { field: "database", before: nameOf(pair.primary), after: nameOf(pair.replica) },
    ]);
    expect(preview.affected.join()).toMatch(/read-only first/);
    expect((await readServerRole({ url: pair.replica })).kind).toBe("standby");

    await query(pair.primary, "INSERT INTO operations SELECT generate_series(1, 5000)");
    const request = { ...(await ask(ref)), key: randomUUID() };
    const done = await performAction(world.context, request);
    expect(done.message).toContain(nameOf(pair.replica));
    expect(await query(pair.replica, "SELECT count(*)::int FROM operations")).toEqual([{ count: 5000 }]);
    await query(pair.replica, "INSERT INTO operations VALUES (5001)");
    await expect(query(pair.primary, "INSERT INTO operations VALUES (5002)")).rejects.toMatchObject({ code: "25006" });

    const secret = await secretOf(ref.name);
    expect([secret.url, secret["url.former"]]).toEqual([pair.replica, pair.primary]);
    const { workload } = await readTarget(world.context, ref);
    expect(workload.spec.template.metadata?.annotations?.["kubectl.kubernetes.io/restartedAt"]).toBeDefined();
    const entry = await world.db.auditEntry.findUniqueOrThrow({ where: { id: done.auditId }, include: { rollout: true } });
    expect(entry).toMatchObject({ verb: "fail-over", outcome: "succeeded", rollout: { change: "restart", id: done.rolloutId } });
    expect(JSON.stringify(entry)).not.toContain("switchyard:test");
    // The answer was lost: the same request again is answered as before.
    expect(await performAction(world.context, request)).toEqual(done);
  });

  test("a second time nothing is promoted and the Secret stays, so that a crash between the steps can be repeated", async () => {
    const ref = await deploy(pair);
    const done = await failOver(ref);
    const before = await secretOf(ref.name);
    const again = await failOver(ref);
    expect(again.auditId).not.toBe(done.auditId);
    expect(await secretOf(ref.name)).toEqual(before);
  });
});

describe("with a primary that is gone", () => {
  let pair: PostgresPair;
  beforeAll(async () => {
    pair = await startPostgresPair("documents");
    await query(pair.primary, "CREATE TABLE operations (id int PRIMARY KEY)");
    await query(pair.primary, "INSERT INTO operations SELECT generate_series(1, 10)");
    await until("the replica has them", async () => (await query(pair.replica, "SELECT FROM operations")).length === 10);
    await pair.stopPrimary();
  }, 120_000);
  afterAll(() => pair?.stop());

  test("the preview says what is lost, and the replica takes over with what it has", async () => {
    const ref = await deploy(pair);
    const preview = await previewAction(world.context, await ask(ref));
    expect(preview.affected[0]).toMatch(
      /does not answer: what the replica has not received is lost. Its last transaction is from/,
    );
    await failOver(ref);
    expect((await readServerRole({ url: pair.replica })).kind).toBe("primary");
    expect(await query(pair.replica, "SELECT count(*)::int FROM operations")).toEqual([{ count: 10 }]);
  });

  test("a replica that does not answer is refused, and the Secret stays as it was", async () => {
    const ref = await deploy({ primary: pair.replica, replica: pair.primary });
    await expect(failOver(ref)).rejects.toMatchObject({
      code: "precondition-failed",
      message: expect.stringMatching(/does not answer/),
    });
    expect((await secretOf(ref.name)).url).toBe(pair.replica);
  });
});

describe("without a replica", () => {
  beforeEach(async () => {
    await world.cluster.create(serviceYaml("plain", { replicas: 0 })).catch(() => {});
  });

  test("it is refused with what is to be configured", async () => {
    await expect(failOver({ namespace: "fleet", name: "plain" })).rejects.toMatchObject({
      code: "precondition-failed",
      message: expect.stringMatching(/switchyard.dev\/database-secret and database-replica/),
    });
  });
});
