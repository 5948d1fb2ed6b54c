import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { Breaker } from "#lib/protocol/breaker.ts";
import { packReadings } from "#lib/protocol/hub-batch.ts";
import { HubClient, type HubClientOptions } from "#lib/protocol/hub-client.ts";
import { HubConnection } from "#lib/protocol/hub-connection.ts";
import { HubError } from "#lib/protocol/hub-messages.ts";
import { createHubPool } from "#lib/protocol/hub-pool.ts";
import { createSelfSignedCertificate } from "#lib/runtime/certificates.ts";
import { createLogger } from "#lib/runtime/logger.ts";

const certificate = await createSelfSignedCertificate(["127.0.0.1"]);
const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Polls with a deadline that a busy machine keeps. */
const patiently = <T>(read: () => T) => expect.poll(read, { timeout: 20_000 });

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

const welcome = { protocolVersion: 1, hub: "h", version: "test", heartbeatIntervalMs: 5_000 };

/** A hub that welcomes everybody and answers `heartbeats` of their heartbeats; when these are not all, it asks for many. */
function createWelcomingHub(heartbeats = Number.POSITIVE_INFINITY, onPeer: (address?: string) => void = () => {}): Server {
  return createTlsServer(certificate, (socket) => {
    let left = heartbeats;
    const heartbeatIntervalMs = Number.isFinite(heartbeats) ? 50 : 5_000;
    onPeer(socket.remoteAddress);
    const connection = new HubConnection(socket, {
      onMessage: ({ name, id }) => {
        if (name === "hello") connection.send({ name: "welcome", body: { ...welcome, heartbeatIntervalMs } }, { to: id });
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
  await patiently(() => client.breaker.state).toBe("open");
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
  const changes: [string, number][] = [];
  const onChange = (state: string) => {
    changes.push([state, tries]);
    refuses = false;
  };
  startClient([await listen(hub)], { breaker: new Breaker({ openMs: 300, onChange }) });
  await patiently(() => changes).toEqual([
    ["open", 5],
    ["half-open", 5],
    ["closed", 6],
  ]);
});

test("a hub that welcomes and then answers no heartbeat counts as a failure", async () => {
  const client = startClient([await listen(createWelcomingHub(0))], { breaker: new Breaker({ failures: 2 }) });
  await patiently(() => client.breaker.state).toBe("open");
});

test("a hub that answers heartbeats and refuses what it is asked opens the breaker, and closes it when it answers", async () => {
  let [tries, refuses] = [0, true];
  const hub = createTlsServer(certificate, (socket) => {
    tries += 1;
    let asked: number | undefined;
    const connection = new HubConnection(socket, {
      onMessage: ({ name, id }) => {
        if (name === "hello") connection.send({ name: "welcome", body: welcome }, { to: id });
        if (name === "heartbeat") connection.send({ name: "heartbeat", body: {} }, { to: id });
        // Answered behind a heartbeat.
        if (name === "heartbeat" && asked !== undefined) {
          if (refuses) connection.sendError(new HubError("busy", "not now"), asked);
          else connection.send({ name: "ack", body: { sequence: 1, accepted: 1, duplicates: 0 } }, { to: asked });
          asked = undefined;
        }
        if (name === "batch") asked = id;
      },
    });
  });
  const changes: [string, number][] = [];
  const onChange = (state: string) => {
    changes.push([state, tries]);
    refuses = false;
  };
  const body = { stream: "a", first: 1, readings: packReadings([{ sensor: "s", atMs: 0, value: "1" }]) };
  const client: HubClient = startClient([await listen(hub)], {
    breaker: new Breaker({ failures: 3, openMs: 300, onChange }),
    onConnect: () => {
      client.request({ name: "batch", body }, { timeoutMs: 20_000 }).catch((error) => client.drop(error));
    },
  });
  await patiently(() => changes).toEqual([
    ["open", 4],
    ["half-open", 4],
    ["closed", 5],
  ]);
});

test("a hub that falls silent is left and dialled again", async () => {
  let peers = 0;
  const port = await listen(
    createWelcomingHub(2, () => {
      peers += 1;
    }),
  );
  startClient([port]);
  await patiently(() => peers).toBeGreaterThan(2);
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
  await patiently(() => tries).toBeGreaterThan(2);
  expect(client.isConnected).toBe(false);
  expect(bytes).toBe(0);
});

test("the second address is taken when the first one fails", async () => {
  const closed = await listen(createServer((socket) => socket.destroy()));
  const client = startClient([closed, await listen(createWelcomingHub())]);
  await patiently(() => client.isConnected).toBe(true);
});

test("connections come from the local address", async () => {
  const seen: (string | undefined)[] = [];
  const port = await listen(createWelcomingHub(Number.POSITIVE_INFINITY, (address) => seen.push(address)));
  const client = startClient([port], { localAddress: "127.10.20.9" });
  await patiently(() => client.isConnected).toBe(true);
  expect(seen).toEqual(["127.10.20.9"]);
});

test("a request to a hub that goes away fails at once with the reason", async () => {
  const hub = createWelcomingHub();
  const sockets: Socket[] = [];
  hub.on("connection", (socket: Socket) => sockets.push(socket));
  const client = startClient([await listen(hub)]);
  await patiently(() => client.isConnected).toBe(true);
  const body = { target: "a", ports: "1", timeoutMs: 60_000, portTimeoutMs: 1_000 };
  const answer = client.request({ name: "scan", body }, { timeoutMs: 60_000 });
  sockets[0]?.destroy();
  await expect(answer).rejects.toThrow();
  await patiently(() => client.isConnected).toBe(true);
});

test("a request that is aborted is cancelled at the hub", async () => {
  const cancelled: string[] = [];
  const hub = createTlsServer(certificate, (socket) => {
    const connection = new HubConnection(socket, {
      onMessage: (message) => {
        if (message.name === "hello") connection.send({ name: "welcome", body: welcome }, { to: message.id });
        if (message.name === "cancel") cancelled.push(message.body.reason);
      },
    });
  });
  const client = startClient([await listen(hub)]);
  await patiently(() => client.isConnected).toBe(true);
  const abort = new AbortController();
  const body = { target: "a", ports: "1", timeoutMs: 60_000, portTimeoutMs: 1_000 };
  const answer = client.request({ name: "scan", body }, { timeoutMs: 60_000, signal: abort.signal });
  abort.abort();
  await expect(answer).rejects.toMatchObject({ code: "cancelled" });
  await patiently(() => cancelled).toEqual(["cancelled by the caller"]);
});

test("a hub that cannot be reached is knocked at: once it listens, the client comes although the breaker is open for 30 s", async () => {
  const hub = createWelcomingHub();
  const port = await listen(hub);
  hub.close();
  const client = startClient([port]);
  await patiently(() => client.breaker.state).toBe("open");
  expect(client.breaker.retryInMs).toBeGreaterThan(20_000);
  const back = createWelcomingHub();
  back.listen(port, "127.0.0.1");
  ends.push(() => back.close());
  await patiently(() => client.isConnected).toBe(true);
  await patiently(() => client.breaker.state).toBe("closed");
});

test("a hub that answers and fails is left alone while the breaker is open, and not knocked at", async () => {
  let tries = 0;
  const port = await listen(
    createServer((socket) => {
      tries += 1;
      socket.destroy();
    }),
  );
  const client = startClient([port], { breaker: new Breaker({ now: () => 0 }) });
  await patiently(() => client.breaker.state).toBe("open");
  // Long enough for another client to knock.
  const hub = createWelcomingHub();
  const knocked = await listen(hub);
  hub.close();
  const other = startClient([knocked]);
  await patiently(() => other.breaker.state).toBe("open");
  ends.push(() => back.close());
  const back = createWelcomingHub().listen(knocked, "127.0.0.1");
  await patiently(() => other.isConnected).toBe(true);
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
  await patiently(() => waits.length).toBeGreaterThanOrEqual(4);
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
  await patiently(() => pool.size).toBe(2);
});

test("a breaker that is held ends the connection, dials no hub, and lets the client back at once when it is released", async () => {
  let peers = 0;
  const port = await listen(
    createWelcomingHub(Number.POSITIVE_INFINITY, () => {
      peers += 1;
    }),
  );
  const client = startClient([port]);
  await patiently(() => client.isConnected).toBe(true);
  client.hold();
  await patiently(() => client.isConnected).toBe(false);
  const seen = peers;
  // Many times the back-off of at most 20 ms.
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect([peers, client.breaker.state, client.breaker.isHeld]).toEqual([seen, "open", true]);
  client.release();
  await patiently(() => client.isConnected).toBe(true);
  expect([peers, client.breaker.state]).toEqual([seen + 1, "closed"]);
});

test("a client that is held while no hub can be reached stops, and comes back when it is released", async () => {
  const hub = createWelcomingHub();
  const port = await listen(hub);
  hub.close();
  const client = startClient([port], { breaker: new Breaker({ failures: 1 }) });
  await patiently(() => client.breaker.state).toBe("open");
  client.hold();
  const again = createWelcomingHub();
  again.listen(port, "127.0.0.1");
  await once(again, "listening");
  ends.push(() => again.close());
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(client.isConnected).toBe(false);
  client.release();
  await patiently(() => client.isConnected).toBe(true);
  client.hold();
  await client.stop();
});
