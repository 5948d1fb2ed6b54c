import { randomBytes } from "node:crypto";
import { CoreV1Api, type KubeConfig } from "@kubernetes/client-node";
import { CertificateAuthority } from "#lib/runtime/certificates.ts";
import { apply, isNotFound } from "./apply.ts";

/** What the demo's Prometheus and Alertmanager prove themselves to Switchyard with. */
export type DemoSecrets = { discoveryToken: string; alertSecret: string };

/**
 * The Secrets that the demo's YAML names: made once, with random values, so that no password stands in the repository. The
 * certificate of the hub comes from a certificate authority of its own, whose key is thrown away.
 */
export async function makeDemoSecrets(config: KubeConfig, { discoveryToken, alertSecret }: DemoSecrets): Promise<void> {
  const password = random();
  const relayUrl = `postgresql://relay:${password}@postgres:5432/relay`;
  if (!(await exists(config, "fleet", "relay-secrets"))) {
    await put(config, "fleet", "postgres-credentials", { password });
    await put(config, "fleet", "relay-secrets", { "database-url": relayUrl });
  }
  await putOnce(config, "fleet", "hub-credentials", async () => ({ "auth-token": random() }));
  await putOnce(config, "fleet", "breaker-admin", async () => ({ token: random() }));
  await putOnce(config, "fleet", "hub-admin-credentials", async () => ({ "admin-token": random() }));
  await putOnce(config, "fleet", "issuer-credentials", async () => ({ "client-secret": random() }));
  await putOnce(config, "fleet", "hub-tls", makeHubCertificate);
  await put(config, "monitoring", "switchyard-discovery", { token: discoveryToken });
  await put(config, "monitoring", "switchyard-alerts", { secret: alertSecret });
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
  const { authority } = await CertificateAuthority.create("Switchyard demo hub CA");
  const { certificate, key } = await authority.issue({
    commonName: "hub",
    dnsNames: ["hub", "hub.fleet", "hub.fleet.svc", "hub.fleet.svc.cluster.local", "localhost"],
    addresses: [],
    validDays: 825,
  });
  return { "tls.crt": certificate, "tls.key": key, "ca.crt": authority.certificate };
}
