import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterAll, afterEach, expect, test } from "vitest";
import { parsePorts } from "#lib/protocol/hub-ports.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { ProbeLoop } from "./probe-loop.ts";
import { counters, type OpenPort } from "./probe-task.ts";
import { Scanner, type ScannerOptions, type ScanRequest } from "./scanner.ts";

const address = "127.77.4.1";
const ends: (() => unknown)[] = [];
const scanners: Scanner[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(() => Promise.all(scanners.map((scanner) => scanner.stop())));

function createScanner(options: Partial<ScannerOptions> = {}): Scanner {
  const scanner = new Scanner({ sockets: 64, threads: 2, ...options });
  scanners.push(scanner);
  return scanner;
}

const shared = createScanner();

function scan(ports: string, changes: Partial<ScanRequest> = {}, scanner = shared) {
  const signal = new AbortController().signal;
  return scanner.scan({ address, ports: parsePorts(ports), portTimeoutMs: 10_000, signal, ...changes });
}

async function listen(onSocket: (socket: Socket) => void = (socket) => socket.destroy()): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    onSocket(socket);
  }).listen(0, address);
  await once(server, "listening");
  ends.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

/** A process that listens with room for one connection and never accepts; its room is taken. */
async function listenWithFullBacklog(): Promise<number> {
  const program = `const server = require("node:net").createServer();
    server.listen(0, "${address}", 1, () => {
      require("node:fs").writeSync(1, String(server.address().port));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  ends.push(() => child.kill("SIGKILL"));
  const [text] = await once(child.stdout, "data");
  const port = Number(text);
  const fillers = Array.from({ length: 6 }, () => connect(port, address).on("error", () => {}));
  ends.push(() => fillers.map((socket) => socket.destroy()));
  await once(fillers[0] as Socket, "connect");
  return port;
}

/** Ports on which something listens at all addresses of this machine, says the kernel. */
function listenedPorts(): number[] {
  const lines = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) => readFileSync(path, "utf8").split("\n"));
  return lines.flatMap((line) => {
    const port = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:0000 0A /.exec(line)?.[1];
    return port === undefined ? [] : [Number.parseInt(port, 16)];
  });
}

test("every port is reported once, in the state that its connection had", async () => {
  const open = [await listen(), await listen(), await listen()];
  const closed = await listen();
  await ends.pop()?.();
  const result = await scan([...open, closed].join(","));
  expect(result).toMatchObject({ complete: true, closed: `${closed}`, filtered: "", unknown: "" });
  expect(result.open.map(({ port }) => port)).toEqual(open.toSorted((a, b) => a - b));
  expect(result.open.every(({ connectMs }) => connectMs > 0)).toBe(true);
});

test("of the ports that connections are made from, those are open on which something listens: none by a connection to itself", async () => {
  const port = await listen();
  const before = listenedPorts();
  const result = await scan("32768-60999");
  const listened = new Set([...before, ...listenedPorts()]);
  expect(result).toMatchObject({ complete: true, filtered: "" });
  expect(result.open.map((each) => each.port)).toContain(port);
  expect(result.open.filter((each) => !listened.has(each.port))).toEqual([]);
});

test("a listener whose backlog is full is filtered after the port's time, not closed", async () => {
  const port = await listenWithFullBacklog();
  expect(await scan(`${port}`, { portTimeoutMs: 300 })).toMatchObject({ open: [], closed: "", filtered: `${port}`, unknown: "" });
});

test("a tarpit that accepts and never speaks is open, without a banner, within the port's time", async () => {
  const port = await listen(() => {});
  const result = await scan(`${port}`, { banners: true, portTimeoutMs: 200 });
  expect(result).toMatchObject({ complete: true, open: [{ port, connectMs: expect.any(Number) }], closed: "" });
  expect(result.open[0]).not.toHaveProperty("banner");
});

test("with banners the first line of a service is read as safe text, and nothing is sent to it", async () => {
  const heard: Buffer[] = [];
  const talker = (said: string | Buffer, isEnded = false) =>
    listen((socket) => {
      socket.on("data", (bytes: Buffer) => heard.push(bytes));
      if (isEnded) socket.end(said);
      else socket.write(said);
    });
  const [ssh, long, brief] = [
    await talker("SSH-2.0-test\r\n"),
    await talker(Buffer.alloc(5_000, "\u001b")),
    await talker("bye", true),
  ];
  const result = await scan([ssh, long, brief].join(","), { banners: true });
  const banners = new Map(result.open.map(({ port, banner }) => [port, banner]));
  expect(banners.get(ssh)).toBe("SSH-2.0-test");
  expect(banners.get(long)).toBe("\\x1b".repeat(256));
  expect(banners.get(brief)).toBe("bye");
  expect(heard).toEqual([]);
  expect((await scan(`${ssh}`)).open[0]).not.toHaveProperty("banner");
});

test("what one service said is never told of another, though their ports are tried by the same probe", async () => {
  const single = createScanner({ sockets: 1, threads: 1 });
  const talkers = [await listen((socket) => socket.write("first\n")), await listen((socket) => socket.end("last"))];
  const mute = [await listen(() => {}), await listen(), await listen((socket) => socket.end())];
  const banners: (string | undefined)[] = [];
  for (const port of [...talkers, ...mute]) {
    const { open } = await scan(`${port}`, { banners: true, portTimeoutMs: 300 }, single);
    banners.push(...open.map((each) => each.banner));
  }
  expect(banners).toEqual(["first", "last", undefined, undefined, undefined]);
});

test("an open port is open also when the scanner was held up until the port's time was over", async () => {
  const port = await listen();
  const open = await new Promise<OpenPort[]>((resolve) => {
    const loop = new ProbeLoop({ sockets: 1, rates: {}, onDone: (_id, ports) => resolve(ports) });
    const numbers = new Int32Array(new SharedArrayBuffer(4 * counters.count));
    const states = new Uint8Array(new SharedArrayBuffer(65_536));
    const ranges = [{ from: port, to: port }];
    loop.start({ id: 1, address, ranges, portTimeoutMs: 50, banners: false, numbers, states });
    // The connection is under way; its answer waits while nothing runs here.
    process.nextTick(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200));
  });
  expect(open).toMatchObject([{ port }]);
});

test("a thread that dies fails its scans, and is started again later and later", async () => {
  const errors: { err: Error; retryMs: number }[] = [];
  const logger = { error: (told: (typeof errors)[number]) => errors.push(told) } as unknown as Logger;
  const module = new URL("data:text/javascript,throw new Error('no memory')");
  const broken = createScanner({ threads: 1, logger, module });
  await expect(scan("1-10", {}, broken)).rejects.toThrow("no memory");
  await expect(scan("1-10", {}, broken)).rejects.toThrow("no thread of the scanner runs");
  await expect.poll(() => errors.length, { timeout: 20_000 }).toBeGreaterThan(3);
  for (const [index, { retryMs }] of errors.entries()) expect(retryMs).toBeGreaterThanOrEqual(50 * 2 ** index);
});

test("a scan that is ended early says what it knows and calls the rest unknown", async () => {
  const abort = new AbortController();
  const slow = createScanner({ rates: { total: 100 }, progressIntervalMs: 5 });
  const result = await scan("1-5000", { signal: abort.signal, onProgress: ({ scanned }) => scanned > 5 && abort.abort() }, slow);
  expect(result).toMatchObject({ complete: false, open: [], filtered: "" });
  const [closed, unknown] = [parsePorts(result.closed), parsePorts(result.unknown)];
  const count = (ranges: typeof closed) => ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  expect(count(closed)).toBeGreaterThan(5);
  expect(count(closed) + count(unknown)).toBe(5_000);
  expect(await scan("1-10", { signal: abort.signal }, slow)).toMatchObject({ complete: false, closed: "", unknown: "1-10" });
});

test("no more sockets are open at a time than allowed, for all scans together", async () => {
  const port = await listen(() => {});
  const few = createScanner({ sockets: 3 });
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: 12 }, () => scan(`${port}`, { banners: true, portTimeoutMs: 100 }, few)));
  expect(performance.now() - startedAt).toBeGreaterThan(390);
});

test.each([
  ["in all", { total: 200 }],
  ["to each address", { perTarget: 200 }],
])("no more connections a second are made than allowed %s", async (_what, rates) => {
  const slow = createScanner({ rates });
  const startedAt = performance.now();
  expect(await scan("1-60", {}, slow)).toMatchObject({ complete: true, closed: "1-60" });
  expect(performance.now() - startedAt).toBeGreaterThan(250);
});
