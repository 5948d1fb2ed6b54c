import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Termination } from "./termination.ts";
import { clearMessage, terminationMessage } from "./termination-message.ts";

describe("the end of a container", () => {
  let steps: string[];
  let hookMs: number;
  beforeEach(() => {
    vi.useFakeTimers();
    steps = [];
    hookMs = 0;
  });
  afterEach(() => vi.useRealTimers());

  const begin = (graceMs: number, hasHook = true) => {
    const startMs = Date.now();
    const say = (what: string) => steps.push(`${what} ${Date.now() - startMs}`);
    return new Termination({
      graceMs,
      preStop: hasHook
        ? async (limitMs) => {
            await new Promise((resolve) => setTimeout(resolve, Math.min(limitMs, hookMs)));
            say("hook");
          }
        : undefined,
      signal: () => say("signal"),
      kill: () => say("kill"),
      nowMs: Date.now,
    });
  };

  it("is its hook, its signal, and a kill when the grace is over", async () => {
    hookMs = 1_000;
    begin(5_000);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(steps).toEqual(["hook 1000", "signal 1000", "kill 5000"]);
  });

  it("leaves two seconds for the signal however long the hook took", async () => {
    hookMs = 60_000;
    begin(5_000);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(steps).toEqual(["hook 5000", "signal 5000", "kill 7000"]);
  });

  it("has no kill once the process has ended", async () => {
    const termination = begin(5_000, false);
    termination.finish();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(steps).toEqual(["signal 0"]);
  });

  it("is made shorter, never longer, by another stop", async () => {
    const termination = begin(5_000, false);
    await vi.advanceTimersByTimeAsync(1_000);
    termination.shorten(60_000);
    termination.shorten(1_000);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(steps).toEqual(["signal 0", "kill 2000"]);
  });

  it("is at once, hook or not, when a later stop has no grace", async () => {
    hookMs = 3_000;
    const termination = begin(10_000);
    await vi.advanceTimersByTimeAsync(1_000);
    termination.shorten(0);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(steps).toEqual(["kill 1000", "hook 3000", "signal 3000"]);
  });
});

describe("a container's last words", () => {
  let folder: string;
  let files: { message: string; log: string };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "message-"));
    files = { message: join(folder, "m", "main"), log: join(folder, "0.log") };
    clearMessage(files.message);
    const lines = Array.from({ length: 100 }, (_, index) => `2026-01-01T00:00:00.000000001Z stderr F line ${index}\n`);
    writeFileSync(files.log, lines.join(""));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("are what it wrote to its message file, the last 4 KiB of it", () => {
    expect(terminationMessage({}, 1, files)).toBeUndefined();
    writeFileSync(files.message, `${"x".repeat(5_000)}end`);
    expect(terminationMessage({}, 0, files)).toMatch(/^x{4093}end$/);
    clearMessage(files.message);
    expect(terminationMessage({}, 0, files)).toBeUndefined();
  });

  it("are the end of its log after a failure, where it asks for that", () => {
    const policy = { terminationMessagePolicy: "FallbackToLogsOnError" } as const;
    expect(terminationMessage(policy, 0, files)).toBeUndefined();
    const message = terminationMessage(policy, 1, files);
    expect(message?.split("\n")).toHaveLength(81);
    expect(message?.startsWith("line 20\n")).toBe(true);
    expect(message?.endsWith("line 99\n")).toBe(true);
    writeFileSync(files.message, "said");
    expect(terminationMessage(policy, 1, files)).toBe("said");
  });
});
