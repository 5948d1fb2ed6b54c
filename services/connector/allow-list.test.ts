import { expect, test } from "vitest";
import { AllowList, isAddressBlock } from "./allow-list.ts";

test("the default allows loopback of both families and nothing else", () => {
  const list = new AllowList(["127.0.0.0/8", "::1"]);
  for (const address of ["127.0.0.1", "127.11.0.7", "::1", "::ffff:127.0.0.1"]) expect(list.allows(address), address).toBe(true);
  for (const address of ["10.0.0.1", "128.0.0.1", "0.0.0.0", "::", "::2", "::ffff:10.0.0.1", "localhost", ""]) {
    expect(list.allows(address), address).toBe(false);
  }
});

test("blocks of both families are taken, anything else is refused", () => {
  for (const block of ["10.0.0.0/8", "::1", "fd00::/8", "192.0.2.7/32"]) expect(isAddressBlock(block), block).toBe(true);
  for (const block of ["", "10.0.0.0/33", "::/129", "10.0.0/8", "host", "10.0.0.0/8/8", "10.0.0.0/"]) {
    expect(isAddressBlock(block), block).toBe(false);
  }
});
