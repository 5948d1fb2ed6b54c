import { join } from "node:path";
import { type Certificate, CertificateAuthority, type CertificateRequest } from "#lib/runtime/certificates.ts";
import { readIfPresent, writePrivateFile } from "./files.ts";

const renewalMs = 30 * 24 * 60 * 60 * 1000;

/** The cluster's own certificate authority and what it issued, kept in `directory`. */
export class Authority {
  readonly certificate: string;
  readonly #authority: CertificateAuthority;
  readonly #directory: string;

  private constructor(authority: CertificateAuthority, directory: string) {
    this.certificate = authority.certificate;
    this.#authority = authority;
    this.#directory = directory;
  }

  /** Opens the authority kept as ca.crt and ca.key, or makes it. */
  static async open(directory: string, now: () => number = Date.now): Promise<Authority> {
    const certificate = await readIfPresent(join(directory, "ca.crt"));
    const key = await readIfPresent(join(directory, "ca.key"));
    if (certificate && key) return new Authority(await CertificateAuthority.open({ certificate, key }, now), directory);
    const made = await CertificateAuthority.create("switchyard-cluster-ca", now);
    await writePrivateFile(join(directory, "ca.key"), made.key);
    await writePrivateFile(join(directory, "ca.crt"), made.authority.certificate);
    return new Authority(made.authority, directory);
  }

  /** The certificate stored under `name`, made again when it is missing, expires within 30 days, or names other hosts. */
  async serverCertificate(name: string, request: CertificateRequest): Promise<Certificate> {
    const paths = { certificate: join(this.#directory, `${name}.crt`), key: join(this.#directory, `${name}.key`) };
    const certificate = await readIfPresent(paths.certificate);
    const key = await readIfPresent(paths.key);
    if (certificate && key && (await this.#authority.isCurrent(certificate, request, renewalMs))) return { certificate, key };
    const issued = await this.#authority.issue(request);
    await writePrivateFile(paths.key, issued.key);
    await writePrivateFile(paths.certificate, issued.certificate);
    return issued;
  }
}
