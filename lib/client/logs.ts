import { send } from "./api.ts";

/** One line as the stream of logs carries it. */
export type LogMessage = { pod: string; at: string; line: string } | { pod: string; error: string };

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

/** A line made readable. `fields` are what a JSON line holds beside time, level and message. */
export type LogLine = {
  id: number;
  pod: string;
  at: string;
  level: LogLevel | null;
  message: string;
  fields: [string, string][];
  raw: string;
  isError: boolean;
};

const numericLevels: Record<number, LogLevel> = { 10: "trace", 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal" };
const levelNames: Record<string, LogLevel> = {
  trace: "trace",
  debug: "debug",
  info: "info",
  information: "info",
  notice: "info",
  warn: "warn",
  warning: "warn",
  error: "error",
  err: "error",
  fatal: "fatal",
  critical: "fatal",
  panic: "fatal",
};
const quietKeys = new Set(["time", "timestamp", "ts", "@timestamp", "level", "severity", "msg", "message", "pid", "hostname"]);

function levelOf(value: unknown): LogLevel | null {
  if (typeof value === "number") return numericLevels[value] ?? null;
  return typeof value === "string" ? (levelNames[value.toLowerCase()] ?? null) : null;
}

/** Makes a message readable: a JSON line becomes level, message and fields; any other stays as it is. */
export function parseLogLine(id: number, message: LogMessage, now: string): LogLine {
  if ("error" in message) {
    return {
      id,
      pod: message.pod,
      at: now,
      level: "error",
      message: message.error,
      fields: [],
      raw: message.error,
      isError: true,
    };
  }
  const plain: LogLine = {
    id,
    pod: message.pod,
    at: message.at,
    level: null,
    message: message.line,
    fields: [],
    raw: message.line,
    isError: false,
  };
  if (!message.line.startsWith("{")) return plain;
  try {
    const parsed: unknown = JSON.parse(message.line);
    if (typeof parsed !== "object" || parsed === null) return plain;
    const record = parsed as Record<string, unknown>;
    const text = record.msg ?? record.message;
    const fields = Object.entries(record)
      .filter(([key]) => !quietKeys.has(key))
      .map(([key, value]): [string, string] => [key, typeof value === "string" ? value : JSON.stringify(value)]);
    return { ...plain, level: levelOf(record.level ?? record.severity), message: typeof text === "string" ? text : "", fields };
  } catch {
    return plain;
  }
}

/** The last `capacity` lines, and how many older ones were let go. */
export type LogRing = { lines: LogLine[]; dropped: number };
export const emptyRing: LogRing = { lines: [], dropped: 0 };

/** Adds lines in the order of their times, as those of several pods arrive pod by pod; beyond `capacity` the oldest go. */
export function appendLines(ring: LogRing, added: LogLine[], capacity: number): LogRing {
  if (added.length === 0) return ring;
  const lines = ring.lines.concat(added);
  if (!isInOrder(lines, ring.lines.length)) lines.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.id - b.id));
  const excess = Math.max(0, lines.length - capacity);
  return { lines: excess > 0 ? lines.slice(excess) : lines, dropped: ring.dropped + excess };
}

function isInOrder(lines: LogLine[], from: number): boolean {
  for (let index = Math.max(1, from); index < lines.length; index += 1) {
    if ((lines[index]?.at ?? "") < (lines[index - 1]?.at ?? "")) return false;
  }
  return true;
}

/** Cuts text that arrives in pieces into whole lines. */
export class LineSplitter {
  #rest = "";

  push(piece: string): string[] {
    const parts = (this.#rest + piece).split("\n");
    this.#rest = parts.pop() ?? "";
    return parts.filter((part) => part !== "");
  }

  end(): string[] {
    const rest = this.#rest;
    this.#rest = "";
    return rest === "" ? [] : [rest];
  }
}

/** Reads a stream of logs until it ends or the signal aborts; hands over messages as they come. */
export async function readLogs(url: string, signal: AbortSignal, onMessages: (messages: LogMessage[]) => void): Promise<void> {
  const response = await send(url, { signal, headers: { accept: "application/x-ndjson" } });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  const splitter = new LineSplitter();
  for (;;) {
    const { done, value } = await reader.read();
    const lines = done ? splitter.end() : splitter.push(value);
    const messages = lines.flatMap((line) => parseMessage(line));
    if (messages.length > 0) onMessages(messages);
    if (done) return;
  }
}

function parseMessage(line: string): LogMessage[] {
  try {
    return [JSON.parse(line) as LogMessage];
  } catch {
    return [];
  }
}
