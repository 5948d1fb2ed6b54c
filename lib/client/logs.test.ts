import { describe, expect, it } from "vitest";
import { appendLines, emptyRing, LineSplitter, parseLogLine } from "./logs.ts";

const at = "2026-11-21T01:14:05.123Z";
const parse = (line: string) => parseLogLine(1, { pod: "relay-a", at, line }, at);

describe("a log line", () => {
  it("made of JSON becomes level, message and the remaining fields", () => {
    const line = parse('{"level":40,"time":1763686445123,"pid":7,"hostname":"x","msg":"slow operation","document":"d1","ms":81}');
    expect(line).toMatchObject({
      level: "warn",
      message: "slow operation",
      fields: [
        ["document", "d1"],
        ["ms", "81"],
      ],
    });
  });

  it("understands the names of other loggers", () => {
    expect(parse('{"severity":"WARNING","message":"m"}')).toMatchObject({ level: "warn", message: "m" });
    expect(parse('{"level":"error","msg":"m","err":{"code":1}}')).toMatchObject({
      level: "error",
      fields: [["err", '{"code":1}']],
    });
  });

  it("stays as it is when it is no JSON, or broken JSON", () => {
    for (const raw of ["plain text", '{"cut off', "[1]"])
      expect(parse(raw)).toMatchObject({ message: raw, level: null, fields: [] });
  });

  it("tells of a pod that cannot be read", () => {
    expect(parseLogLine(1, { pod: "relay-a", error: "container is waiting to start" }, at)).toMatchObject({
      isError: true,
      message: "container is waiting to start",
    });
  });
});

describe("the ring of lines", () => {
  it("keeps the newest and counts what it let go", () => {
    const lines = [1, 2, 3, 4, 5].map((id) => parseLogLine(id, { pod: "p", at, line: String(id) }, at));
    const ring = appendLines(appendLines(emptyRing, lines.slice(0, 2), 3), lines.slice(2), 3);
    expect(ring.lines.map((line) => line.id)).toEqual([3, 4, 5]);
    expect(ring.dropped).toBe(2);
  });
  it("puts the lines of several pods in the order of their times", () => {
    const line = (id: number, pod: string, second: string) =>
      parseLogLine(id, { pod, at: `2026-11-21T01:14:${second}Z`, line: "x" }, at);
    const first = appendLines(emptyRing, [line(1, "a", "05"), line(2, "a", "09"), line(3, "b", "01")], 10);
    const both = appendLines(first, [line(4, "b", "07"), line(5, "b", "09")], 10);
    expect(both.lines.map((each) => each.id)).toEqual([3, 1, 4, 2, 5]);
  });
  it("is the same object when nothing comes", () => {
    expect(appendLines(emptyRing, [], 3)).toBe(emptyRing);
  });
});

describe("text that arrives in pieces", () => {
  it("is cut at line ends, wherever the pieces were cut", () => {
    const splitter = new LineSplitter();
    expect([...splitter.push('{"a"'), ...splitter.push(":1}\n\n{"), ...splitter.push('"b":2}')]).toEqual(['{"a":1}']);
    expect(splitter.end()).toEqual(['{"b":2}']);
    expect(splitter.end()).toEqual([]);
  });
});
