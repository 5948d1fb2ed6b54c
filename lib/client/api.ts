import type { ChangedField, ErrorCode, OpenIncident } from "#lib/domain/errors.ts";

/** How a request failed, for the page: a code that the server named, or one that it has no name for. */
export type ApiErrorCode = ErrorCode | "internal" | "unreachable" | "unexpected";

/** RFC 9457 problem+json as the server sends it. */
export type Problem = {
  title?: string;
  status: number;
  detail: string;
  code: ApiErrorCode;
  requestId?: string;
  fields?: Record<string, string[]>;
  changed?: ChangedField[];
  retryAfterSeconds?: number;
  incidents?: OpenIncident[];
};

/** Thrown by `request` for every answer that is not a success. `message` is a sentence for the person. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly problem: Problem;

  constructor(problem: Problem, options?: ErrorOptions) {
    super(problem.detail, options);
    this.problem = problem;
  }

  get code(): ApiErrorCode {
    return this.problem.code;
  }
}

/** Reads a failed answer: problem+json where it is that, else a plain sentence with the status. */
async function readProblem(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => "");
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null && "code" in body && "detail" in body) {
      return { ...(body as Problem), status: response.status };
    }
  } catch {
    // Not JSON: a proxy's page, most likely.
  }
  return {
    status: response.status,
    code: "unexpected",
    detail: `The server answered ${response.status} without saying why. Try again; if it stays, look at the web process's log.`,
  };
}

/** `body` is sent as JSON, a Blob as it is. */
export type RequestOptions = { method?: string; body?: unknown; headers?: Record<string, string>; signal?: AbortSignal };

/** One request to Switchyard's own API. Resolves with the parsed answer, rejects with ApiError; an abort passes through. */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(path, options);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

/** Like `request`, but hands over the response of a success, for streams. */
export async function send(path: string, { method = "GET", body, headers = {}, signal }: RequestOptions = {}): Promise<Response> {
  let response: Response;
  const type: Record<string, string> =
    body === undefined ? {} : { "content-type": body instanceof Blob ? body.type : "application/json" };
  try {
    response = await fetch(path, {
      method,
      headers: { accept: "application/json", ...type, ...headers },
      body: body === undefined || body instanceof Blob ? body : JSON.stringify(body),
      signal,
      cache: "no-store",
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError(
      {
        status: 0,
        code: "unreachable",
        detail: "Switchyard did not answer. Check the network and whether its web process runs.",
      },
      { cause },
    );
  }
  if (!response.ok) throw new ApiError(await readProblem(response));
  return response;
}

/** Builds "?a=1&b=2" from what is set; empty text, null and undefined are left out. */
export function queryString(values: Record<string, string | number | boolean | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== "") search.set(key, String(value));
  }
  const text = search.toString();
  return text ? `?${text}` : "";
}

/** The sentence to show for any thrown thing. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "Something failed without saying what.";
}

/** What the server said of a request that failed; undefined for anything else that was thrown, and for nothing. */
export function problemOf(error: unknown): Problem | undefined {
  return error instanceof ApiError ? error.problem : undefined;
}

/** How a request failed. */
export function codeOf(error: unknown): ApiErrorCode | undefined {
  return problemOf(error)?.code;
}

/** What is wrong with what was entered, by field; undefined when it failed for another reason. */
export function fieldsOf(error: unknown): Problem["fields"] {
  return problemOf(error)?.fields;
}

/** Where the server keeps a service, namespace/name. */
export function serviceAddress(id: string): string {
  return `/api/services/${id.split("/").map(encodeURIComponent).join("/")}`;
}
