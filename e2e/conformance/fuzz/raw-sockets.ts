import { connect, type TLSSocket } from "node:tls";
import type { Random } from "./random.ts";

export type RawTarget = { port: number; ca: string | Buffer; authorization: string };

/** Sends bytes that are no proper request, and waits until the server ends the connection or `patienceMs` are over. */
export function sendRaw(target: RawTarget, bytes: Buffer, patienceMs: number): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket: TLSSocket = connect({ host: "127.0.0.1", port: target.port, ca: target.ca }, () => socket.write(bytes));
    const done = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(done, patienceMs);
    socket.on("data", (chunk: Buffer) => {
      answer += chunk.toString("latin1");
      if (answer.length > 100_000) done();
    });
    socket.on("error", done);
    socket.on("close", done);
  });
}

/** The bytes of something that is almost HTTP. */
export function rawBytes(random: Random, { authorization }: RawTarget): Buffer {
  const head = (first: string, ...lines: string[]) =>
    Buffer.from([first, "Host: localhost", `Authorization: ${authorization}`, ...lines, "", ""].join("\r\n"), "latin1");
  const post = "POST /api/v1/namespaces/default/configmaps HTTP/1.1";
  const json = "Content-Type: application/json";
  return random.pick<() => Buffer>([
    () => random.bytes(1 + random.below(2000)),
    () => Buffer.from("GET / HTTP/9.9\r\n\r\n"),
    () => Buffer.from("GET\r\n\r\n"),
    () => head("GET http://elsewhere/api/v1/pods HTTP/1.1"),
    () => head("GET * HTTP/1.1"),
    () => head("CONNECT /api/v1/pods HTTP/1.1"),
    () => head("PRI * HTTP/2.0"),
    () => Buffer.concat([head(post, json, "Transfer-Encoding: chunked"), Buffer.from('5\r\n{"met')]),
    () => Buffer.concat([head(post, json, "Transfer-Encoding: chunked"), Buffer.from("zz\r\nabc\r\n0\r\n\r\n")]),
    () => Buffer.concat([head(post, json, "Transfer-Encoding: chunked"), Buffer.from("ffffffffffffffff\r\nabc")]),
    () => Buffer.concat([head(post, json, "Transfer-Encoding: chunked", "Content-Length: 3"), Buffer.from("0\r\n\r\n")]),
    () => Buffer.concat([head(post, json, "Content-Length: 100"), Buffer.from("{")]),
    () => Buffer.concat([head(post, json, "Content-Length: -1"), Buffer.from("{}")]),
    () => Buffer.concat([head(post, json, "Content-Length: 2", "Content-Length: 5"), Buffer.from("{}")]),
    () => Buffer.concat([head(post, json, "Content-Length: 2", "Expect: 100-continue"), Buffer.from("{}")]),
    () => head("GET /api/v1/pods HTTP/1.1", "Expect: nonsense"),
    () => head("GET /api/v1/pods HTTP/1.1", `X: ${"a".repeat(40_000)}`),
    () => head("GET /api/v1/pods HTTP/1.1", ...Array.from({ length: 3000 }, (_, index) => `X-${index}: a`)),
    () => head("GET /api/v1/pods HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: x"),
    () => head("GET /api/v1/namespaces/default/pods/a/exec?command=a HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade"),
    () => head("POST /api/v1/namespaces/default/pods/a/exec HTTP/1.1", "Upgrade: SPDY/3.1", "Connection: Upgrade"),
    () => Buffer.concat(Array.from({ length: 50 }, () => head("GET /version HTTP/1.1"))),
    () => Buffer.concat([head("GET /api/v1/pods?watch=true HTTP/1.1"), random.bytes(500)]),
    () => Buffer.concat([head("GET /api/v1/pods HTTP/1.1", "Content-Length: 5"), Buffer.from("abcde")]),
    () => Buffer.from(`GET /${"%".repeat(100)} HTTP/1.1\r\nHost: a\r\n\r\n`),
    () => Buffer.from("GET /\u0000\u0001 HTTP/1.1\r\nHost: a\r\n\r\n", "latin1"),
    () => Buffer.from("\r\n\r\n\r\nGET /version HTTP/1.1\nHost: a\n\n"),
  ])();
}
