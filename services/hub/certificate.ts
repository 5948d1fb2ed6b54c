import { writeFileSync } from "node:fs";
import { givenToProcess } from "#lib/runtime/configuration.ts";
import { CredentialReloader } from "#lib/runtime/credentials.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { readHubConfiguration } from "./env.ts";

/** PEM texts of the hub's certificate chain, its key, and the authority of its peers. */
export type HubCertificate = { cert: string; key: string; clientCa?: string | undefined };

/** Takes renewed files of the hub's certificate and its peers' authority into use. One that was made at start stays. */
export function createReloader(current: HubCertificate, use: (certificate: HubCertificate) => void, logger: Logger) {
  const read = async () => {
    const { certificate = current, clientCa } = await readHubConfiguration(givenToProcess());
    return { cert: certificate.cert, key: certificate.key, clientCa };
  };
  return new CredentialReloader<HubCertificate>({ current, read, use, logger });
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
