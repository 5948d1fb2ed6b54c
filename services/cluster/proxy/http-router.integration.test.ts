import { once } from "node:events";
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type RequestOptions,
  type Server,
} from "node:http";
import { connect, createServer as createTcpServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { Backend } from "./backends.ts";
import { Forwarder } from "./forwarder.ts";
import { HttpRouter } from "./http-router.ts";
import type { Target } from "./routes/plan.ts";

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function backend(listener: RequestListener | undefined, host = "127.78.1.2"): Promise<Backend & { server: Server }> {
  const server = createServer(listener);
  server.listen(0, host);
  await once(server, "listening");
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return { host, port: typeof address === "object" && address ? address.port : 0, server };
}

const naming = (name: string) => backend((_, response) => response.end(name));

/** Starts a router before the backends of "service:1", "service:2", ...; `route` gives one of them or a refusal. */
async function routeTo(lists: Backend[][], route: (request: IncomingMessage) => number | Target = () => 1): Promise<number> {
  const router = new HttpRouter({
    route: (request) => {
      const target = route(request);
      return typeof target === "number" ? { service: "service", port: target } : target;
    },
    choose: ({ port }, _, tried) => lists[port - 1]?.find((entry) => !tried.includes(entry)),
  });
  const take = (client: Socket) => {
    router.take(client);
    return true;
  };
  const forwarder = new Forwarder({ host: "127.78.1.1", port: 0, choose: () => undefined, route: take });
  await forwarder.listen();
  open.push(
    () => forwarder.stop(),
    () => router.close(),
  );
  return forwarder.port;
}

type Answer = { status: number; headers: IncomingMessage["headers"]; body: string; answer: IncomingMessage };

async function ask(port: number, options: RequestOptions = {}, body?: string): Promise<Answer> {
  const request = httpRequest({ host: "127.78.1.1", port, agent: false, ...options });
  request.end(body);
  const [answer] = (await once(request, "response")) as [IncomingMessage];
  let text = "";
  for await (const part of answer) text += part;
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: text, answer };
}

describe("routing requests", () => {
  it("sends two requests of one connection to different backends", async () => {
    let turn = 0;
    const port = await routeTo([[await naming("stable")], [await naming("canary")]], () => (turn++ % 2) + 1);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    open.push(() => agent.destroy());
    const answers = [await ask(port, { agent }), await ask(port, { agent }), await ask(port, { agent })];
    expect(answers.map(({ body }) => body)).toEqual(["stable", "canary", "stable"]);
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
  });

  it("passes method, target, headers and bodies on unchanged, from the client's own address, and adds nothing", async () => {
    const echo = await backend(async (request, response) => {
      let body = "";
      for await (const part of request) body += part;
      const { method, url, rawHeaders } = request;
      response.writeHead(
        207,
        "Odd Reason",
        [
          ["X-Twice", "a"],
          ["X-Twice", "b"],
        ].flat(),
      );
      response.end(JSON.stringify({ method, url, rawHeaders, body, from: request.socket.remoteAddress }));
    });
    const port = await routeTo([[echo]]);
    const headers = { Host: "relay.fleet", "X-Case": "Kept", Connection: "close, X-Hop", "X-Hop": "1", "Content-Length": "4" };
    const { status, answer, body } = await ask(
      port,
      { method: "PATCH", path: "/a//b/../c?x=1&x=2", headers, localAddress: "127.78.1.9" },
      "body",
    );
    expect([status, answer.statusMessage]).toEqual([207, "Odd Reason"]);
    expect(answer.rawHeaders.join()).toContain("X-Twice,a,X-Twice,b");
    const { rawHeaders, ...seen } = JSON.parse(body) as { rawHeaders: string[] };
    expect(seen).toEqual({ method: "PATCH", url: "/a//b/../c?x=1&x=2", body: "body", from: "127.78.1.9" });
    expect(rawHeaders).toEqual(["Host", "relay.fleet", "X-Case", "Kept", "Content-Length", "4", "Connection", "close"]);
  });

  it("streams both ways: an answer begins before the request has ended, and trailers arrive", async () => {
    const upper = await backend((request, response) => {
      response.writeHead(200, { trailer: "x-checksum" });
      request.on("data", (part) => response.write(String(part).toUpperCase()));
      request.on("end", () => {
        response.addTrailers({ "x-checksum": "7" });
        response.end();
      });
    });
    const request = httpRequest({ host: "127.78.1.1", port: await routeTo([[upper]]), method: "POST", agent: false });
    request.write("first");
    const [answer] = (await once(request, "response")) as [IncomingMessage];
    const parts = answer[Symbol.asyncIterator]();
    expect(String((await parts.next()).value)).toBe("FIRST");
    request.end("second");
    expect(String((await parts.next()).value)).toBe("SECOND");
    expect((await parts.next()).done).toBe(true);
    expect(answer.trailers).toEqual({ "x-checksum": "7" });
  });

  it("carries a body of 64 MiB without keeping it", async () => {
    const size = 64 << 20;
    const count = await backend(async (request, response) => {
      let bytes = 0;
      for await (const part of request) bytes += (part as Buffer).length;
      response.end(String(bytes));
    });
    const request = httpRequest({ host: "127.78.1.1", port: await routeTo([[count]]), method: "PUT", agent: false });
    const answered = once(request, "response") as Promise<[IncomingMessage]>;
    const block = Buffer.alloc(1 << 20);
    for (let sent = 0; sent < size; sent += block.length) if (!request.write(block)) await once(request, "drain");
    request.end();
    const [answer] = await answered;
    expect(String((await once(answer, "data"))[0])).toBe(String(size));
  });

  it("passes over a backend that refuses, with the whole body", async () => {
    const dead = await naming("dead");
    await open.pop()?.();
    const echo = await backend((request, response) => request.pipe(response));
    expect(await ask(await routeTo([[dead, echo]]), { method: "POST" }, "all of it")).toMatchObject({
      status: 200,
      body: "all of it",
    });
  });

  it("sends a request again when the kept connection to its backend had been closed meanwhile", async () => {
    const here = await naming("here");
    const port = await routeTo([[here]]);
    for (let at = 0; at < 3; at++) {
      expect((await ask(port)).body).toBe("here");
      here.server.closeAllConnections();
    }
  });

  it("answers 503 without backends, and what a route says itself", async () => {
    const dead = await naming("dead");
    await open.pop()?.();
    const port = await routeTo([[], [dead]], ({ url }) =>
      url === "/404" ? { status: 404, why: "no rule" } : Number(url?.slice(1)),
    );
    expect(await ask(port, { path: "/1" })).toMatchObject({ status: 503, body: "Service service has no ready endpoint\n" });
    expect(await ask(port, { path: "/2" })).toMatchObject({ status: 503, body: "Service service takes no connection\n" });
    expect(await ask(port, { path: "/404", method: "POST" }, "x")).toMatchObject({ status: 404, body: "no rule\n" });
  });

  it("answers 503 when the backend ends before its answer, and breaks off when it ends within", async () => {
    const broken = await backend((request, response) => {
      if (request.url === "/before") request.socket.destroy();
      else response.write("part", () => request.socket.destroy());
    });
    const port = await routeTo([[broken]]);
    expect(await ask(port, { path: "/before", method: "POST" }, "x")).toMatchObject({ status: 503 });
    await expect(ask(port, { path: "/within" })).rejects.toThrow("aborted");
  });

  it.each([
    ["POST", { "content-length": "4" }],
    ["GET", { connection: "upgrade", upgrade: "websocket" }],
  ])("keeps no connection to a backend for the %s of a client that left before it was made", async (method, headers) => {
    const target = await backend(undefined);
    target.server.on("upgrade", (_, socket) => socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
    const ended = once(target.server, "connection").then(([socket]: Socket[]) => socket && once(socket, "close"));
    const port = await routeTo([[target]], (request) => {
      process.nextTick(() => request.socket.destroy());
      return 1;
    });
    const request = httpRequest({ host: "127.78.1.1", port, agent: false, method, headers });
    request.on("error", () => {});
    request.flushHeaders();
    await ended;
  });

  it("ends the request at the backend when the client goes away", async () => {
    const gone = Promise.withResolvers<void>();
    const slow = await backend((request) => request.socket.once("close", () => gone.resolve()));
    const request = httpRequest({ host: "127.78.1.1", port: await routeTo([[slow]]), agent: false });
    request.on("error", () => {});
    request.end();
    await once(slow.server, "request");
    request.destroy();
    await gone.promise;
  });
});

describe("routing WebSockets", () => {
  async function socketBackend(name: string): Promise<Backend> {
    const entry = await backend(undefined);
    const sockets = new WebSocketServer({ server: entry.server });
    sockets.on("connection", (socket) => {
      socket.send(name);
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    open.push(() => {
      for (const socket of sockets.clients) socket.terminate();
    });
    return entry;
  }

  async function dial(port: number): Promise<{ socket: WebSocket; first: string }> {
    const socket = new WebSocket(`ws://127.78.1.1:${port}/`);
    open.push(() => socket.terminate());
    const [data] = await once(socket, "message");
    return { socket, first: String(data) };
  }

  it("decides once for each connection", async () => {
    let turn = 0;
    const port = await routeTo([[await socketBackend("stable")], [await socketBackend("canary")]], () => (turn++ % 2) + 1);
    const [one, two] = [await dial(port), await dial(port)];
    expect([one.first, two.first]).toEqual(["stable", "canary"]);
    for (const text of ["a", "b".repeat(200_000)]) {
      one.socket.send(text);
      expect(String((await once(one.socket, "message"))[0])).toBe(text);
    }
    expect(turn).toBe(2);
    one.socket.close(4001, "done");
    expect((await once(one.socket, "close"))[0]).toBe(4001);
  });

  it("passes an answer that is no upgrade on, and refuses in HTTP", async () => {
    const denying = await backend((_, response) => response.writeHead(401, { "x-why": "token" }).end("who are you?"));
    const port = await routeTo([[denying], []], ({ url }) => Number(url?.slice(1)));
    const statusAt = async (path: string) => {
      const socket = new WebSocket(`ws://127.78.1.1:${port}${path}`);
      socket.on("error", () => {});
      const [, answer] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
      socket.terminate();
      return [answer.statusCode, answer.headers["x-why"]];
    };
    expect(await statusAt("/1")).toEqual([401, "token"]);
    expect(await statusAt("/2")).toEqual([503, undefined]);
  });

  it("passes over a backend that refuses, and resets the client when its backend is killed", async () => {
    const dead = await naming("dead");
    await open.pop()?.();
    let peer: Socket | undefined;
    const raw = createTcpServer((socket) => {
      peer = socket;
      socket.once("data", () =>
        socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello"),
      );
    });
    raw.listen(0, "127.78.1.3");
    await once(raw, "listening");
    open.push(() => raw.close());
    const address = raw.address() as { port: number };
    const port = await routeTo([[dead, { host: "127.78.1.3", port: address.port }]]);
    const client = connect({ host: "127.78.1.1", port });
    client.write("GET / HTTP/1.1\r\nHost: relay\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    let text = "";
    while (!text.endsWith("hello")) text += String((await once(client, "data"))[0]);
    expect(text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    peer?.resetAndDestroy();
    const [error] = (await once(client, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNRESET");
  });

  it("ends a connection that asks for a websocket while an earlier request is unanswered", async () => {
    const slow = await backend(() => {});
    const port = await routeTo([[slow], []], ({ headers }) => (headers.upgrade ? 2 : 1));
    const socket = connect(port, "127.78.1.1");
    const closed = once(socket.on("error", () => {}).resume(), "close");
    const upgrade = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    socket.write(`GET / HTTP/1.1\r\nHost: x\r\n\r\n${upgrade}`);
    await closed;
  });
});
