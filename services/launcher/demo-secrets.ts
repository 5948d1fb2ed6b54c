import { randomBytes } from "node:crypto";
import { CoreV1Api, type KubeConfig } from "@kubernetes/client-node";
import * as x509 from "@peculiar/x509";
import { apply, isNotFound } from "./demo.ts";

/**
 * The Secrets that the demo's YAML names: made once, with random values, so that no password stands in the repository. The
 * certificate of the hub comes from a certificate authority of its own, whose key is thrown away.
 */
export async function makeDemoSecrets(config: KubeConfig, discoveryToken: string): Promise<void> {
  const password = random();
  const relayUrl = `postgresql://relay:${password}@postgres:5432/relay`;
  if (!(await exists(config, "fleet", "relay-secrets"))) {
    await put(config, "fleet", "postgres-credentials", { password });
    await put(config, "fleet", "relay-secrets", { "database-url": relayUrl });
  }
  await putOnce(config, "fleet", "hub-credentials", async () => ({ "auth-token": random() }));
  await putOnce(config, "fleet", "issuer-credentials", async () => ({ "client-secret": random() }));
  await putOnce(config, "fleet", "hub-tls", makeHubCertificate);
  await put(config, "monitoring", "switchyard-discovery", { token: discoveryToken });
}

function random(): string {
  return randomBytes(24).toString("base64url");
}

async function putOnce(config: KubeConfig, namespace: string, name: string, make: () => Promise<Record<string, string>>) {
  if (!(await exists(config, namespace, name))) await put(config, namespace, name, await make());
}

async function exists(config: KubeConfig, namespace: string, name: string): Promise<boolean> {
  try {
    await config.makeApiClient(CoreV1Api).readNamespacedSecret({ namespace, name });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

async function put(config: KubeConfig, namespace: string, name: string, values: Record<string, string>): Promise<void> {
  const data = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString("base64")]));
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, type: "Opaque", data };
  await apply(config, secret);
}

async function makeHubCertificate(): Promise<Record<string, string>> {
  x509.cryptoProvider.set(crypto);
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const notBefore = new Date(Date.now() - 3_600_000);
  const notAfter = new Date(Date.now() + 825 * 86_400_000);
  const caKeys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=Switchyard demo hub CA",
    keys: caKeys,
    signingAlgorithm: algorithm,
    notBefore,
    notAfter,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const names = ["hub", "hub.fleet", "hub.fleet.svc", "hub.fleet.svc.cluster.local", "localhost"];
  const certificate = await x509.X509CertificateGenerator.create({
    subject: "CN=hub",
    issuer: ca.subject,
    publicKey: keys.publicKey,
    signingKey: caKeys.privateKey,
    signingAlgorithm: algorithm,
    notBefore,
    notAfter,
    extensions: [
      new x509.BasicConstraintsExtension(false),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns" as const, value }))),
    ],
  });
  const key = x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
  return { "tls.crt": certificate.toString("pem"), "tls.key": key, "ca.crt": ca.toString("pem") };
}
