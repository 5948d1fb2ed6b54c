/**
 * A process that holds many watch connections on pods and notes when each event arrives, on the machine's monotonic clock that
 * all processes share. It looks for marks in the bytes instead of parsing them, so that it costs little beside the server.
 */
import { request } from "node:https";
import { readKubeconfig } from "#services/cluster/api-client.ts";

export type WatchersOrder =
  | { order: "connect"; kubeconfigPath: string; count: number; path: string }
  | { order: "report" }
  | { order: "reset" };

export type WatchersReport = {
  /** How often each mark arrived, and when, in milliseconds of the monotonic clock. */
  arrivals: Record<string, number[]>;
  /** Lines on all connections since the last reset. */
  events: number;
  bytes: number;
  ended: number;
};

const mark = Buffer.from('"bench/mark":"');
const newline = 10;

let arrivals: Record<string, number[]> = {};
let events = 0;
let bytes = 0;
let ended = 0;

export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

if (process.send) {
  process.on("message", (message: WatchersOrder) => {
    if (message.order === "connect") {
      void connectAll(message).then(() => process.send?.("connected"));
    } else if (message.order === "report") {
      const report: WatchersReport = { arrivals, events, bytes, ended };
      process.send?.(report);
    } else {
      arrivals = {};
      events = 0;
      bytes = 0;
      process.send?.("reset");
    }
  });
  process.on("disconnect", () => process.exit(0));
}

async function connectAll({ kubeconfigPath, count, path }: WatchersOrder & { order: "connect" }): Promise<void> {
  const { server, ca, cert, key, token } = readKubeconfig(kubeconfigPath);
  const headers = { accept: "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) };
  const connect = () =>
    new Promise<void>((resolve, reject) => {
      const outgoing = request(new URL(path, server), { agent: false, ca, cert, key, headers }, (response) => {
        if (response.statusCode !== 200) return reject(new Error(`the watch was answered with ${response.statusCode}`));
        response.socket.setNoDelay(true);
        response.on("data", receiver());
        response.on("close", () => {
          ended += 1;
        });
        resolve();
      });
      outgoing.on("error", reject);
      outgoing.end();
    });
  for (let index = 0; index < count; index += 1) await connect();
}

function receiver(): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const at = nowMs();
    bytes += chunk.length;
    const text = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let start = 0;
    for (let end = text.indexOf(newline); end >= 0; end = text.indexOf(newline, start)) {
      take(text.subarray(start, end), at);
      start = end + 1;
    }
    rest = text.subarray(start);
  };
}

function take(line: Buffer, at: number): void {
  events += 1;
  const position = line.indexOf(mark);
  if (position < 0) return;
  const from = position + mark.length;
  const name = line.toString("latin1", from, line.indexOf(34, from));
  arrivals[name] ??= [];
  arrivals[name].push(at);
}
