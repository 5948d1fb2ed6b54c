import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { Breaker } from "#lib/protocol/breaker.ts";
import { HubClient, type HubClientOptions } from "#lib/protocol/hub-client.ts";
import { HubConnection } from "#lib/protocol/hub-connection.ts";
import { createHubPool } from "#lib/protocol/hub-pool.ts";
import { createSelfSignedCertificate } from "#lib/runtime/certificates.ts";
import { createLogger } from "#lib/runtime/logger.ts";

const certificate = await createSelfSignedCertificate(["127.0.0.1"]);
const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket.on("error", () => {}));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function startClient(ports: number[], options: Partial<HubClientOptions> = {}): HubClient {
  const client = new HubClient({
    hubs: ports.map((port) => ({ host: "127.0.0.1", port })),
    hello: { role: "client", tenant: "t", instance: "i", version: "test", token: () => "very secret" },
    tls: { ca: certificate.cert },
    backoff: { initialMs: 5, maxMs: 20 },
    logger: createLogger("client", "silent"),
    ...options,
  });
  client.start();
  ends.push(() => client.stop());
  return client;
}

/** A hub that welcomes everybody and answers `heartbeats` of their heartbeats. */
function createWelcomingHub(heartbeats = Number.POSITIVE_INFINITY, onPeer: (address?: string) => void = () => {}): Server {
  return createTlsServer(certificate, (socket) => {
    let left = heartbeats;
    onPeer(socket.remoteAddress);
    const connection = new HubConnection(socket, {
      onMessage: ({ name, id }) => {
        const welcome = { protocolVersion: 1, hub: "h", version: "test", heartbeatIntervalMs: 50 };
        if (name === "hello") connection.send({ name: "welcome", body: welcome }, { to: id });
        else if (name === "heartbeat" && left-- > 0) connection.send({ name: "heartbeat", body: {} }, { to: id });
      },
    });
  });
}

test("a hub that hangs up at once is tried five times, then the breaker keeps the client away", async () => {
  let tries = 0;
  const port = await listen(
    createServer((socket) => {
      tries += 1;
      socket.destroy();
    }),
  );
  const clock = { ms: 0 };
  const client = startClient([port], { breaker: new Breaker({ now: () => clock.ms }) });
  await expect.poll(() => client.breaker.state).toBe("open");
  expect(tries).toBe(5);
  expect(client.breaker.retryInMs).toBe(30_000);
});

test("after the breaker's time one probe is made, and a hub that is back closes it", async () => {
  let refuses = true;
  let tries = 0;
  const hub = createWelcomingHub();
  hub.on("connection", (socket: Socket) => {
    tries += 1;
    if (refuses) socket.destroy();
  });
  const client = startClient([await listen(hub)], { breaker: new Breaker({ openMs: 300 }) });
  await expect.poll(() => client.breaker.state).toBe("open");
  expect(tries).toBe(5);
  refuses = false;
  await expect.poll(() => client.isConnected).toBe(true);
  await expect.poll(() => client.breaker.state).toBe("closed");
  expect(tries).toBe(6);
});

test("a hub that welcomes and then answers no heartbeat counts as a failure", async () => {
  const client = startClient([await listen(createWelcomingHub(0))], { breaker: new Breaker({ failures: 2 }) });
  await expect.poll(() => client.breaker.state, { timeout: 5_000 }).toBe("open");
});

test("a hub that falls silent is left and dialled again", async () => {
  let peers = 0;
  const port = await listen(
    createWelcomingHub(2, () => {
      peers += 1;
    }),
  );
  startClient([port]);
  await expect.poll(() => peers, { timeout: 5_000 }).toBeGreaterThan(2);
});

test("the token never goes to a hub whose certificate is not trusted", async () => {
  let bytes = 0;
  let tries = 0;
  const stranger = createTlsServer(await createSelfSignedCertificate(["127.0.0.1"]), (socket) => {
    socket.on("data", (chunk) => {
      bytes += chunk.length;
    });
  });
  stranger.on("connection", () => {
    tries += 1;
  });
  const client = startClient([await listen(stranger)]);
  await expect.poll(() => tries).toBeGreaterThan(2);
  expect(client.isConnected).toBe(false);
  expect(bytes).toBe(0);
});

test("the second address is taken when the first one fails", async () => {
  const closed = await listen(createServer((socket) => socket.destroy()));
  const client = startClient([closed, await listen(createWelcomingHub())]);
  await expect.poll(() => client.isConnected).toBe(true);
});

test("connections come from the local address", async () => {
  const seen: (string | undefined)[] = [];
  const port = await listen(createWelcomingHub(10, (address) => seen.push(address)));
  const client = startClient([port], { localAddress: "127.10.20.9" });
  await expect.poll(() => client.isConnected).toBe(true);
  expect(seen).toEqual(["127.10.20.9"]);
});

test("a request to a hub that goes away fails at once with the reason", async () => {
  const hub = createWelcomingHub();
  const sockets: Socket[] = [];
  hub.on("connection", (socket: Socket) => sockets.push(socket));
  const client = startClient([await listen(hub)]);
  await expect.poll(() => client.isConnected).toBe(true);
  const body = { target: "a", ports: "1", timeoutMs: 60_000, portTimeoutMs: 1_000 };
  const answer = client.request({ name: "scan", body }, { timeoutMs: 60_000 });
  sockets[0]?.destroy();
  await expect(answer).rejects.toThrow();
  await expect.poll(() => client.isConnected).toBe(true);
});

test("a request that is aborted is cancelled at the hub", async () => {
  const cancelled: string[] = [];
  const hub = createTlsServer(certificate, (socket) => {
    const connection = new HubConnection(socket, {
      onMessage: (message) => {
        const welcome = { protocolVersion: 1, hub: "h", version: "test", heartbeatIntervalMs: 5_000 };
        if (message.name === "hello") connection.send({ name: "welcome", body: welcome }, { to: message.id });
        if (message.name === "cancel") cancelled.push(message.body.reason);
      },
    });
  });
  const client = startClient([await listen(hub)]);
  await expect.poll(() => client.isConnected).toBe(true);
  const abort = new AbortController();
  const body = { target: "a", ports: "1", timeoutMs: 60_000, portTimeoutMs: 1_000 };
  const answer = client.request({ name: "scan", body }, { timeoutMs: 60_000, signal: abort.signal });
  abort.abort();
  await expect(answer).rejects.toMatchObject({ code: "cancelled" });
  await expect.poll(() => cancelled).toEqual(["cancelled by the caller"]);
});

test("a hub that cannot be reached is knocked at: once it listens, the client comes although the breaker is open for 30 s", async () => {
  const hub = createWelcomingHub();
  const port = await listen(hub);
  hub.close();
  const client = startClient([port]);
  await expect.poll(() => client.breaker.state, { timeout: 10_000 }).toBe("open");
  expect(client.breaker.retryInMs).toBeGreaterThan(20_000);
  const back = createWelcomingHub();
  back.listen(port, "127.0.0.1");
  ends.push(() => back.close());
  await expect.poll(() => client.isConnected, { timeout: 10_000 }).toBe(true);
  await expect.poll(() => client.breaker.state).toBe("closed");
});

test("a hub that answers and fails is left alone while the breaker is open", async () => {
  let tries = 0;
  const port = await listen(
    createServer((socket) => {
      tries += 1;
      socket.destroy();
    }),
  );
  const client = startClient([port], { breaker: new Breaker({ openMs: 2_000 }) });
  await expect.poll(() => client.breaker.state).toBe("open");
  await expect.poll(() => client.breaker.retryInMs, { timeout: 5_000 }).toBeLessThan(1_000);
  expect(tries).toBe(5);
});

test("a hub that is late is given more time the next time, so that its queue is not made longer by new tries", async () => {
  const waits: number[] = [];
  const port = await listen(
    createTlsServer(certificate, (socket) => {
      const since = performance.now();
      socket.on("close", () => waits.push(performance.now() - since)).resume();
    }),
  );
  startClient([port], { connectTimeoutMs: 100 });
  await expect.poll(() => waits.length, { timeout: 15_000 }).toBeGreaterThanOrEqual(4);
  const [first = 0, , , fourth = 0] = waits;
  expect(fourth).toBeGreaterThan(first);
  expect(fourth).toBeGreaterThan(400);
});

test("a pool has as many connections to the hub as are used at a time, and keeps the least number of them", async () => {
  let peers = 0;
  const port = await listen(
    createWelcomingHub(Number.POSITIVE_INFINITY, () => {
      peers += 1;
    }),
  );
  const client: HubClientOptions = {
    hubs: [{ host: "127.0.0.1", port }],
    hello: { role: "client", tenant: "t", instance: "i", version: "test", token: () => "very secret" },
    tls: { ca: certificate.cert },
    logger: createLogger("client", "silent"),
  };
  const pool = createHubPool(client, { min: 2, max: 3, idleMs: 0, acquireTimeoutMs: 20_000 });
  pool.start();
  ends.push(() => pool.stop());
  const ask = (one: HubClient) => one.request({ name: "heartbeat", body: {} }, { timeoutMs: 10_000 });
  const answers = await Promise.all(Array.from({ length: 9 }, () => pool.use(ask)));
  expect(answers.map(({ name }) => name)).toEqual(Array.from({ length: 9 }, () => "heartbeat"));
  expect(peers).toBeLessThanOrEqual(3);
  await expect.poll(() => pool.size, { timeout: 10_000 }).toBe(2);
});
