import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { Sealer } from "#lib/runtime/sealed.ts";
import { describeAddress, makeSigningSecret, openSecrets, sealSecrets } from "./secrets.ts";
import { validSigningSecrets } from "./send.ts";

const sealer = new Sealer("a key of the tests with more than 32 characters");

describe("the secrets of a target", () => {
  test("open in its own row only", () => {
    const sealedSecrets = sealSecrets(sealer, "one", { url: "https://a.example.org/", password: "p" });
    expect(openSecrets(sealer, { id: "one", sealedSecrets })).toEqual({ url: "https://a.example.org/", password: "p" });
    expect(() => openSecrets(sealer, { id: "two", sealedSecrets })).toThrow(/damaged or belongs/);
    expect(openSecrets(sealer, { id: "one", sealedSecrets: null })).toEqual({});
  });

  test("are signed with while they count", () => {
    const until = "2026-11-22T00:00:00.000Z";
    const signing = [
      { secret: "new", until: null },
      { secret: "old", until },
    ];
    expect(validSigningSecrets({ signing }, new Date("2026-11-21T23:59:59Z"))).toEqual(["new", "old"]);
    expect(validSigningSecrets({ signing }, new Date(until))).toEqual(["new"]);
  });

  test("are made as the library takes them, and never twice", () => {
    const [one, two] = [makeSigningSecret(), makeSigningSecret()];
    expect(one).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(one).not.toBe(two);
    expect(new Webhook(one).sign("id", new Date(), "{}")).toMatch(/^v1,/);
  });
});

describe("an address that is shown", () => {
  test.each([
    ["https://ops.example.org", "https://ops.example.org"],
    ["https://ops.example.org:8443/hook?token=abc", "https://ops.example.org:8443/…"],
    ["https://ops.example.org/?token=abc", "https://ops.example.org/…"],
    ["https://hooks.example.org/services/T000/B000/OnlyLetters", "https://hooks.example.org/…"],
  ])("is the host alone: any part of %s may be a secret", (url, shown) => {
    expect(describeAddress(url)).toBe(shown);
  });
});
