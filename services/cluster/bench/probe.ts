/**
 * Loaded into the measured server with --import: answers its parent's questions about the process from the inside. It takes no
 * part in serving.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";

export type ProbeReading = {
  cpuSeconds: number;
  rssBytes: number;
  heapUsedBytes: number;
  /** What of the heap is left after a full collection; only when asked for with "collect". */
  liveHeapBytes?: number;
  /** Since the last reading. */
  loopDelayP99Ms: number;
};

const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();

process.on("message", (question: "read" | "collect") => {
  const { user, system } = process.cpuUsage();
  const memory = process.memoryUsage();
  const reading: ProbeReading = {
    cpuSeconds: (user + system) / 1e6,
    rssBytes: memory.rss,
    heapUsedBytes: memory.heapUsed,
    loopDelayP99Ms: delay.percentile(99) / 1e6,
  };
  delay.reset();
  if (question === "collect" && globalThis.gc) {
    globalThis.gc();
    reading.liveHeapBytes = process.memoryUsage().heapUsed;
  }
  process.send?.(reading);
});
process.channel?.unref();
