import { type ClientHttp2Session, connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import type { HandlerResult } from "./handlers.ts";

export type GrpcTarget = { host: string; port: number; service?: string; from: string };

const statusNames = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
const serving = 1;
const maxAnswerBytes = 1024;

/** Calls grpc.health.v1.Health/Check without TLS, as the kubelet does: healthy when the answer is SERVING. */
export function checkGrpcHealth({ host, port, service = "", from }: GrpcTarget, timeoutMs: number): Promise<HandlerResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, localAddress: from });
    const session: ClientHttp2Session = connectHttp2(`http://${host}:${port}`, { createConnection: () => socket });
    const timer = setTimeout(
      () => finish(`timeout: failed to connect service "${host}:${port}" within ${timeoutMs / 1000}s: context deadline exceeded`),
      timeoutMs,
    );
    session.on("error", (error) => finish(`error: failed to connect service "${host}:${port}": ${error.message}`));
    const stream = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      "user-agent": "kube-probe/1.34",
      te: "trailers",
    });
    const parts: Buffer[] = [];
    let size = 0;
    let status: string | undefined;
    const readStatus = (headers: IncomingHttpHeaders) => {
      status ??= headers["grpc-status"]?.toString();
    };
    stream.on("response", readStatus);
    stream.on("trailers", readStatus);
    stream.on("data", (part: Buffer) => {
      size += part.length;
      if (size <= maxAnswerBytes) parts.push(part);
    });
    stream.on("error", (error) => finish(`error: health rpc failed: ${error.message}`));
    stream.on("end", () => {
      if (status !== undefined && status !== "0") return finish(`error: health rpc failed: grpc status ${status}`);
      const code = readHealth(Buffer.concat(parts));
      finish(code === serving ? undefined : `service unhealthy (responded with "${statusNames[code] ?? code}")`);
    });
    stream.end(healthRequest(service));

    function finish(failure: string | undefined) {
      clearTimeout(timer);
      session.destroy();
      socket.destroy();
      resolve({ ok: failure === undefined, message: failure ?? "" });
    }
  });
}

/** A HealthCheckRequest in its gRPC frame: field 1 is the name of the service. */
export function healthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.of(0x0a), varint(name.length), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The status of a HealthCheckResponse in its gRPC frame: field 1; a message without it means UNKNOWN. */
export function readHealth(frame: Buffer): number {
  const message = frame.subarray(5);
  return message[0] === 0x08 ? (message[1] ?? 0) : 0;
}

function varint(value: number): Buffer {
  return value < 0x80 ? Buffer.of(value) : Buffer.concat([Buffer.of((value & 0x7f) | 0x80), varint(value >> 7)]);
}
