import { request } from "node:https";
import type { TestCluster } from "./harness.ts";

export type Answer = { code: number; body: Json; warnings: string[] };

/** What answers have in common, whatever their kind. */
export type Json = {
  message?: string;
  metadata?: { name?: string; resourceVersion?: string; continue?: string };
  [field: string]: unknown;
};

/** One request as the administrator, with nothing between the test and the wire. */
export function rawRequest(
  cluster: TestCluster,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const ca = Buffer.from(cluster.config.getCurrentCluster()?.caData ?? "", "base64");
  const text = body === undefined ? "" : JSON.stringify(body);
  const all = {
    authorization: `Bearer ${cluster.config.getCurrentUser()?.token ?? ""}`,
    accept: "application/json",
    ...(text ? { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) } : {}),
    ...headers,
  };
  return new Promise((resolve, reject) => {
    const call = request(`${cluster.address}${path}`, { method, ca, headers: all }, (answer) => {
      let given = "";
      answer.on("data", (chunk: Buffer) => {
        given += chunk.toString();
      });
      answer.on("end", () => {
        const warning = answer.headers.warning;
        resolve({ code: answer.statusCode ?? 0, body: JSON.parse(given), warnings: warning ? [warning].flat() : [] });
      });
    });
    call.on("error", reject);
    call.end(text);
  });
}
