import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { SealedError, type SealedErrorCode, Sealer } from "./sealed.ts";

const key = "a key of the tests with more than 32 characters";
const sealer = new Sealer(key);
const place = "notification-target/1";

function codeOf(open: () => string): SealedErrorCode | string {
  try {
    return `opened: ${open()}`;
  } catch (error) {
    return error instanceof SealedError ? error.code : String(error);
  }
}

test("a fingerprint tells whether texts are equal, for one use and one key only", () => {
  const fingerprint = sealer.fingerprint("1234", "a use");
  expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
  expect(new Sealer(key).fingerprint("1234", "a use")).toBe(fingerprint);
  const others = [
    sealer.fingerprint("1235", "a use"),
    sealer.fingerprint("1234", "another use"),
    new Sealer(`${key}, but another`).fingerprint("1234", "a use"),
    createHash("sha256").update("1234").digest("hex"),
  ];
  expect(others).not.toContain(fingerprint);
});

/** The sealed text with one bit of one of its parts turned. */
function damage(sealed: string, part: number, byte: number): string {
  const parts = sealed.split(".");
  const bytes = Buffer.from(parts[part] ?? "", "base64url");
  bytes[byte] = (bytes[byte] ?? 0) ^ 1;
  return parts.with(part, bytes.toString("base64url")).join(".");
}

describe("a sealed secret", () => {
  test("opens with the same key, in another process, at the same place", () => {
    for (const text of ["", "s", "pässwörd with ünïcode 🔑", "x".repeat(100_000)]) {
      expect(new Sealer(key).open(sealer.seal(text, place), place)).toBe(text);
    }
  });

  test("never looks the same twice and holds nothing of the secret or the key in plain", () => {
    const sealed = [sealer.seal("the secret", place), sealer.seal("the secret", place)];
    expect(sealed[0]).not.toBe(sealed[1]);
    for (const text of sealed) {
      for (const plain of ["the secret", key]) {
        for (const form of ["utf8", "base64", "base64url", "hex"] as const) {
          expect(text).not.toContain(Buffer.from(plain).toString(form).replace(/=+$/, ""));
        }
      }
      expect(text).not.toContain(createHash("sha256").update(key).digest("base64url").slice(0, 8));
    }
  });

  test("does not open with another key, which is told by name", () => {
    const sealed = sealer.seal("the secret", place);
    const other = new Sealer(`${key}!`);
    expect(codeOf(() => other.open(sealed, place))).toBe("sealed-with-another-key");
    expect(() => other.open(sealed, place)).toThrow(/SWITCHYARD_ENCRYPTION_KEY/);
  });

  test("does not open at another place", () => {
    expect(codeOf(() => sealer.open(sealer.seal("the secret", place), "notification-target/2"))).toBe("sealed-text-damaged");
  });

  test("does not open when any bit of its nonce, text or tag was turned", () => {
    const sealed = sealer.seal("the secret", place);
    for (let byte = 0; byte < 12; byte += 1)
      expect(codeOf(() => sealer.open(damage(sealed, 2, byte), place))).toBe("sealed-text-damaged");
    for (let byte = 0; byte < "the secret".length + 16; byte += 1)
      expect(codeOf(() => sealer.open(damage(sealed, 3, byte), place))).toBe("sealed-text-damaged");
  });

  test("does not open when its tag is cut short, whatever its form", () => {
    const sealed = sealer.seal("", place);
    const short = sealed.split(".");
    const tag = Buffer.from(short[3] ?? "", "base64url")
      .subarray(0, 4)
      .toString("base64url");
    for (const text of ["", "v1", "v1...", "v2.a.b.c", `${sealed}.more`, short.with(3, tag).join("."), "plain password"]) {
      expect(codeOf(() => sealer.open(text, place))).toBe("sealed-text-damaged");
    }
  });

  test("is not made with a key that is too short", () => {
    expect(() => new Sealer("short")).toThrow(/32/);
  });
});
