import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";

const folder = import.meta.dirname;

/** Scans in a process that may have so many descriptors open, with more sockets at a time than that. */
async function scanWith(descriptors: number, ports: string) {
  const program = `
    const { scanPorts } = await import(${JSON.stringify(join(folder, "scanner.ts"))});
    const { Semaphore } = await import(${JSON.stringify(join(folder, "semaphore.ts"))});
    const { parsePorts } = await import(${JSON.stringify(join(folder, "../../lib/protocol/hub-ports.ts"))});
    const request = { address: "127.77.3.9", ports: parsePorts("${ports}"), portTimeoutMs: 2000, signal: new AbortController().signal };
    process.stdout.write(JSON.stringify(await scanPorts(request, { sockets: new Semaphore(2000) })));`;
  const command = `ulimit -n ${descriptors} && exec "$0" --input-type=module -e "$1"`;
  const child = spawn("sh", ["-c", command, process.execPath, program], {
    cwd: join(folder, "../.."),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk));
  await once(child, "close");
  return JSON.parse(output);
}

test("ports for which there was no descriptor are unknown: an open one is never called closed", async () => {
  const servers = Array.from({ length: 400 }, () => {
    return createServer((socket) => socket.on("error", () => {}).destroy()).listen(0, "127.77.3.9");
  });
  try {
    await Promise.all(servers.map((each) => each.listening || once(each, "listening")));
    const ports = servers.map((each) => (each.address() as AddressInfo).port);
    const result = await scanWith(256, ports.join(","));
    expect(result).toMatchObject({ closed: "", filtered: "" });
    expect(result.unknown).not.toBe("");
    expect(result.open.length).toBeGreaterThan(0);
  } finally {
    for (const each of servers) each.close();
  }
});
