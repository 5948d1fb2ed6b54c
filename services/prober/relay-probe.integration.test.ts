import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { observationsSchema } from "#lib/protocol/observations.ts";
import {
  eventually,
  type RelayStack,
  startDaemon,
  startRelayStack,
  type TestProcess,
  type TestRelay,
} from "#lib/protocol/testing/relay-stack.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";

let stack: RelayStack;
let prober: TestProcess;
let metricsUrl: string;
let service: Server;
let relays: TestRelay[];
const rateFile = join(tmpdir(), `prober-rate-${process.pid}`);

beforeAll(async () => {
  stack = await startRelayStack();
  relays = [await stack.startRelay(), await stack.startRelay()];
  let turn = 0;
  // Connections in turn, as a Service without affinity spreads them.
  service = createServer((near) => {
    turn += 1;
    const far = connect(relays[turn % 2]?.port ?? 0, "127.0.0.1");
    near.pipe(far).pipe(near);
    for (const side of [near, far]) side.on("error", () => [near, far].map((each) => each.destroy()));
  });
  await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
  const { port: servicePort } = service.address() as AddressInfo;
  const port = await freePort();
  metricsUrl = `http://127.0.0.1:${port}/metrics`;
  prober = await startDaemon("prober", port, {
    BIND_ADDRESS: `127.0.0.1:${port}`,
    POD_IP: "127.0.0.1",
    SERVICE_VERSION: "1.2.3",
    RELAY_URL: `ws://127.0.0.1:${servicePort}/collab`,
    ISSUER_URL: stack.issuer.url,
    ISSUER_CLIENT_SECRET: stack.issuer.clientSecret,
    PROBER_RATE_HZ: "50",
    PROBER_RATE_FILE: rateFile,
    PROBER_RECONNECT_SECONDS: "1",
  });
});

afterAll(async () => {
  await prober?.end("SIGKILL");
  service?.close();
  await stack?.stop();
});

async function read(sample: string): Promise<number> {
  const lines = (await (await fetch(metricsUrl)).text()).split("\n");
  return Number(lines.find((line) => line.startsWith(`${sample} `))?.slice(sample.length + 1));
}

const requests = (operation: string, result: string) =>
  read(`switchyard_probe_requests_total{target="relay",operation="${operation}",result="${result}"}`);
const ledger = async () =>
  Promise.all(["lost", "duplicated", "reordered"].map((what) => read(`switchyard_probe_${what}_total{target="relay"}`)));

it("answers /health and /ready, with its version", async () => {
  const health = await fetch(metricsUrl.replace("/metrics", "/health"));
  expect(await health.json()).toEqual({ status: "healthy", version: "1.2.3", uptime_seconds: expect.any(Number) });
  const ready = await fetch(metricsUrl.replace("/metrics", "/ready"));
  expect([ready.status, await ready.json()]).toEqual([200, { status: "ready" }]);
});

it("has a health subcommand that says whether it answers", async () => {
  // Not spawnSync: the network between prober and relays is in this process.
  const run = async (address: string) => {
    const env = { ...process.env, BIND_ADDRESS: address, ISSUER_CLIENT_SECRET: "none" };
    const child = spawn(process.execPath, ["services/prober/main.ts", "health"], { env, stdio: ["ignore", "pipe", "inherit"] });
    const [text, [code]] = await Promise.all([child.stdout.toArray(), once(child, "exit")]);
    return { code, text: text.join("") };
  };
  expect(await run(new URL(metricsUrl).host)).toEqual({ code: 0, text: expect.stringMatching(/^200 /) });
  expect(await run("127.0.0.1:1")).toEqual({ code: 1, text: expect.stringMatching(/^no answer from /) });
});

it("takes the rate of PROBER_RATE_FILE, and its own again without it", async () => {
  await writeFile(rateFile, "7");
  await eventually(() => prober.output().includes('"hz":7'));
  await rm(rateFile);
  await eventually(() => prober.output().includes('"hz":50'));
});

it("edits each document from several replicas, and finds that they have the same at the same revisions", async () => {
  await eventually(async () => (await read('switchyard_probe_replicas{target="relay"}')) === 2);
  await eventually(async () => (await requests("converge", "ok")) > 10);
  expect(await requests("converge", "error")).toBe(0);
});

it("measures acknowledgements and deliveries of real operations across reconnects, and loses none", async () => {
  await eventually(async () => (await requests("insert", "ok")) > 100 && (await requests("connect", "ok")) > 10, 30_000);
  expect(await read('switchyard_probe_up{target="relay"}')).toBe(1);
  expect(await requests("deliver", "ok")).toBeGreaterThan(90);
  expect(await read('switchyard_probe_latency_seconds_count{target="relay",operation="deliver"}')).toBeGreaterThan(90);
  expect(await requests("insert", "error")).toBe(0);
  expect(await ledger()).toEqual([0, 0, 0]);
});

async function observe(since: number) {
  const answer = await fetch(metricsUrl.replace("/metrics", `/observations?target=relay&since=${since}`));
  return observationsSchema.parse(await answer.json());
}

it("tells a drill what each client saw when an instance was killed, and that it broke off", async () => {
  const before = await observe(0);
  expect(before.paths.map(({ intervalMs }) => intervalMs)).toEqual(Array(6).fill(120));
  const cuts = () => read('switchyard_probe_cut_total{target="relay"}');
  const cutBefore = await cuts();
  const killedAt = Date.now();
  await relays[1]?.process.end("SIGKILL");
  await eventually(async () => (await cuts()) > cutBefore);
  relays[1] = await stack.startRelay();
  await eventually(async () => (await read('switchyard_probe_replicas{target="relay"}')) === 2, 20_000);
  const after = await observe(before.next);
  expect(after.epoch).toBe(before.epoch);
  const gaps = after.paths.map((_, path) => {
    const ends = after.outcomes.filter(([of, , , isOk]) => of === path && isOk === 1).map(([, endedAt]) => endedAt);
    return Math.max(...ends.slice(1).map((endedAt, index) => endedAt - (ends[index] ?? endedAt)));
  });
  // Some clients were on the other instance, and noticed nothing; the others take another connection at once.
  expect(gaps.filter((gap) => gap > 1.5 * 120).length).toBeGreaterThan(0);
  expect(after.outcomes.some(([, endedAt, , isOk]) => isOk === 1 && endedAt > killedAt)).toBe(true);
  const { acknowledged, lost, lastAcknowledgedAt } = after.ledger;
  expect(acknowledged).toBeGreaterThan(before.ledger.acknowledged);
  expect(lastAcknowledgedAt ?? 0).toBeGreaterThan(killedAt);
  expect(lost).toBe(0);
});

it("says that the relay is down while its database is away, and finds nothing lost when it is back", async () => {
  await stack.postgres.stop("SIGQUIT");
  await eventually(async () => (await read('switchyard_probe_up{target="relay"}')) === 0, 20_000);
  await stack.postgres.start();
  await eventually(async () => (await read('switchyard_probe_up{target="relay"}')) === 1, 30_000);
  const delivered = await requests("deliver", "ok");
  await eventually(async () => (await requests("deliver", "ok")) > delivered + 50, 20_000);
  expect(await ledger()).toEqual([0, 0, 0]);
});

it("counts what was acknowledged, delivered and is gone, when the database goes back to an earlier state", async () => {
  // So many that writing takes longer to make up for them than the relay takes to notice.
  const perDocument = 60;
  await eventually(async () => (await requests("deliver", "ok")) > 5 * perDocument);
  const database = new pg.Client(stack.postgres.url);
  await database.connect();
  await database.query("BEGIN");
  const { rowCount: documents } = await database.query(
    "UPDATE documents SET revision = revision - $1, snapshot = '[]', snapshot_revision = 0",
    [perDocument],
  );
  await database.query(
    "DELETE FROM operations USING documents WHERE documents.id = document_id AND operations.revision > documents.revision",
  );
  await database.query("COMMIT");
  await database.end();
  // What was under way at that moment may not have been acknowledged.
  const gone = (documents ?? 0) * perDocument;
  const found = async () => (await ledger())[0] ?? 0;
  await eventually(async () => (await found()) >= gone * 0.8, 30_000);
  const delivered = await requests("deliver", "ok");
  await eventually(async () => (await requests("deliver", "ok")) > delivered + 50);
  expect(await found()).toBeLessThanOrEqual(gone);
  const { lost, losses } = (await observe(0)).ledger;
  expect([lost, losses.length]).toEqual([await found(), await found()]);
  expect((await ledger()).slice(1)).toEqual([0, 0]);
  expect(await requests("converge", "error")).toBe(0);
});

it("ends with exit code 0 on SIGTERM", async () => {
  expect(await prober.end("SIGTERM")).toBe(0);
});
