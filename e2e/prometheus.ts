import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "#lib/runtime/testing/free-port.ts";

export type TestPrometheus = { url: string; pid: number; stop: () => Promise<void> };

/**
 * A real Prometheus process on loopback whose past is given as OpenMetrics text (each sample with its time in seconds, # EOF at the
 * end), and which scrapes nothing. promtool makes its blocks.
 */
export async function startTestPrometheus(openMetrics: string): Promise<TestPrometheus> {
  const dir = mkdtempSync(join(tmpdir(), "switchyard-prometheus-"));
  const data = join(dir, "data");
  mkdirSync(data);
  writeFileSync(join(dir, "samples.txt"), openMetrics);
  writeFileSync(join(dir, "prometheus.yml"), "global: { scrape_interval: 15s }\n");
  await promisify(execFile)("promtool", ["tsdb", "create-blocks-from", "openmetrics", join(dir, "samples.txt"), data], {
    maxBuffer: 16 * 1024 * 1024,
  });
  const port = await freePort();
  const child = spawn(
    "prometheus",
    [
      `--config.file=${join(dir, "prometheus.yml")}`,
      `--storage.tsdb.path=${data}`,
      "--storage.tsdb.retention.time=60d",
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=error",
    ],
    { stdio: "ignore" },
  );
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
    rmSync(dir, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilReady(url, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, pid: child.pid ?? 0, stop };
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline && child.exitCode === null) {
    const isReady = await fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    await delay(50);
  }
  throw new Error("Prometheus did not become ready.");
}

/** One series as OpenMetrics samples; the values are those of `valueAt` at every `stepSeconds`. */
export function samplesOf(
  name: string,
  labels: Record<string, string>,
  range: { from: number; to: number; stepSeconds: number },
  valueAt: (seconds: number) => number | null,
): string[] {
  const text = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const lines: string[] = [];
  for (let at = range.from; at <= range.to; at += range.stepSeconds) {
    const value = valueAt(at);
    if (value !== null) lines.push(`${name}{${text}} ${value} ${at}`);
  }
  return lines;
}
