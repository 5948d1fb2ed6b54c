import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "#lib/runtime/testing/free-port.ts";

/** A real process for tests, with its address; `stop()` ends it and removes its folder. */
export type TestProcess = { url: string; stop: () => Promise<void> };

/** A real Alertmanager; `peers` are gossip addresses (host:port) of others, `gossip` its own. */
export function startAlertmanager({ gossip = "", peers = [] }: { gossip?: string; peers?: string[] } = {}): Promise<TestProcess> {
  return startProcess("prometheus-alertmanager", (folder, port) => {
    writeFileSync(join(folder, "config.yml"), "route: { receiver: none }\nreceivers: [{ name: none }]\n");
    return [
      `--config.file=${join(folder, "config.yml")}`,
      `--storage.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      `--cluster.listen-address=${gossip}`,
      "--cluster.settle-timeout=1s",
      "--cluster.gossip-interval=50ms",
      ...peers.map((peer) => `--cluster.peer=${peer}`),
    ];
  });
}

/** A real Prometheus with these rule files' text and nothing to scrape. */
export function startPrometheus(rules: string): Promise<TestProcess> {
  return startProcess("prometheus", (folder, port) => {
    writeFileSync(join(folder, "rules.yml"), rules);
    const config = `global: { evaluation_interval: 1s }\nrule_files: [${join(folder, "rules.yml")}]\n`;
    writeFileSync(join(folder, "config.yml"), config);
    return [
      `--config.file=${join(folder, "config.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
  });
}

async function startProcess(command: string, prepare: (folder: string, port: number) => string[]): Promise<TestProcess> {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-test-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(command, prepare(folder, port), { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000);
  });
  const stop = async () => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + 20_000;
  while (!(await isReady(url))) {
    if (child.exitCode === null && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      continue;
    }
    await stop();
    throw new Error(`${command} did not get ready: ${said}`);
  }
  return { url, stop };
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/-/ready`).then(
    (response) => response.ok,
    () => false,
  );
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}
