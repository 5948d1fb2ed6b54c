import { createServer } from "node:net";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { guardLookup } from "./address.ts";
import { testMessage } from "./test-messages.ts";
import { TestReceiver } from "./test-receiver.ts";
import { sendWebhook } from "./webhook.ts";

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const older = `whsec_${Buffer.alloc(32, 8).toString("base64")}`;
let receiver: TestReceiver;

beforeEach(async () => {
  receiver = await TestReceiver.start();
});
afterEach(() => receiver.stop());

function send(options: { url?: string; timeoutMs?: number; secrets?: string[]; lookup?: ReturnType<typeof guardLookup> } = {}) {
  const { url = receiver.url, timeoutMs = 5_000, secrets = [secret], lookup } = options;
  return sendWebhook({ url, secrets }, testMessage(), { timeoutMs, now: new Date(), ...(lookup ? { lookup } : {}) });
}

function verify(withSecret: string) {
  const [request] = receiver.received;
  return new Webhook(withSecret).verify(request?.body ?? "", request?.headers as Record<string, string>);
}

describe("a webhook", () => {
  test("comes signed as Standard Webhooks has it, which their library verifies", async () => {
    expect(await send()).toMatchObject({ outcome: "delivered", answer: "HTTP 204", error: null });
    expect(verify(secret)).toMatchObject({
      type: "switchyard.events",
      timestamp: "2026-11-21T03:04:06.000Z",
      data: {
        count: 1,
        url: "https://switchyard.example.org/alerts/1",
        events: [{ key: "alert/1/fired", event: "alert-fired", severity: "critical", at: "2026-11-21T03:04:05.000Z" }],
      },
    });
    expect(receiver.received[0]?.headers).toMatchObject({
      "webhook-id": testMessage().id,
      "content-type": "application/json",
      "user-agent": "Switchyard",
    });
  });

  test("is not verified with another secret or when a byte of it was changed", async () => {
    await send();
    expect(() => verify(older)).toThrow(/signature/);
    const [request] = receiver.received;
    const changed = request?.body.replace("critical", "criticaL") ?? "";
    expect(() => new Webhook(secret).verify(changed, request?.headers as Record<string, string>)).toThrow(/signature/);
  });

  test("is signed with the new secret and with the one that it replaces", async () => {
    await send({ secrets: [secret, older] });
    expect(verify(secret)).toBeTruthy();
    expect(verify(older)).toBeTruthy();
  });
});

describe("an answer", () => {
  test("of 5xx or 429 is trouble over there, with the wait that it asks for", async () => {
    receiver.behaviour = (response) => response.writeHead(503, { "retry-after": "7" }).end("draining");
    expect(await send()).toMatchObject({ outcome: "failing", answer: "HTTP 503", excerpt: "draining", retryAfterMs: 7_000 });
    receiver.behaviour = (response) => response.writeHead(429).end();
    expect(await send()).toMatchObject({ outcome: "failing", answer: "HTTP 429", retryAfterMs: null });
  });

  test("of 4xx is a refusal, and 410 says that it is for ever", async () => {
    receiver.behaviour = (response) => response.writeHead(401).end("bad signature");
    expect(await send()).toMatchObject({ outcome: "refused", answer: "HTTP 401", excerpt: "bad signature", isGone: false });
    receiver.behaviour = (response) => response.writeHead(410).end();
    expect(await send()).toMatchObject({ outcome: "refused", isGone: true });
  });

  test("with a redirect is refused and not followed", async () => {
    const elsewhere = await TestReceiver.start();
    receiver.behaviour = (response) => response.writeHead(307, { location: elsewhere.url }).end();
    expect(await send()).toMatchObject({ outcome: "refused", answer: "HTTP 307", error: expect.stringContaining("redirect") });
    expect(elsewhere.received).toEqual([]);
    await elsewhere.stop();
  });

  test("that never ends is read to a bound, and its connection is closed", async () => {
    let written = 0;
    receiver.behaviour = (response) => {
      response.writeHead(200);
      const timer = setInterval(() => {
        written += 4096;
        response.write("x".repeat(4096));
      }, 1);
      response.on("close", () => clearInterval(timer));
    };
    const sent = await send();
    expect(sent).toMatchObject({ outcome: "delivered", answer: "HTTP 200" });
    expect(sent.excerpt).toHaveLength(500);
    expect(written).toBeLessThan(1024 * 1024);
    await expect.poll(() => receiver.connections).toBe(0);
  });

  test("that does not come is a time-out, also when its head comes and its body does not", async () => {
    receiver.behaviour = () => {};
    expect(await send({ timeoutMs: 200 })).toMatchObject({ outcome: "timed-out", answer: null });
    await expect.poll(() => receiver.connections).toBe(0);
    receiver.behaviour = (response) => response.writeHead(500).write("half");
    expect(await send({ timeoutMs: 200 })).toMatchObject({ outcome: "failing", answer: "HTTP 500", excerpt: "half" });
  });

  test("that breaks off counts by its head: without one it is trouble, with a 2xx it is delivered", async () => {
    receiver.behaviour = (response) => response.socket?.destroy();
    expect(await send()).toMatchObject({
      outcome: "unreachable",
      answer: null,
      error: expect.stringContaining("cut the connection"),
    });
    receiver.behaviour = (response) => {
      response.socket?.write("HTTP/1.1 200 O");
      response.socket?.destroySoon();
    };
    expect(await send()).toMatchObject({ outcome: "unreachable", answer: null });
    receiver.behaviour = (response) => {
      response.writeHead(200, { "content-length": "1000" }).write("half");
      response.socket?.destroySoon();
    };
    expect(await send()).toMatchObject({ outcome: "delivered", answer: "HTTP 200", excerpt: "half" });
  });

  test("with control characters is kept as text that a database takes", async () => {
    receiver.behaviour = (response) => response.writeHead(400).end("a\u0000b\u001b[31mc");
    expect(await send()).toMatchObject({ outcome: "refused", excerpt: "a b [31mc" });
  });

  test("in no language of HTTP is trouble on the way", async () => {
    const server = createServer((socket) => socket.end("220 mail.example.org ESMTP\r\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    expect(await send({ url: `http://127.0.0.1:${port}/` })).toMatchObject({ outcome: "unreachable", answer: null });
    server.close();
  });
});

describe("an address", () => {
  test("where nothing listens is unreachable", async () => {
    const { url } = receiver;
    await receiver.stop();
    expect(await send({ url })).toMatchObject({ outcome: "unreachable", error: expect.stringContaining("ECONNREFUSED") });
    receiver = await TestReceiver.start();
  });

  test("of a metadata service is refused before anything is sent, in any way of writing it", async () => {
    for (const host of [
      "169.254.169.254",
      "2852039166",
      "0xa9fea9fe",
      "[::ffff:169.254.169.254]",
      "[fe80::1]",
      "100.100.100.200",
    ]) {
      expect(await send({ url: `http://${host}/latest/meta-data` }), host).toMatchObject({ outcome: "blocked", answer: null });
    }
  });

  test("whose name leads to a metadata service is refused when the socket connects", async () => {
    const lookup = guardLookup(((_name: string, _options: object, callback: (error: null, addresses: object[]) => void) =>
      callback(null, [{ address: "169.254.169.254", family: 4 }])) as never);
    expect(await send({ url: "http://rebound.example.org/", lookup })).toMatchObject({
      outcome: "blocked",
      error: expect.stringContaining("rebound.example.org"),
    });
  });

  test("whose name leads to this host is used: receivers may live in private networks", async () => {
    const lookup = guardLookup(((_name: string, _options: object, callback: (error: null, addresses: object[]) => void) =>
      callback(null, [{ address: "127.0.0.1", family: 4 }])) as never);
    expect(await send({ url: `http://receiver.example.org:${receiver.port}/`, lookup })).toMatchObject({ outcome: "delivered" });
  });
});
