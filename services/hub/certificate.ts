import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Logger } from "#lib/runtime/logger.ts";

/** PEM texts of the hub's certificate chain, its key, and the authority of its peers. */
export type HubCertificate = { cert: string; key: string; clientCa?: string | undefined };

export type CertificateFiles = { cert: string; key: string; clientCa?: string | undefined };

export type CertificateReloaderOptions = {
  files: CertificateFiles;
  current: HubCertificate;
  /** Takes a new certificate into use; throws when it is no good, e.g. when the key is not the certificate's. */
  use: (certificate: HubCertificate) => void;
  logger: Logger;
};

/** Takes renewed files into use. What cannot be read or used is reported once, and the certificate in use stays. */
export class CertificateReloader {
  readonly #options: CertificateReloaderOptions;
  #seen: string;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CertificateReloaderOptions) {
    this.#options = options;
    this.#seen = JSON.stringify(textsOf(options.current));
  }

  /** Compares the files' content every `intervalMs`: that sees renamed files and a mounted Secret's links too. */
  start(intervalMs: number): void {
    this.#timer = setInterval(() => void this.reload(), intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** True when another certificate is in use than before. */
  async reload(): Promise<boolean> {
    const { files, use, logger } = this.#options;
    try {
      const [cert, key, clientCa] = await Promise.all(textsOf(files).map((path) => (path ? readFile(path, "utf8") : undefined)));
      if (!cert || !key) throw new Error("a file is empty");
      const seen = JSON.stringify(textsOf({ cert, key, clientCa }));
      if (seen === this.#seen) return false;
      this.#seen = seen;
      use({ cert, key, clientCa });
      logger.info("the renewed certificate is in use");
      return true;
    } catch (error) {
      logger.warn({ reason: String(error) }, "the certificate's files cannot be used; the one in use stays");
      return false;
    }
  }
}

function textsOf({ cert, key, clientCa }: HubCertificate): (string | undefined)[] {
  return [cert, key, clientCa];
}

/** Makes a certificate to try out with, and writes it to `certFile` for peers to trust. */
export async function makeCertificate(
  { names, certFile }: { names: string[]; certFile: string | undefined },
  logger: Logger,
): Promise<{ cert: string; key: string }> {
  // Loaded only here: a hub that has its certificate from files does without the library's memory.
  const { createSelfSignedCertificate } = await import("#lib/runtime/certificates.ts");
  const made = await createSelfSignedCertificate(names);
  if (certFile) writeFileSync(certFile, made.cert);
  logger.warn(
    { names, certFile },
    "HUB_SELF_SIGNED: this certificate was made at start and is trusted by nobody; it is for trying out, not for production",
  );
  return made;
}
