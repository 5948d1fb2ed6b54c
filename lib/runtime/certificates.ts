import "reflect-metadata";
import { randomBytes } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 24 * 60 * 60 * 1000;

x509.cryptoProvider.set(crypto);

/** A certificate and its private key, PEM texts (the key as PKCS #8). */
export type Certificate = { certificate: string; key: string };

/** What a server certificate is for: the names and addresses by which clients reach the server. */
export type CertificateRequest = {
  commonName: string;
  organization?: string;
  dnsNames: string[];
  addresses: string[];
  /** Days from now until it expires; 365 by default. */
  validDays?: number;
};

/** A certificate authority (ECDSA P-256) that issues server certificates. */
export class CertificateAuthority {
  readonly certificate: string;
  readonly #issuer: x509.X509Certificate;
  readonly #key: CryptoKey;
  readonly #now: () => number;

  private constructor(issuer: x509.X509Certificate, key: CryptoKey, now: () => number) {
    this.certificate = pemText(issuer.toString("pem"));
    this.#issuer = issuer;
    this.#key = key;
    this.#now = now;
  }

  /** Makes a new authority, valid for ten years, and hands out its key once. */
  static async create(
    commonName: string,
    now: () => number = Date.now,
  ): Promise<{ authority: CertificateAuthority; key: string }> {
    const keys = await generateKeys();
    const issuer = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serialNumber(),
      name: new x509.Name([{ CN: [commonName] }]),
      notBefore: new Date(now() - dayMs),
      notAfter: new Date(now() + 3650 * dayMs),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return { authority: new CertificateAuthority(issuer, keys.privateKey, now), key: await exportKey(keys.privateKey) };
  }

  /** Opens an authority from its PEM texts. Rejects when they hold no certificate or no key. */
  static async open({ certificate, key }: Certificate, now: () => number = Date.now): Promise<CertificateAuthority> {
    return new CertificateAuthority(new x509.X509Certificate(certificate), await importKey(key), now);
  }

  async issue(request: CertificateRequest): Promise<Certificate> {
    const keys = await generateKeys();
    const organization = request.organization ? [{ O: [request.organization] }] : [];
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: new x509.Name([...organization, { CN: [request.commonName] }]),
      issuer: this.#issuer.subject,
      notBefore: new Date(this.#now() - dayMs),
      notAfter: new Date(this.#now() + (request.validDays ?? 365) * dayMs),
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey: this.#key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        await x509.AuthorityKeyIdentifierExtension.create(this.#issuer.publicKey),
        new x509.SubjectAlternativeNameExtension([
          ...request.dnsNames.map((value) => ({ type: "dns" as const, value })),
          ...request.addresses.map((value) => ({ type: "ip" as const, value })),
        ]),
      ],
    });
    return { certificate: pemText(certificate.toString("pem")), key: await exportKey(keys.privateKey) };
  }

  /** Whether the certificate is this authority's, names exactly what is requested, and has at least `remainingMs` to go. */
  async isCurrent(pem: string, request: CertificateRequest, remainingMs: number): Promise<boolean> {
    const certificate = new x509.X509Certificate(pem);
    if (certificate.notAfter.getTime() - this.#now() < remainingMs) return false;
    const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items.map((item) => item.value) ?? [];
    const wanted = [...request.dnsNames, ...request.addresses];
    if (names.length !== wanted.length || !wanted.every((name) => names.includes(name))) return false;
    return certificate.verify({ publicKey: this.#issuer.publicKey, signatureOnly: true });
  }
}

/** A server certificate that is its own authority, for trying out and for tests: valid for a year, PEM texts. */
export async function createSelfSignedCertificate(names: string[], now = Date.now()): Promise<{ cert: string; key: string }> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: new x509.Name([{ CN: [names[0] ?? "localhost"] }]),
    notBefore: new Date(now - 60_000),
    notAfter: new Date(now + 365 * dayMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) ? ("ip" as const) : ("dns" as const), value })),
      ),
    ],
  });
  return { cert: pemText(certificate.toString("pem")), key: await exportKey(keys.privateKey) };
}

function generateKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
}

async function exportKey(key: CryptoKey): Promise<string> {
  return pemText(x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY"));
}

async function importKey(pem: string): Promise<CryptoKey> {
  const [der] = x509.PemConverter.decode(pem);
  if (!der) throw new Error("the certificate authority's key file holds no key");
  return crypto.subtle.importKey("pkcs8", der, algorithm, true, ["sign"]);
}

function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}

function pemText(pem: string): string {
  return pem.endsWith("\n") ? pem : `${pem}\n`;
}
