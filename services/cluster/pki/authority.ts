import "./reflect-metadata.ts";
import { randomBytes, webcrypto } from "node:crypto";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import { readIfPresent, writePrivateFile } from "./files.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 24 * 60 * 60 * 1000;
const renewalMs = 30 * dayMs;

x509.cryptoProvider.set(webcrypto as unknown as Crypto);

export type Certificate = { certificate: string; key: string };

export type CertificateRequest = { commonName: string; organization?: string; dnsNames: string[]; addresses: string[] };

/** The cluster's own certificate authority, kept in `directory` as ca.crt and ca.key. */
export class Authority {
  readonly certificate: string;
  readonly #issuer: x509.X509Certificate;
  readonly #key: CryptoKey;
  readonly #directory: string;
  readonly #now: () => number;

  private constructor(issuer: x509.X509Certificate, key: CryptoKey, directory: string, now: () => number) {
    this.certificate = pemText(issuer.toString("pem"));
    this.#issuer = issuer;
    this.#key = key;
    this.#directory = directory;
    this.#now = now;
  }

  static async open(directory: string, now: () => number = Date.now): Promise<Authority> {
    const certificate = await readIfPresent(join(directory, "ca.crt"));
    const key = await readIfPresent(join(directory, "ca.key"));
    if (certificate && key) return new Authority(new x509.X509Certificate(certificate), await importKey(key), directory, now);
    const keys = await generateKeys();
    const issuer = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serialNumber(),
      name: "CN=switchyard-cluster-ca",
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
    await writePrivateFile(join(directory, "ca.key"), await exportKey(keys.privateKey));
    await writePrivateFile(join(directory, "ca.crt"), pemText(issuer.toString("pem")));
    return new Authority(issuer, keys.privateKey, directory, now);
  }

  /** The certificate stored under `name`, made again when it is missing, expires within 30 days, or names other hosts. */
  async serverCertificate(name: string, request: CertificateRequest): Promise<Certificate> {
    const paths = { certificate: join(this.#directory, `${name}.crt`), key: join(this.#directory, `${name}.key`) };
    const certificate = await readIfPresent(paths.certificate);
    const key = await readIfPresent(paths.key);
    if (certificate && key && (await this.#isCurrent(certificate, request))) return { certificate, key };
    const issued = await this.#issue(request);
    await writePrivateFile(paths.key, issued.key);
    await writePrivateFile(paths.certificate, issued.certificate);
    return issued;
  }

  async #isCurrent(pem: string, request: CertificateRequest): Promise<boolean> {
    const certificate = new x509.X509Certificate(pem);
    if (certificate.notAfter.getTime() - this.#now() < renewalMs) return false;
    const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items.map((item) => item.value) ?? [];
    const wanted = [...request.dnsNames, ...request.addresses];
    if (names.length !== wanted.length || !wanted.every((name) => names.includes(name))) return false;
    return certificate.verify({ publicKey: this.#issuer.publicKey, signatureOnly: true });
  }

  async #issue(request: CertificateRequest): Promise<Certificate> {
    const keys = await generateKeys();
    const organization = request.organization ? [{ O: [request.organization] }] : [];
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: new x509.Name([...organization, { CN: [request.commonName] }]),
      issuer: this.#issuer.subject,
      notBefore: new Date(this.#now() - dayMs),
      notAfter: new Date(this.#now() + 365 * dayMs),
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
}

function generateKeys(): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
}

async function exportKey(key: CryptoKey): Promise<string> {
  return pemText(x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY"));
}

async function importKey(pem: string): Promise<CryptoKey> {
  const [der] = x509.PemConverter.decode(pem);
  if (!der) throw new Error("the certificate authority's key file holds no key");
  return webcrypto.subtle.importKey("pkcs8", der, algorithm, true, ["sign"]) as Promise<CryptoKey>;
}

function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}

function pemText(pem: string): string {
  return pem.endsWith("\n") ? pem : `${pem}\n`;
}
