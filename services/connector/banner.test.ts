import { expect, test } from "vitest";
import { maxBannerChars } from "#lib/protocol/hub-messages.ts";
import { safeText } from "./banner.ts";

test.each([
  ["SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-OpenSSH_9.2"],
  ["220 a\r\n220 b\r\n", "220 a\\x0d\\x0a220 b"],
  ["\u001b[31mred\u0000", "\\x1b[31mred\\x00"],
  ["a\\x41", "a\\x5cx41"],
  ["é", "\\xc3\\xa9"],
  ["\r\n", ""],
])("%j is written as %j", (said, written) => {
  expect(safeText(Buffer.from(said))).toBe(written);
});

test("the longest banner fits in a result", () => {
  expect(safeText(Buffer.alloc(256, 0xff))).toHaveLength(maxBannerChars);
});
