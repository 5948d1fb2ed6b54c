import { appendFileSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { finished } from "node:stream/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { formatLine, readLog } from "./log-reader.ts";
import { formatNanoseconds, LogFile, logFilesOf } from "./logs.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "logs-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function write(log: LogFile, text: string | Buffer, stream: "stdout" | "stderr" = "stdout"): Promise<void> {
  const source = new PassThrough();
  log.capture(source, stream);
  source.end(text);
  await finished(source);
}

async function read(path: string, query: Partial<Parameters<typeof readLog>[1]> = {}): Promise<string> {
  let text = "";
  const signal = new AbortController().signal;
  for await (const part of readLog(path, { follow: false, timestamps: false, ...query }, undefined, signal)) text += part;
  return text;
}

function openFilesBelow(path: string): number {
  const targets = readdirSync("/proc/self/fd").map((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      return "";
    }
  });
  return targets.filter((target) => target.startsWith(path)).length;
}

describe("a container's log", () => {
  it("is in CRI format with nanoseconds and the stream of each line", async () => {
    const log = new LogFile(join(folder, "0.log"), { now: () => 1_767_225_600_123_456_789n });
    await write(log, "one\ntwo");
    await write(log, "bad\n", "stderr");
    expect(readFileSync(log.path, "utf8")).toBe(
      ["stdout F one", "stdout F two", "stderr F bad"].map((line) => `2026-01-01T00:00:00.123456789Z ${line}\n`).join(""),
    );
  });

  it("has the time of the machine's clock again after the machine slept", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
    try {
      const log = new LogFile(join(folder, "0.log"));
      await write(log, "awake\n");
      const [time = ""] = readFileSync(log.path, "utf8").split(" ");
      expect(Math.abs(Date.parse(time) - Date.now())).toBeLessThan(60_000);
    } finally {
      vi.useRealTimers();
    }
  });

  it("keeps characters that arrive in two parts whole", async () => {
    const log = new LogFile(join(folder, "0.log"));
    const source = new PassThrough();
    log.capture(source, "stdout");
    const bytes = Buffer.from("grün\n");
    source.write(bytes.subarray(0, 3));
    source.end(bytes.subarray(3));
    await finished(source);
    expect(await read(log.path)).toBe("grün\n");
  });

  it("splits a line beyond 16 KiB and prints it whole again", async () => {
    const log = new LogFile(join(folder, "0.log"));
    const long = "x".repeat(40_000);
    await write(log, `${long}\n`);
    expect(readFileSync(log.path, "utf8").match(/ P /g)?.length).toBe(2);
    expect(await read(log.path)).toBe(`${long}\n`);
  });

  it("is rotated by size and keeps five files", async () => {
    const log = new LogFile(join(folder, "0.log"), { limitBytes: 200 });
    for (let index = 0; index < 40; index += 1) await write(log, `line ${index}\n`);
    expect(logFilesOf(log.path)).toHaveLength(5);
    const text = await read(log.path);
    expect(text.endsWith("line 38\nline 39\n")).toBe(true);
    expect(text).not.toContain("line 1\n");
  });

  it.each([0, 1, 3, 7, 20, 50])("gives its last %i lines across rotated files", async (count) => {
    const log = new LogFile(join(folder, "0.log"), { limitBytes: 400 });
    for (let index = 0; index < 20; index += 1) await write(log, `line ${index}\n`);
    const all = (await read(log.path)).split("\n").slice(0, -1);
    const lines = (await read(log.path, { tailLines: count })).split("\n").slice(0, -1);
    expect(lines).toEqual(count === 0 ? [] : all.slice(-count));
  });

  it("ends, for a reader that does not follow, where it ended when the reading began", async () => {
    const log = new LogFile(join(folder, "0.log"));
    await write(log, "first\nlast\n");
    const line = "2026-01-01T00:00:00.000000000Z stdout F late\n";
    for (const [query, expected] of [
      [{ tailLines: 1 }, "last\n"],
      [{}, "first\nlast\n"],
    ] as const) {
      const { size } = statSync(log.path);
      const reading = read(log.path, query);
      appendFileSync(log.path, line);
      const writer = setInterval(() => appendFileSync(log.path, line), 0);
      expect(await reading).toBe(expected);
      clearInterval(writer);
      truncateSync(log.path, size);
    }
  });

  it("is read to its end although a rotation removes the oldest file meanwhile", async () => {
    const log = new LogFile(join(folder, "0.log"), { limitBytes: 200 });
    for (let index = 0; index < 20; index += 1) await write(log, `line ${index}\n`);
    const before = await read(log.path);
    const reading = read(log.path);
    for (let index = 20; index < 30; index += 1) await write(log, `line ${index}\n`);
    expect(await reading).toBe(before);
  });

  it("stops at the limit of bytes", async () => {
    const log = new LogFile(join(folder, "0.log"));
    await write(log, "0123456789\n0123456789\n");
    expect(await read(log.path, { limitBytes: 13 })).toBe("0123456789\n01");
  });

  it("is followed across a rotation until it is closed", async () => {
    const log = new LogFile(join(folder, "0.log"), { limitBytes: 300 });
    await write(log, "first\n");
    const signal = new AbortController().signal;
    const seen: string[] = [];
    const reader = (async () => {
      for await (const part of readLog(log.path, { follow: true, timestamps: false }, log, signal)) seen.push(part);
    })();
    for (let index = 0; index < 12; index += 1) {
      await write(log, `line ${index}\n`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    log.close();
    await reader;
    const expected = ["first", ...Array.from({ length: 12 }, (_, index) => `line ${index}`)];
    expect(seen.join("")).toBe(`${expected.join("\n")}\n`);
  });

  it("is followed without holding on to the files that a rotation has removed", async () => {
    const log = new LogFile(join(folder, "0.log"), { limitBytes: 100 });
    await write(log, "line 0\n");
    const following = readLog(log.path, { follow: true, timestamps: false }, log, new AbortController().signal);
    for (let index = 0; index < 12; index += 1) {
      expect((await following.next()).value).toBe(`line ${index}\n`);
      await write(log, `line ${index + 1}\n`);
    }
    // Two files at most: the one that is written, and the one that is being read.
    expect(openFilesBelow(folder)).toBeLessThanOrEqual(3);
    log.close();
    await following.return(undefined);
    expect(openFilesBelow(folder)).toBe(0);
  });

  it("loses lines while the disk is full, and ends nobody", async () => {
    const log = new LogFile("/dev/full");
    await expect(write(log, "lost\n")).resolves.toBeUndefined();
    log.close();
  });

  it("ends a follower whose reader went away", async () => {
    const log = new LogFile(join(folder, "0.log"));
    const abort = new AbortController();
    const reader = (async () => {
      for await (const _ of readLog(log.path, { follow: true, timestamps: false }, log, abort.signal));
    })();
    abort.abort();
    await expect(reader).resolves.toBeUndefined();
  });
});

describe("a stored line", () => {
  const line = "2026-01-01T00:00:05.000000001Z stdout F hello";

  it("is printed with its time when asked", () => {
    expect(formatLine(line, true)).toBe("2026-01-01T00:00:05.000000001Z hello\n");
    expect(formatLine(line, false)).toBe("hello\n");
  });

  it("is left out when it is older than asked for", () => {
    expect(formatLine(line, false, "2026-01-01T00:00:06.000")).toBe("");
    expect(formatLine(line, false, "2026-01-01T00:00:05.000")).toBe("hello\n");
  });
});

it("writes times with nine digits", () => {
  expect(formatNanoseconds(1_767_225_600_000_000_007n)).toBe("2026-01-01T00:00:00.000000007Z");
});
