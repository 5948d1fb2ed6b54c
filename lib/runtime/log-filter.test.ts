import { describe, expect, it } from "vitest";
import { levelFor, parseLogFilter } from "./log-filter.ts";

describe("RUST_LOG", () => {
  it("gives one level to everything", () => {
    expect(levelFor(parseLogFilter("warn"), "relay::commit")).toBe("warn");
    expect(levelFor(parseLogFilter("OFF"), "relay")).toBe("silent");
  });

  it("gives a target its own level beside the one for everything", () => {
    const filter = parseLogFilter("info,relay=debug");
    expect(levelFor(filter, "relay::session")).toBe("debug");
    expect(levelFor(filter, "other")).toBe("info");
  });

  it("lets the longest prefix win, whatever the order", () => {
    const filter = parseLogFilter("relay::commit=trace, relay=warn");
    expect(levelFor(filter, "relay::commit")).toBe("trace");
    expect(levelFor(filter, "relay::room")).toBe("warn");
  });

  it("logs all of a target named alone, and only errors of the rest", () => {
    const filter = parseLogFilter("relay::commit");
    expect(levelFor(filter, "relay::commit")).toBe("trace");
    expect(levelFor(filter, "relay")).toBe("error");
  });

  it("takes the message filter after a slash as not there", () => {
    expect(levelFor(parseLogFilter("debug/slow"), "relay")).toBe("debug");
  });

  it.each(["relay=loud", "relay=info=debug", "a b=info"])("refuses %s and names it", (text) => {
    expect(() => parseLogFilter(text)).toThrow(text);
  });
});
