import { randomFillSync } from "node:crypto";

// Asked for one by one, random bytes cost more than the rest of an id.
const pool = Buffer.alloc(4_096);
let used = pool.length;
let lastMs = 0;
let counter = 0;

/**
 * A UUID of version 7 (RFC 9562, method 1): of a process's ids a later one sorts after an earlier one, also within a millisecond, so
 * that rows keep their order and are appended to their index. `now` in milliseconds.
 */
export function makeUuid(now: number = Date.now()): string {
  counter = now === lastMs ? counter + 1 : 0;
  lastMs = now;
  if (used + 16 > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = pool.subarray(used, used + 16);
  used += 16;
  bytes.writeUIntBE(now, 0, 6);
  // 26 bits of counter: 12 after the version, 14 after the variant.
  bytes.writeUInt16BE(0x7000 | ((counter >>> 14) & 0xfff), 6);
  bytes.writeUInt16BE(0x8000 | (counter & 0x3fff), 8);
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
