import { describe, expect, it } from "vitest";
import { parseExecRequest, readFrame, statusOf, writeFrame } from "./exec-protocol.ts";

const frame = (channel: number, text: string) => Buffer.concat([Buffer.of(channel), Buffer.from(text)]);

describe("a frame of the remote command protocol", () => {
  it("is a channel's number and its bytes", () => {
    expect(writeFrame(1, Buffer.from("out"))).toEqual(frame(1, "out"));
    expect(readFrame(frame(0, "in"))).toEqual({ type: "input", bytes: Buffer.from("in") });
    expect(readFrame(Buffer.of(0))).toEqual({ type: "input", bytes: Buffer.alloc(0) });
  });

  it("ends standard input in version 5", () => {
    expect(readFrame(Buffer.of(255, 0))).toEqual({ type: "end-of-input" });
    expect(readFrame(Buffer.of(255, 1))).toEqual({ type: "other" });
  });

  it("gives the terminal a size, and only a size that a terminal can have", () => {
    expect(readFrame(frame(4, '{"Width":80,"Height":24}'))).toEqual({ type: "resize", columns: 80, rows: 24 });
    for (const text of [
      "",
      "{",
      "null",
      '{"Width":0,"Height":24}',
      '{"Width":80,"Height":70000}',
      '{"Width":"80","Height":24}',
    ]) {
      expect(readFrame(frame(4, text))).toEqual({ type: "other" });
    }
  });

  it("of another channel, or empty, means nothing", () => {
    for (const bytes of [Buffer.alloc(0), frame(1, "x"), frame(3, "x"), frame(77, "x")]) {
      expect(readFrame(bytes)).toEqual({ type: "other" });
    }
  });
});

describe("a request to run a command", () => {
  const parse = (query: string) => parseExecRequest(new URLSearchParams(query));

  it("keeps the words of the command apart", () => {
    expect(parse("command=echo&command=a%20b&command=&stdout=1&stdin=true&tty=0")).toEqual({
      command: ["echo", "a b", ""],
      stdin: true,
      stdout: true,
      stderr: false,
      tty: false,
    });
  });

  it.each([
    ["stdout=1", "you must specify a command"],
    ["command=a", "you must specify at least 1 of stdin, stdout, stderr"],
    ["command=a&stdout=1&stderr=1&tty=1", "tty and stderr cannot both be true"],
    ["command=a%00b&stdout=1", "a command may not contain null bytes"],
  ])("%s is refused", (query, message) => {
    expect(parse(query)).toBe(message);
  });
});

it("says how a command ended as a v1 Status", () => {
  expect(statusOf({ exitCode: 0 }, ["true"])).toEqual({ metadata: {}, status: "Success" });
  expect(statusOf({ exitCode: 2 }, ["ls", "x"])).toMatchObject({
    reason: "NonZeroExitCode",
    details: { causes: [{ message: "2" }] },
  });
  expect(statusOf({ failure: "no such thing" }, ["x"])).toMatchObject({ reason: "InternalError", code: 500 });
});
