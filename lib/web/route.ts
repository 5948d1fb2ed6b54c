import { randomUUID } from "node:crypto";
import type { ConsoleContext } from "#lib/domain/context.ts";
import { DomainError } from "#lib/domain/errors.ts";
import { toProblem } from "./problem.ts";
import { getRuntime } from "./runtime.ts";
import { getActor, makeContext, readBearer } from "./session.ts";

const mebibyte = 1024 * 1024;

/** What a route takes: JSON of at most 1 MiB, or a picture of at most 5 MiB as it is. */
type Accepts = "json" | "image";
const maxMebibytes: Record<Accepts, number> = { json: 1, image: 5 };

/** What a handler gets of its request. */
export type RouteInput = {
  context: ConsoleContext;
  params: Record<string, string>;
  /** The query of the address; of a repeated name the last value. */
  search: Record<string, string>;
  /** The parsed JSON body of POST, PATCH and PUT, or the bytes of a picture; undefined when it is empty. */
  body: unknown;
  /** What came as Idempotency-Key; undefined for none. */
  key: string | undefined;
  request: Request;
};

type Segment = { params: Promise<Record<string, string>> };

/**
 * Wraps a handler: session or token -> context -> handler -> JSON. A Response passes through, undefined becomes 204, a thrown
 * DomainError becomes problem+json. Methods that change something refuse foreign origins, other bodies than `accepts`, and longer
 * ones.
 */
export function route(
  handler: (input: RouteInput) => unknown,
  { accepts = "json" }: { accepts?: Accepts } = {},
): (request: Request, segment: Segment) => Promise<Response> {
  return async (request, segment) => {
    const requestId = readRequestId(request);
    const response = await answer({ handler, accepts }, request, segment, requestId);
    response.headers.set("x-request-id", requestId);
    return response;
  };
}

/** An answer with a status other than 200. */
export function reply(status: number, body: object): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}

async function answer(
  { handler, accepts }: { handler: (input: RouteInput) => unknown; accepts: Accepts },
  request: Request,
  segment: Segment,
  requestId: string,
): Promise<Response> {
  try {
    const actor = await getActor(request);
    const changes = request.method !== "GET" && request.method !== "HEAD";
    if (changes && readBearer(request) === null) refuseForeignOrigin(request);
    const body = changes ? await readBody(request, accepts) : undefined;
    const context = makeContext(actor, requestId);
    const search = Object.fromEntries(new URL(request.url).searchParams);
    const key = request.headers.get("idempotency-key") ?? undefined;
    const result = await handler({ context, params: await segment.params, search, body, key, request });
    if (result instanceof Response) return result;
    return result === undefined ? new Response(null, { status: 204 }) : reply(200, result as object);
  } catch (error) {
    if (!(error instanceof DomainError)) {
      getRuntime().logger.error({ err: error, requestId, path: new URL(request.url).pathname }, "a request failed");
    }
    return toProblem(error, requestId);
  }
}

function readRequestId(request: Request): string {
  const given = request.headers.get("x-request-id") ?? "";
  return /^[\w.-]{8,64}$/.test(given) ? given : randomUUID();
}

/** A browser names the page that sends the request; only our own may use a session. */
function refuseForeignOrigin(request: Request): void {
  const site = request.headers.get("sec-fetch-site");
  const origin = request.headers.get("origin");
  const isForeignSite = site !== null && site !== "same-origin" && site !== "none";
  if (isForeignSite || (origin !== null && !isOwnOrigin(origin, request))) {
    throw new DomainError("not-permitted", "This request came from another site and was refused.");
  }
}

function isOwnOrigin(origin: string, request: Request): boolean {
  if (!URL.canParse(origin)) return false;
  const { host } = new URL(origin);
  return host === request.headers.get("host") || origin === new URL(getRuntime().env.NEXTAUTH_URL).origin;
}

async function readBody(request: Request, accepts: Accepts): Promise<unknown> {
  const limit = maxMebibytes[accepts];
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > limit * mebibyte) throw new DomainError("invalid-input", `The request is longer than ${limit} MiB.`);
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  const type = request.headers.get("content-type") ?? "";
  if (accepts === "image") {
    if (!/^image\//i.test(type)) throw new DomainError("invalid-input", "Send a picture, with its content-type.");
    return Buffer.concat(chunks);
  }
  if (!/^application\/json\b/i.test(type)) {
    throw new DomainError("invalid-input", "Send JSON, with content-type application/json.");
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new DomainError("invalid-input", "The request's body is not JSON.");
  }
}
