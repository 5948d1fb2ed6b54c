import { parentPort, workerData } from "node:worker_threads";
import { ProbeLoop } from "./probe-loop.ts";
import type { ProbeTask } from "./probe-task.ts";
import type { ThreadSettings } from "./scanner.ts";

// A refused connection is no fault: its stack trace would cost more than the connection.
Error.stackTraceLimit = 0;

const { sockets, rates, localAddress } = workerData as ThreadSettings;
const loop = new ProbeLoop({ sockets, rates, localAddress, onDone: (id, open) => parentPort?.postMessage({ id, open }) });

parentPort?.on("message", (message: { task: ProbeTask } | { abort: number }) => {
  if ("task" in message) loop.start(message.task);
  else loop.abort(message.abort);
});
