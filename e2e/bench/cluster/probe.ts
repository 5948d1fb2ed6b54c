/**
 * Loaded into the measured server with --import: answers its parent's questions about the process from the inside. It takes no
 * part in serving.
 */
import { writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";

export type ProbeQuestion = { ask: "read" } | { ask: "collect" } | { ask: "profile" } | { ask: "save-profile"; path: string };

export type ProbeReading = {
  cpuSeconds: number;
  rssBytes: number;
  heapTotalBytes: number;
  externalBytes: number;
  /** What of the heap is left after a full collection; only when asked for with "collect". */
  liveHeapBytes?: number;
  /** Since the last reading. */
  loopDelayP99Ms: number;
};

const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();

let profiler: Session | undefined;

process.on("message", (question: ProbeQuestion) => void answer(question).then((reading) => process.send?.(reading)));
process.channel?.unref();

async function answer(question: ProbeQuestion): Promise<ProbeReading> {
  if (question.ask === "profile") {
    profiler = new Session();
    profiler.connect();
    await profiler.post("Profiler.enable");
    await profiler.post("Profiler.start");
  } else if (question.ask === "save-profile" && profiler) {
    const { profile } = await profiler.post("Profiler.stop");
    profiler.disconnect();
    writeFileSync(question.path, JSON.stringify(profile));
  }
  const reading = readProcess();
  if (question.ask === "collect" && globalThis.gc) {
    globalThis.gc();
    reading.liveHeapBytes = process.memoryUsage().heapUsed;
  }
  return reading;
}

function readProcess(): ProbeReading {
  const { user, system } = process.cpuUsage();
  const { rss, heapTotal, external } = process.memoryUsage();
  const loopDelayP99Ms = delay.percentile(99) / 1e6;
  delay.reset();
  return { cpuSeconds: (user + system) / 1e6, rssBytes: rss, heapTotalBytes: heapTotal, externalBytes: external, loopDelayP99Ms };
}
