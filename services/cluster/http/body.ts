import type { IncomingMessage } from "node:http";
import { parse } from "yaml";
import { StatusError } from "../api.ts";
import { isObject } from "../patch/merge-patch.ts";
import { refusals } from "../registry/refusals.ts";
import { decodeProtobuf } from "../schema/protobuf.ts";

const protobuf = "application/vnd.kubernetes.protobuf";
const objectMediaTypes = ["application/json", "application/yaml", protobuf];
const limitBytes = 3 * 1024 * 1024;
const deepest = 200;

export function mediaTypeOf(request: IncomingMessage): string {
  return (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

/** The whole body. Refuses more than 3 MiB, as the real server does. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = () => new StatusError(413, "RequestEntityTooLarge", `Request entity too large: limit is ${limitBytes}`);
  if (Number(request.headers["content-length"] ?? 0) > limitBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limitBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The body as an object of a type of schema/types.json, in JSON, YAML or Kubernetes' protobuf; undefined when it is empty. */
export async function readObject(request: IncomingMessage, type: string): Promise<Record<string, unknown> | undefined> {
  const mediaType = mediaTypeOf(request) || "application/json";
  const body = await readBody(request);
  if (body.length === 0) return undefined;
  if (!objectMediaTypes.includes(mediaType)) throw unsupportedMediaType(objectMediaTypes);
  const value = mediaType === protobuf ? parseProtobuf(body, type) : parseText(body.toString(), mediaType);
  if (isObject(value)) return value;
  throw refusals.badRequest("couldn't get version/kind; json parse error: the body is not an object");
}

/** As readObject; an empty body is refused. */
export async function requireObject(request: IncomingMessage, type: string): Promise<Record<string, unknown>> {
  const value = await readObject(request, type);
  if (value) return value;
  throw refusals.badRequest("the request has no body");
}

function parseProtobuf(body: Buffer, type: string): Record<string, unknown> {
  try {
    return decodeProtobuf(body, type);
  } catch (error) {
    throw refusals.badRequest(error instanceof Error ? error.message : "the body could not be parsed");
  }
}

export function parseText(text: string, mediaType: string): unknown {
  const value = parseAny(text, mediaType);
  // Everything that walks over objects does so by recursion.
  if (isDeeperThan(value, deepest)) throw refusals.badRequest(`the body could not be parsed: exceeded max depth ${deepest}`);
  return value;
}

function parseAny(text: string, mediaType: string): unknown {
  try {
    if (mediaType === "application/yaml" || mediaType.endsWith("+yaml")) return parse(text, { maxAliasCount: 100 });
    return JSON.parse(text);
  } catch (error) {
    throw refusals.badRequest(`the body could not be parsed: ${error instanceof Error ? error.message : "unknown error"}`);
  }
}

function isDeeperThan(value: unknown, limit: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > limit) return true;
    level = level.flatMap((one) => (typeof one === "object" && one !== null ? Object.values(one) : []));
  }
  return false;
}

export function unsupportedMediaType(accepted: string[]): StatusError {
  const list = accepted.join(", ");
  const message = `the body of the request was in an unknown format - accepted media types include: ${list}`;
  return new StatusError(415, "UnsupportedMediaType", message);
}
