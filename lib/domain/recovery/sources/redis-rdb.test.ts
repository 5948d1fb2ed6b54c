import { expect, test } from "vitest";
import { readSizes } from "./redis-rdb.ts";

test.each([
  ["6 bits", [0xfb, 0x05, 0x01], { keys: 5, expiring: 1 }],
  ["14 bits", [0xfb, 0x43, 0xe8, 0x40, 0xff], { keys: 1_000, expiring: 255 }],
  ["32 bits", [0xfb, 0x80, 0x00, 0x0f, 0x42, 0x40, 0x00], { keys: 1_000_000, expiring: 0 }],
  ["64 bits", [0xfb, 0x81, 0, 0, 0, 1, 0, 0, 0, 0, 0x02], { keys: 4_294_967_296, expiring: 2 }],
])("sizes of %s are read as Redis writes them", (_, bytes, wanted) => {
  expect(readSizes(Buffer.from(bytes))).toEqual(wanted);
});

test("an RDB without sizes is refused", () => {
  expect(() => readSizes(Buffer.from([0xfa, 0x05]))).toThrow("does not say how many keys");
});
