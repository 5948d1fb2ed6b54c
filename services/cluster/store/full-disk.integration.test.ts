import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ApiClient, readKubeconfig } from "../api-client.ts";

const projectDir = fileURLToPath(new URL("../../..", import.meta.url));
const collection = "/api/v1/namespaces/default/configmaps";
const text = "x".repeat(40_000);

let folder: string;
let dataDir: string;
let child: ChildProcess;
let client: ApiClient;
let log: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "switchyard-full-"));
  dataDir = join(folder, "data");
  mkdirSync(dataDir);
});

afterEach(async () => {
  client?.close();
  await end();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts the server; `wrapper` is a shell's words before the command. */
async function start(wrapper = ""): Promise<void> {
  log = "";
  const script = `${wrapper} exec ${process.execPath} services/cluster/main.ts`;
  const env = { ...process.env, CLUSTER_DATA_DIR: dataDir, CLUSTER_PORT: "0", CLUSTER_NETWORK: "127.76", LOG_LEVEL: "info" };
  const started = spawn("/bin/sh", ["-c", script], { cwd: projectDir, env, stdio: ["ignore", "pipe", "inherit"] });
  child = started;
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: started.stdout }).on("line", (line) => {
      log += `${line}\n`;
      if (line.includes("serving the Kubernetes API")) resolve();
    });
    started.once("exit", (code) => reject(new Error(`the API server ended with code ${code}: ${log}`)));
  });
  client = new ApiClient(readKubeconfig(join(dataDir, "admin.kubeconfig")));
}

async function end(): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

/** Writes from several sides until the server ends, and tells which writes it acknowledged. */
async function writeUntilTheEnd(): Promise<string[]> {
  const exited = once(child, "exit");
  const acknowledged: string[] = [];
  let count = 0;
  const write = async () => {
    for (;;) {
      const name = `c-${count++}`;
      try {
        await client.send(collection, { method: "POST", json: { metadata: { name }, data: { text } } });
      } catch {
        return;
      }
      acknowledged.push(name);
    }
  };
  await Promise.all([write(), write(), write(), write(), exited]);
  client.close();
  return acknowledged;
}

async function namesStored(): Promise<string[]> {
  const { items } = await client.get<{ items: { metadata: { name: string }; data?: { text: string } }[] }>(collection);
  const ours = items.filter(({ metadata }) => metadata.name.startsWith("c-"));
  expect(ours.every(({ data }) => data?.text === text)).toBe(true);
  return ours.map(({ metadata }) => metadata.name);
}

describe("an API server whose log can grow no further", () => {
  it("says so and ends, and has every acknowledged write again when there is room", async () => {
    // Files beyond 2 MiB are refused with EFBIG, in the middle of a record; the signal that comes with it is ignored.
    await start("trap '' XFSZ; ulimit -f 4096;");
    const acknowledged = await writeUntilTheEnd();
    expect(child.exitCode).toBe(1);
    expect(log).toContain("the data directory cannot be written; stopping, since no write can be acknowledged");
    expect(acknowledged.length).toBeGreaterThan(10);
    await start();
    expect(await namesStored()).toEqual(expect.arrayContaining(acknowledged));
    await client.send(collection, { method: "POST", json: { metadata: { name: "later" } } });
  });

  it.runIf(process.getuid?.() === 0)("ends the same way on a full disk", async () => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=3m", "none", dataDir]);
    try {
      await start();
      const acknowledged = await writeUntilTheEnd();
      expect(child.exitCode).toBe(1);
      expect(log).toContain("ENOSPC");
      expect(acknowledged.length).toBeGreaterThan(10);
      execFileSync("mount", ["-o", "remount,size=30m", dataDir]);
      await start();
      expect(await namesStored()).toEqual(expect.arrayContaining(acknowledged));
      await end();
    } finally {
      await end();
      execFileSync("umount", [dataDir]);
    }
  });
});
