import { join } from "node:path";
import { stringify } from "yaml";
import type { Certificate } from "#lib/runtime/certificates.ts";
import { apiServerClusterIP, type Network, nodeAddress } from "../network.ts";
import { Authority } from "./authority.ts";
import { writePrivateFile } from "./files.ts";
import { Identities, keptToken, type User } from "./identities.ts";
import { openServiceAccountKey, type ServiceAccountKey } from "./service-account-key.ts";

export type Credentials = {
  authority: string;
  server: Certificate;
  identities: Identities;
  serviceAccountKey: ServiceAccountKey;
  /** What the server shows to kubelets when it asks for logs. */
  kubeletToken: string;
  /** Writes the kubeconfigs, once the address is known; returns the administrator's. */
  writeKubeconfigs(server: string, namespace: string): Promise<string>;
};

type Client = { file: string; user: User };

/** Opens or makes everything secret in the data directory: authority, certificates, tokens. */
export async function openCredentials(
  dataDir: string,
  nodes: string[],
  network: Network,
  now?: () => number,
): Promise<Credentials> {
  const directory = join(dataDir, "pki");
  const authority = await Authority.open(directory, now);
  const server = await authority.serverCertificate("apiserver", {
    commonName: "kube-apiserver",
    dnsNames: ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"],
    addresses: ["127.0.0.1", apiServerClusterIP(network)],
  });
  for (const [index, node] of nodes.entries()) {
    await authority.serverCertificate(`kubelet-${node}`, {
      commonName: `system:node:${node}`,
      organization: "system:nodes",
      dnsNames: [node],
      addresses: [nodeAddress(network, index + 1)],
    });
  }
  const clients: Client[] = [
    { file: "admin", user: { name: "kubernetes-admin", groups: ["system:masters"] } },
    ...nodes.map((node) => ({ file: `kubelet-${node}`, user: { name: `system:node:${node}`, groups: ["system:nodes"] } })),
    { file: "proxy", user: { name: "system:kube-proxy", groups: ["system:node-proxier"] } },
  ];
  const identities = new Identities();
  const tokens = new Map<string, string>();
  for (const client of clients) {
    const token = await keptToken(directory, client.file);
    tokens.set(client.file, token);
    identities.add(client.user, token);
  }
  const kubeletToken = await keptToken(dataDir, "kubelet");

  return {
    authority: authority.certificate,
    server,
    identities,
    serviceAccountKey: await openServiceAccountKey(directory),
    kubeletToken,
    async writeKubeconfigs(address, namespace) {
      for (const client of clients) {
        const content = kubeconfig(address, namespace, authority.certificate, client, tokens.get(client.file) ?? "");
        await writePrivateFile(join(dataDir, `${client.file}.kubeconfig`), content);
      }
      return join(dataDir, "admin.kubeconfig");
    },
  };
}

function kubeconfig(server: string, namespace: string, authority: string, client: Client, token: string): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "switchyard", cluster: { server, "certificate-authority-data": Buffer.from(authority).toString("base64") } },
    ],
    users: [{ name: client.user.name, user: { token } }],
    contexts: [{ name: "switchyard", context: { cluster: "switchyard", user: client.user.name, namespace } }],
    "current-context": "switchyard",
  });
}
