import { describe, expect, test } from "vitest";
import { BlockedAddressError, isRefusedAddress, refuseLiteral } from "./address.ts";
import { readRetryAfter } from "./http.ts";

describe("an address that notifications are not sent to", () => {
  test.each([
    "169.254.169.254",
    "169.254.0.1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "224.0.0.1",
    "ff02::1",
  ])("is %s", (address) => {
    expect(isRefusedAddress(address)).toBe(true);
    expect(() => refuseLiteral(address.includes(":") ? `[${address}]` : address)).toThrow(BlockedAddressError);
  });

  test.each([
    "127.0.0.1",
    "::1",
    "10.0.0.5",
    "192.168.1.1",
    "172.16.0.1",
    "fd12::1",
    "8.8.8.8",
    "2606:4700::1111",
    "170.254.1.1",
  ])("is not %s", (address) => {
    expect(isRefusedAddress(address)).toBe(false);
  });
});

describe("Retry-After", () => {
  const now = Date.parse("2026-11-21T00:00:00Z");

  test("is read as seconds or as a date", () => {
    expect(readRetryAfter("30", now)).toBe(30_000);
    expect(readRetryAfter("Sat, 21 Nov 2026 00:01:00 GMT", now)).toBe(60_000);
  });

  test.each([undefined, "", " ", "-5", "0", "soon", "Fri, 20 Nov 2026 00:00:00 GMT", "1e9999"])(
    "asks for nothing when it is %s",
    (text) => {
      expect(readRetryAfter(text, now)).toBeNull();
    },
  );
});
