import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { Forwarder } from "./forwarder.ts";

const open: { close: () => unknown }[] = [];
afterEach(() => {
  for (const entry of open.splice(0)) entry.close();
});

async function listen(onConnection: (socket: Socket) => void, host = "127.78.0.2"): Promise<{ host: string; port: number }> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    onConnection(socket);
  });
  server.listen(0, host);
  await once(server, "listening");
  open.push(server);
  const address = server.address();
  return { host, port: typeof address === "object" && address ? address.port : 0 };
}

async function forwardTo(...backends: { host: string; port: number }[]): Promise<Forwarder> {
  const choose = (_: string, tried: readonly unknown[]) => backends.find((backend) => !tried.includes(backend));
  const forwarder = new Forwarder({ host: "127.78.0.1", port: 0, choose });
  await forwarder.listen();
  open.push({ close: () => forwarder.stop() });
  return forwarder;
}

function dial(port: number, localAddress = "127.0.0.1"): Socket {
  const socket = connect({ host: "127.78.0.1", port, localAddress, allowHalfOpen: true });
  open.push({ close: () => socket.destroy() });
  return socket;
}

async function readAll(socket: Socket): Promise<string> {
  let text = "";
  for await (const part of socket) text += part;
  return text;
}

describe("forwarding a connection", () => {
  it("comes to the backend from the client's own address", async () => {
    const backend = await listen((socket) => socket.end(socket.remoteAddress ?? ""));
    const { port } = await forwardTo(backend);
    expect(await readAll(dial(port, "127.78.0.9"))).toBe("127.78.0.9");
  });

  it("lets a side that has ended its part still receive", async () => {
    const backend = await listen(async (socket) => {
      const question = await readAll(socket);
      socket.end(`answer to ${question}`);
    });
    const { port } = await forwardTo(backend);
    const client = dial(port);
    client.end("question");
    expect(await readAll(client)).toBe("answer to question");
  });

  it("slows a sender whose receiver does not read, instead of storing what it sends", async () => {
    const backend = await listen((socket) => socket.pause());
    const { port } = await forwardTo(backend);
    const client = dial(port);
    await once(client, "connect");
    const before = process.memoryUsage().rss;
    const block = Buffer.alloc(1 << 20);
    let sent = 0;
    let stalled = false;
    while (!stalled && sent < 256) {
      sent += 1;
      if (client.write(block)) continue;
      const drained = once(client, "drain").then(() => false);
      stalled = await Promise.race([drained, new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 500))]);
    }
    expect(stalled).toBe(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
  });

  it("resets the client when the backend refuses, and when there is none", async () => {
    const backend = await listen(() => {});
    for (const entry of open.splice(0)) entry.close();
    for (const targets of [[backend], []]) {
      const { port } = await forwardTo(...targets);
      const client = dial(port);
      const [error] = (await once(client, "error")) as [NodeJS.ErrnoException];
      expect(error.code).toBe("ECONNRESET");
    }
  });

  it("passes over a backend that refuses, before anything was sent", async () => {
    const dead = await listen(() => {});
    for (const entry of open.splice(0)) entry.close();
    const alive = await listen((socket) => socket.pipe(socket));
    const { port } = await forwardTo(dead, alive);
    const client = dial(port);
    client.end("all of it");
    expect(await readAll(client)).toBe("all of it");
  });

  it("passes a reset on", async () => {
    const backend = await listen((socket) => socket.once("data", () => socket.resetAndDestroy()));
    const { port } = await forwardTo(backend);
    const client = dial(port);
    client.write("x");
    const [error] = (await once(client, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNRESET");
  });

  it("goes on when new connections are refused", async () => {
    const backend = await listen((socket) => socket.pipe(socket));
    const forwarder = await forwardTo(backend);
    const { port } = forwarder;
    const client = dial(port);
    client.write("a");
    expect(String((await once(client, "data"))[0])).toBe("a");
    await forwarder.refuse();
    const [error] = (await once(dial(port), "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNREFUSED");
    client.write("b");
    expect(String((await once(client, "data"))[0])).toBe("b");
  });
});
