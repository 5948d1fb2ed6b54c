import fc from "fast-check";
import { expect, test } from "vitest";
import { addPort, countPorts, eachPort, formatPorts, type PortRange, parsePorts } from "#lib/protocol/hub-ports.ts";

test("a list of ports is sorted, merged and free of doubles", () => {
  expect(parsePorts("443, 80-82,22,81-90,23")).toEqual([
    { from: 22, to: 23 },
    { from: 80, to: 90 },
    { from: 443, to: 443 },
  ]);
});

test.each(["", "0", "65536", "80-", "90-80", "http", "1,,2", "-5", "1-2-3"])("%j is refused", (text) => {
  expect(() => parsePorts(text)).toThrow(RangeError);
});

test("any set of ports survives being written and read", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { minLength: 1 }), (ports) => {
      const sorted = ports.toSorted((a, b) => a - b);
      const written: PortRange[] = [];
      for (const port of sorted) addPort(written, port);
      const ranges = parsePorts(formatPorts(written));
      expect([...eachPort(ranges)]).toEqual(sorted);
      expect(countPorts(ranges)).toBe(sorted.length);
    }),
  );
});

test("no ports are written as nothing", () => {
  expect(formatPorts([])).toBe("");
});
