import { z } from "zod";
import { DomainError } from "#lib/domain/errors.ts";
import {
  type AlertmanagerAlert,
  type AlertmanagerSilence,
  type AlertmanagerStatus,
  alertSchema,
  type SilenceInput,
  silenceIdSchema,
  silenceSchema,
  statusSchema,
} from "./schemas.ts";

const maxAnswerBytes = 64 * 1024 * 1024;

export type AlertmanagerOptions = { url: string; timeoutMs?: number };

/**
 * The API v2 of one Alertmanager, a member of a cluster or alone. Rejects with alertmanager-unavailable (no answer in time, or a
 * server error) or alertmanager-refused (it says that the request is wrong).
 */
export class AlertmanagerClient {
  readonly url: string;
  readonly #timeoutMs: number;

  constructor({ url, timeoutMs = 5_000 }: AlertmanagerOptions) {
    this.url = url.replace(/\/+$/, "");
    this.#timeoutMs = timeoutMs;
  }

  async checkReady(): Promise<void> {
    const { status } = await this.#send("GET", "/-/ready");
    if (status !== 200) throw unavailable(`it answered with HTTP ${status}`);
  }

  async status(): Promise<AlertmanagerStatus> {
    const { uptime, versionInfo, cluster } = await this.#ask("GET", "/status", statusSchema);
    return { version: versionInfo.version, startedAt: uptime, peers: cluster.peers?.length ?? 0 };
  }

  /** Every alert that it holds as firing, silenced and inhibited ones too. */
  listAlerts(): Promise<AlertmanagerAlert[]> {
    return this.#ask("GET", "/alerts?active=true&silenced=true&inhibited=true&unprocessed=true", z.array(alertSchema));
  }

  /** Every silence that it knows; expired ones stay for a few days. */
  listSilences(): Promise<AlertmanagerSilence[]> {
    return this.#ask("GET", "/silences", z.array(silenceSchema));
  }

  /** One silence; null when it knows none with this id. */
  async findSilence(id: string): Promise<AlertmanagerSilence | null> {
    const answer = await this.#send("GET", `/api/v2/silence/${encodeURIComponent(id)}`);
    return answer.status === 404 ? null : read(answer, silenceSchema);
  }

  /** Makes or changes a silence; resolves to its id, which is a new one when its matchers or the start of an active one change. */
  async putSilence(silence: SilenceInput): Promise<string> {
    return (await this.#ask("POST", "/silences", silenceIdSchema, silence)).silenceID;
  }

  /** Ends a silence now. */
  async expireSilence(id: string): Promise<void> {
    const answer = await this.#send("DELETE", `/api/v2/silence/${encodeURIComponent(id)}`);
    if (answer.status >= 300) throw toError(answer);
  }

  async #ask<S extends z.ZodType>(method: string, path: string, schema: S, body?: unknown): Promise<z.output<S>> {
    return read(await this.#send(method, `/api/v2${path}`, body), schema);
  }

  async #send(method: string, path: string, body?: unknown): Promise<Answer> {
    try {
      const response = await fetch(`${this.url}${path}`, {
        method,
        headers: body === undefined ? {} : { "content-type": "application/json" },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(this.#timeoutMs),
        redirect: "error",
      });
      return { status: response.status, text: await readLimited(response) };
    } catch (error) {
      throw unavailable(describe(error, this.#timeoutMs), error);
    }
  }
}

type Answer = { status: number; text: string };

function read<S extends z.ZodType>(answer: Answer, schema: S): z.output<S> {
  if (answer.status >= 300) throw toError(answer);
  const result = schema.safeParse(parseJson(answer.text));
  if (!result.success) throw unavailable("its answer has a form that is not known", result.error);
  return result.data;
}

/** Alertmanager says what is wrong as a JSON string, or as {code, message} when its parser refuses. */
function toError({ status, text }: Answer): DomainError {
  const json = parseJson(text);
  const said = z.union([z.string(), z.object({ message: z.string() }).transform(({ message }) => message)]).safeParse(json);
  const detail = (said.success ? said.data : text).trim().slice(0, 500) || `HTTP ${status}`;
  if (status >= 500) return unavailable(detail);
  return new DomainError("alertmanager-refused", `Alertmanager refused this: ${detail}`);
}

async function readLimited(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new Error(`its answer is longer than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function describe(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${timeoutMs / 1000} s`;
  const cause = error.cause instanceof Error ? error.cause : error;
  if ("code" in cause && cause.code === "ECONNREFUSED") return "nothing listens at its address";
  return cause.message;
}

function unavailable(what: string, cause?: unknown): DomainError {
  return new DomainError("alertmanager-unavailable", `Alertmanager cannot be asked: ${what}.`, {}, { cause });
}
