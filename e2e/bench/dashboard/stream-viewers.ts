/** A process with many viewers, which notes when each change arrives, on the monotonic clock that all processes share. */
import { connect, type Socket } from "node:net";

export type ViewersOrder =
  | { order: "connect"; port: number; path: string; count: number }
  | { order: "stop-reading"; count: number }
  /** Begins to count anew, with the changes behind that number. */
  | { order: "count"; behind: number }
  | { order: "report" }
  | { order: "close" };
export type ViewersReport = { deliveries: number; bytes: number; arrivals: [change: number, atMs: number][] };

const mark = Buffer.from('"fields":{"restarts":');
const maxArrivals = 200_000;
const sockets: Socket[] = [];
let deliveries = 0;
let bytes = 0;
let countedBehind = 0;
let arrivals: [number, number][] = [];

const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

function open(port: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(`GET ${path} HTTP/1.1\r\nhost: bench\r\n\r\n`));
    let rest: Buffer = Buffer.alloc(0);
    socket.once("error", reject);
    socket.once("data", () => resolve());
    socket.on("data", (piece) => {
      bytes += piece.length;
      const at = nowMs();
      const text = rest.length > 0 ? Buffer.concat([rest, piece]) : piece;
      let from = 0;
      for (let found = text.indexOf(mark); found >= 0; found = text.indexOf(mark, from)) {
        if (found + mark.length + 12 > text.length) break;
        from = found + mark.length;
        const change = Number.parseInt(text.toString("latin1", from, from + 12), 10);
        if (change <= countedBehind) continue;
        deliveries += 1;
        if (arrivals.length < maxArrivals) arrivals.push([change, at]);
      }
      rest = text.subarray(Math.max(from, text.length - mark.length - 12));
    });
    sockets.push(socket);
  });
}

process.on("message", async (order: ViewersOrder) => {
  if (order.order === "connect") {
    for (let index = 0; index < order.count; index += 1) await open(order.port, order.path);
    process.send?.("connected");
  } else if (order.order === "stop-reading") {
    for (const socket of sockets.slice(0, order.count)) socket.pause();
    process.send?.("stopped");
  } else if (order.order === "count") {
    countedBehind = order.behind;
    deliveries = 0;
    bytes = 0;
    arrivals = [];
    process.send?.("counting");
  } else if (order.order === "report") {
    const report: ViewersReport = { deliveries, bytes, arrivals };
    process.send?.(report);
  } else {
    for (const socket of sockets.splice(0)) socket.destroy();
    process.send?.("closed");
  }
});
process.on("disconnect", () => process.exit(0));
