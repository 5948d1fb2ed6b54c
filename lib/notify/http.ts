import { type IncomingMessage, type RequestOptions, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { guardLookup, refuseLiteral } from "./address.ts";
import { result, type SendResult } from "./message.ts";
import { describeTrouble } from "./trouble.ts";

const maxReadBytes = 16 * 1024;
const maxExcerptLength = 500;

export type PostOptions = {
  url: string;
  headers: Record<string, string>;
  body: string;
  /** For the whole exchange, name look-up included, in milliseconds. */
  timeoutMs: number;
  signal?: AbortSignal;
  lookup?: ReturnType<typeof guardLookup>;
};

/**
 * Posts a body once and says how that ended; never rejects. Redirects are not followed, at most 16 KiB of the answer are read, and
 * the address is checked when the socket connects. A 2xx counts as soon as its head is there, whatever happens to its body.
 */
export async function post(options: PostOptions): Promise<SendResult> {
  const { url, timeoutMs } = options;
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
  try {
    refuseLiteral(new URL(url).hostname);
    const response = await exchange(options, signal);
    return judge(response, await readExcerpt(response));
  } catch (error) {
    return describeTrouble(error, timeoutMs);
  }
}

function exchange({ url, headers, body, lookup = guardLookup() }: PostOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const send = url.startsWith("https:") ? requestHttps : requestHttp;
  const settings: RequestOptions = {
    method: "POST",
    headers: { ...headers, "content-length": String(Buffer.byteLength(body)), "user-agent": "Switchyard", connection: "close" },
    agent: false,
    lookup,
    signal,
    maxHeaderSize: maxReadBytes,
  };
  return new Promise((resolve, reject) => {
    const outgoing = send(url, settings, resolve);
    outgoing.on("error", (error) => reject(signal.aborted ? timeoutOf(signal) : error));
    outgoing.end(body);
  });
}

function timeoutOf(signal: AbortSignal): unknown {
  return signal.reason;
}

/** The beginning of the answer's body; what breaks while it is read is no matter. */
async function readExcerpt(response: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size >= maxReadBytes) break;
    }
  } catch {
    // The head was there: that decides.
  }
  response.destroy();
  const text = Buffer.concat(chunks).subarray(0, maxReadBytes).toString("utf8");
  const shown = printable(text).trim();
  return shown === "" ? null : shown.slice(0, maxExcerptLength);
}

/** Without control characters, which PostgreSQL (NUL) or a terminal would take badly. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}]+/gu, " ");
}

function judge(response: IncomingMessage, excerpt: string | null): SendResult {
  const status = response.statusCode ?? 0;
  const answer = `HTTP ${status}`;
  const retryAfterMs = readRetryAfter(response.headers["retry-after"], Date.now());
  if (status >= 200 && status < 300) return result("delivered", { answer, excerpt });
  if (status >= 300 && status < 400) {
    const error = "It answered with a redirect, which is not followed: enter the final address.";
    return result("refused", { answer, excerpt, error });
  }
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    return result("failing", { answer, excerpt, retryAfterMs, error: "The receiver says that it cannot take it now." });
  }
  return result("refused", { answer, excerpt, retryAfterMs, error: refusal(status), isGone: status === 410 });
}

function refusal(status: number): string {
  if (status === 401 || status === 403) return "The receiver refuses the sender: check the address and the signing secret.";
  if (status === 404 || status === 410) return "The receiver has nothing at this address.";
  return "The receiver refuses the message.";
}

/** How long an answer asks to wait, from seconds or a date; null when it asks for nothing sensible. */
export function readRetryAfter(header: string | undefined, now: number): number | null {
  if (header === undefined || header.trim() === "") return null;
  const ms = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1000 : new Date(header).getTime() - now;
  return Number.isFinite(ms) && ms > 0 ? ms : null;
}
