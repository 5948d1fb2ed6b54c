import type { ServerResponse } from "node:http";
import { stringify } from "yaml";
import type { StatusError } from "../api.ts";
import { ExpiredPageError } from "./pages.ts";

export function sendBytes(response: ServerResponse, code: number, contentType: string, bytes: Buffer): void {
  response.writeHead(code, {
    "content-type": contentType,
    "content-length": bytes.length,
    "cache-control": "no-cache, private",
  });
  response.end(bytes);
}

const chunkBytes = 128 * 1024;

/** Sends a long answer no faster than the client takes it, so that it never lies in memory in one piece. */
export async function sendPieces(response: ServerResponse, contentType: string, pieces: readonly Buffer[]): Promise<void> {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (length <= chunkBytes) return sendBytes(response, 200, contentType, Buffer.concat(pieces, length));
  response.writeHead(200, { "content-type": contentType, "content-length": length, "cache-control": "no-cache, private" });
  let chunk: Buffer[] = [];
  let size = 0;
  for (const piece of pieces) {
    chunk.push(piece);
    size += piece.length;
    if (size < chunkBytes) continue;
    if (!response.write(Buffer.concat(chunk, size))) await untilDrained(response);
    if (response.destroyed) return;
    chunk = [];
    size = 0;
  }
  response.end(Buffer.concat(chunk, size));
}

function untilDrained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
    if (response.destroyed) done();
  });
}

export function sendJson(response: ServerResponse, code: number, value: unknown, contentType = "application/json"): void {
  sendBytes(response, code, contentType, Buffer.from(JSON.stringify(value)));
}

export function sendYaml(response: ServerResponse, code: number, bytes: Buffer): void {
  sendBytes(response, code, "application/yaml", Buffer.from(stringify(JSON.parse(bytes.toString()))));
}

export function statusOf(error: StatusError): Record<string, unknown> {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: error instanceof ExpiredPageError ? { continue: error.continueToken } : {},
    status: "Failure",
    message: error.message,
    reason: error.reason,
    ...(error.details ? { details: error.details } : {}),
    code: error.code,
  };
}

export function successStatus(details: Record<string, unknown>): Record<string, unknown> {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
}
