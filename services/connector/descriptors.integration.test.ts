import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const folder = import.meta.dirname;
const servers = Array.from({ length: 400 }, () => createServer((socket) => socket.on("error", () => {}).destroy()));
const scratch = mkdtempSync(join(tmpdir(), "descriptors-"));
let ports: string;

beforeAll(async () => {
  await Promise.all(servers.map((each) => once(each.listen(0, "127.77.3.9"), "listening")));
  ports = servers.map((each) => (each.address() as AddressInfo).port).join(",");
});
afterAll(() => {
  rmSync(scratch, { recursive: true });
  for (const each of servers) each.close();
});

/** Scans in a process that may have so many descriptors open, of which it keeps `taken` for itself, for `timeoutMs` at most. */
async function scanWith(descriptors: number, { taken = 0, timeoutMs = 60_000 } = {}) {
  const program = `
    const { Scanner } = await import(${JSON.stringify(join(folder, "scanner.ts"))});
    const { parsePorts } = await import(${JSON.stringify(join(folder, "../../lib/protocol/hub-ports.ts"))});
    const { openSync } = await import("node:fs");
    const scanner = new Scanner({ sockets: 2000, threads: 2 });
    const scan = (ports, signal) => scanner.scan({ address: "127.77.3.9", ports: parsePorts(ports), portTimeoutMs: 20000, signal });
    await scan("1-2", AbortSignal.timeout(20000));
    try { for (let i = 0; i < ${taken}; i++) openSync("/dev/null"); } catch {}
    const result = await scan("${ports}", AbortSignal.timeout(${timeoutMs}));
    process.stdout.write(JSON.stringify(result), () => process.exit(0));`;
  const path = join(scratch, "scan.mjs");
  writeFileSync(path, program);
  const command = `ulimit -n ${descriptors} && exec "$0" "$1"`;
  const child = spawn("sh", ["-c", command, process.execPath, path], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk));
  await once(child, "close");
  return JSON.parse(output);
}

test("ports for which there was no descriptor at first are tried again until there is one", async () => {
  const result = await scanWith(256);
  expect(result).toMatchObject({ complete: true, closed: "", filtered: "", unknown: "" });
  expect(result.open).toHaveLength(400);
});

test("ports for which there was no descriptor in the scan's time are unknown: an open one is never called closed", async () => {
  const result = await scanWith(256, { taken: 1_000, timeoutMs: 500 });
  expect(result).toMatchObject({ complete: false, open: [], closed: "", filtered: "" });
  expect(result.unknown).not.toBe("");
});
