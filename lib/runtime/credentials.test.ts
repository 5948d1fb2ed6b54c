import { beforeEach, expect, test, vi } from "vitest";
import { CredentialReloader } from "./credentials.ts";
import { createLogger } from "./logger.ts";

const logger = createLogger("test", "silent");
let files: { token: string } | Error;
let used: { token: string }[];
beforeEach(() => {
  files = { token: "old" };
  used = [];
  vi.restoreAllMocks();
});

function open(use = (renewed: { token: string }) => void used.push(renewed)) {
  const read = async () => {
    if (files instanceof Error) throw files;
    return files;
  };
  return new CredentialReloader({ current: { token: "old" }, read, use, logger });
}

test("what has another content is used, once", async () => {
  const reloader = open();
  expect(await reloader.reload()).toBe(false);
  files = { token: "new" };
  expect(await Promise.all([reloader.reload(), reloader.reload()])).toEqual([true, false]);
  expect(used).toEqual([{ token: "new" }]);
});

test("what cannot be read is reported once, until it can be read again", async () => {
  const warn = vi.spyOn(logger, "warn").mockReturnValue();
  const reloader = open();
  files = new Error("no such file");
  for (const _ of [1, 2]) expect(await reloader.reload()).toBe(false);
  expect(warn).toHaveBeenCalledTimes(1);
  files = { token: "old" };
  expect(await reloader.reload()).toBe(false);
  files = new Error("no such file");
  await reloader.reload();
  expect(warn).toHaveBeenCalledTimes(2);
  expect(used).toEqual([]);
});

test("what is no good is tried once, and the next renewal is used", async () => {
  const warn = vi.spyOn(logger, "warn").mockReturnValue();
  const reloader = open((renewed) => {
    if (renewed.token === "bad") throw new Error("not of a pair");
    used.push(renewed);
  });
  files = { token: "bad" };
  for (const _ of [1, 2]) expect(await reloader.reload()).toBe(false);
  expect(warn).toHaveBeenCalledTimes(1);
  files = { token: "good" };
  expect(await reloader.reload()).toBe(true);
  expect(used).toEqual([{ token: "good" }]);
});
