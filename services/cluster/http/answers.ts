import type { ServerResponse } from "node:http";
import { stringify } from "yaml";
import type { StatusError } from "../api.ts";

export function sendBytes(response: ServerResponse, code: number, contentType: string, bytes: Buffer): void {
  response.writeHead(code, {
    "content-type": contentType,
    "content-length": bytes.length,
    "cache-control": "no-cache, private",
  });
  response.end(bytes);
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
    metadata: {},
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
