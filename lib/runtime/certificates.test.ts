import { createPrivateKey, X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { createSelfSignedCertificate } from "#lib/runtime/certificates.ts";

test("a self-signed certificate is its own authority, holds its key, and names every host and address", async () => {
  const { cert, key } = await createSelfSignedCertificate(["localhost", "127.10.10.3", "::1", "fd00:1::2:3", "hub.fleet.svc"]);
  const certificate = new X509Certificate(cert);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(certificate.ca).toBe(true);
  for (const host of ["localhost", "hub.fleet.svc"]) expect(certificate.checkHost(host)).toBe(host);
  for (const address of ["127.10.10.3", "::1", "fd00:1::2:3"]) expect(certificate.checkIP(address)).toBe(address);
  expect(certificate.checkHost("other.example")).toBeUndefined();
});

test("it is valid from a minute ago for a year", async () => {
  const now = Date.UTC(2031, 4, 6, 7, 8, 9);
  const certificate = new X509Certificate((await createSelfSignedCertificate(["localhost"], now)).cert);
  expect(certificate.validFromDate.getTime()).toBe(now - 60_000);
  expect(certificate.validToDate.getTime()).toBe(now + 365 * 24 * 3_600_000);
});
