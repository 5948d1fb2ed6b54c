import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkGrpcHealth } from "./grpc-health.ts";

const host = "127.0.0.1";
let server: Http2Server;
let asked: { path: string | undefined; message: Buffer }[];
let answer: (stream: ServerHttp2Stream, message: Buffer) => void;

beforeEach(async () => {
  asked = [];
  server = createServer();
  server.on("stream", (stream, headers) => {
    const parts: Buffer[] = [];
    stream.on("data", (part: Buffer) => parts.push(part));
    stream.on("end", () => {
      const message = Buffer.concat(parts);
      asked.push({ path: headers[":path"], message });
      answer(stream, message);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

const port = () => (server.address() as AddressInfo).port;
const check = (service?: string, timeoutMs = 5_000) => checkGrpcHealth({ host, port: port(), service, from: host }, timeoutMs);

/** A server of grpc.health.v1 that says this status. */
function says(status: number) {
  return (stream: ServerHttp2Stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.from([0, 0, 0, 0, 2, 8, status]));
  };
}

describe("a gRPC probe", () => {
  it("asks for the health of the named service", async () => {
    answer = says(1);
    expect(await check("relay")).toEqual({ ok: true, message: "" });
    expect(asked[0]?.path).toBe("/grpc.health.v1.Health/Check");
    expect(asked[0]?.message).toEqual(Buffer.from([0, 0, 0, 0, 7, 10, 5, ...Buffer.from("relay")]));
  });

  it("fails when the service does not serve", async () => {
    answer = says(2);
    expect(await check()).toEqual({ ok: false, message: 'service unhealthy (responded with "NOT_SERVING")' });
    expect(asked[0]?.message).toEqual(Buffer.from([0, 0, 0, 0, 0]));
  });

  it("fails when the server knows no such call", async () => {
    answer = (stream) => stream.respond({ ":status": 200, "grpc-status": "12" }, { endStream: true });
    expect(await check()).toEqual({ ok: false, message: "error: health rpc failed: grpc status 12" });
  });

  it("fails when there is no answer in time", async () => {
    answer = () => {};
    const { ok, message } = await check("", 200);
    expect([ok, message]).toEqual([false, expect.stringContaining("within 0.2s: context deadline exceeded")]);
  });

  it("fails when nobody listens", async () => {
    const { ok, message } = await checkGrpcHealth({ host, port: 1, from: host }, 5_000);
    expect([ok, message]).toEqual([false, expect.stringContaining("ECONNREFUSED")]);
  });
});
