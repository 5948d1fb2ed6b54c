import type { IncomingMessage } from "node:http";

/** The URL of a request to a server; null when its target is none, such as `//`, which deserves a 400. Host and scheme mean nothing. */
export function requestUrl({ url = "/" }: IncomingMessage): URL | null {
  return URL.parse(url, "http://localhost");
}
