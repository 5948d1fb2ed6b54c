import { expect, test } from "vitest";
import { judgeScan, parseListeningPorts } from "./listening-ports.ts";

test("ports are read from the kernel's tables: listeners of the address and of any address", () => {
  const tables = [
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
    "   0: 09034D7F:4E20 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0",
    "   1: 0100007F:4E21 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0",
    "   2: 00000000:4E22 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0",
    "   3: 09034D7F:4E23 0100007F:9000 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0",
    "   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 0 0 0",
  ].join("\n");
  expect([...parseListeningPorts(tables, "127.77.3.9")]).toEqual([20_000, 20_002, 8080]);
});

test("a scan is held to the ports that were open all the time, and may tell of those that were for a while", () => {
  const before = new Set([1, 2, 3]);
  const after = new Set([1, 2, 4]);
  expect(judgeScan([1, 2, 3, 4], before, after)).toEqual({ recall: 1, precision: 1 });
  expect(judgeScan([1, 9], before, after)).toEqual({ recall: 0.5, precision: 0.5 });
  expect(judgeScan([], before, after)).toEqual({ recall: 0, precision: Number.NaN });
});
