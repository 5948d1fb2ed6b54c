import { randomUUID } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { ReplicaMessage } from "#lib/protocol/relay-messages.ts";
import { eventually, startRedis, type TestProcess } from "#lib/protocol/testing/relay-stack.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { Fanout } from "./fanout.ts";

const documentId = randomUUID();
let redis: TestProcess;
let redisPort: number;
let onEnd: (() => unknown)[];

beforeEach(async () => {
  redisPort = await freePort();
  redis = await startRedis(redisPort);
  onEnd = [() => redis.end("SIGKILL")];
});
afterEach(() => Promise.all(onEnd.map((end) => end())));

/** A replica's connections to Redis, and what it has heard. */
async function join(replica: string, port = redisPort) {
  const heard: ReplicaMessage[] = [];
  const fanout = new Fanout({
    url: `redis://127.0.0.1:${port}`,
    replica,
    logger: createLogger("relay", "silent"),
    onMessage: (_documentId, message) => heard.push(message),
  });
  onEnd.unshift(() => fanout.stop());
  fanout.start();
  fanout.subscribe(documentId);
  await eventually(() => fanout.ping().then(() => true));
  return { fanout, heard };
}

type Replica = Awaited<ReturnType<typeof join>>;

function passes(from: Replica, to: Replica): Promise<unknown> {
  const clientId = randomUUID();
  return eventually(() => {
    from.fanout.publish(documentId, { presence: [{ event: "leave", clientId }] });
    return to.heard.some(({ presence }) => presence?.some((event) => event.clientId === clientId));
  });
}

/** A way to Redis on which the open connections can be made to carry nothing any more, without an end. */
async function openWay() {
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect(redisPort, "127.0.0.1");
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on("error", () => {});
    sockets.push(near, far);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  onEnd.unshift(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port,
    vanish() {
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
}

it("finds that Redis has gone without a word, and speaks and hears again over new connections", async () => {
  const way = await openWay();
  const [far, near] = [await join("far", way.port), await join("near")];
  await Promise.all([passes(far, near), passes(near, far)]);
  way.vanish();
  await Promise.all([passes(far, near), passes(near, far)]);
});

it("drops what Redis does not take past a bound, and goes on once it does", async () => {
  const [from, to] = [await join("from"), await join("to")];
  await passes(from, to);
  const insert = "x".repeat(30_000);
  const operation = { revision: 1, clientId: randomUUID(), sequence: 1, actor: "a", delta: [{ insert }] };
  redis.child.kill("SIGSTOP");
  for (let sent = 0; sent < 600; sent += 1) from.fanout.publish(documentId, { operations: [operation] });
  redis.child.kill("SIGCONT");
  await passes(from, to);
  expect(to.heard.filter(({ operations }) => operations).length).toBeLessThan(300);
});
