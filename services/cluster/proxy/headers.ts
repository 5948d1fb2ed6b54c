import type { IncomingMessage } from "node:http";

/** Headers that are about one connection (RFC 9110, 7.6.1). The proxy has answered `expect` itself. */
const ofTheConnection = ["connection", "keep-alive", "proxy-connection", "te", "upgrade", "expect"];

/** Raw headers, as a flat list, without those of the connection and those that `connection` names. */
export function endToEndHeaders(rawHeaders: readonly string[], ...more: string[]): string[] {
  const dropped = new Set([...ofTheConnection, ...more]);
  const pairs = headerPairs(rawHeaders);
  for (const [name, value] of pairs) {
    if (name.toLowerCase() !== "connection") continue;
    for (const token of value.split(",")) dropped.add(token.trim().toLowerCase());
  }
  return pairs.filter(([name]) => !dropped.has(name.toLowerCase())).flat();
}

/** The status line and headers of an answer, as they came. */
export function headLines({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  const lines = headerPairs(rawHeaders).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${statusCode} ${statusMessage}`, ...lines, "", ""].join("\r\n");
}

/** Name and value of each header of a flat list. */
export function headerPairs(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, at): [string, string][] => (at % 2 === 0 ? [[name, raw[at + 1] ?? ""]] : []));
}
