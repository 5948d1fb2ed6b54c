import { readFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { isIPv6 } from "node:net";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

/** Where the API server is and who asks it: what KubernetesClient needs of client-node's KubeConfig. */
export type ClusterAccess = {
  getCurrentCluster(): { readonly server: string; readonly proxyUrl?: string } | null;
  /** Adds trust and credentials to a request. */
  applyToHTTPSOptions(options: RequestOptions): Promise<void>;
};

const named = { name: z.string() };
const path = z.string().optional();
const clusterSchema = z.object({
  server: z.string(),
  "certificate-authority": path,
  "certificate-authority-data": z.string().optional(),
  "insecure-skip-tls-verify": z.boolean().optional(),
  "tls-server-name": z.string().optional(),
  "proxy-url": z.string().optional(),
});
const userSchema = z.object({
  token: z.string().optional(),
  "client-certificate": path,
  "client-certificate-data": z.string().optional(),
  "client-key": path,
  "client-key-data": z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
});
const kubeconfigSchema = z.object({
  "current-context": z.string(),
  clusters: z.array(z.object({ ...named, cluster: z.looseObject({ server: z.string() }) })),
  contexts: z.array(z.object({ ...named, context: z.object({ cluster: z.string(), user: z.string().optional() }) })),
  users: z.array(z.object({ ...named, user: z.record(z.string(), z.unknown()).nullish() })).default([]),
});

const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";
/** A service account's token is replaced before it ends; client-go reads it this often, too. */
const tokenReadEveryMs = 60_000;

/**
 * The access of a kubeconfig's current context. Certificates, tokens and passwords are read here; what else there is (programs, other
 * ways to log in, proxies) is left to client-node, which is loaded for these alone: it takes 40 MB. Throws what is wrong with the file.
 */
export function readKubeconfig(file: string): ClusterAccess {
  const document = kubeconfigSchema.safeParse(parse(readFileSync(file, "utf8")));
  const { context } = document.data?.contexts.find(({ name }) => name === document.data["current-context"]) ?? {};
  const found = document.data?.clusters.find(({ name }) => name === context?.cluster)?.cluster;
  const user = document.data?.users.find(({ name }) => name === context?.user)?.user ?? {};
  if (!found) throw new Error(`${file} names no current cluster`);
  const cluster = clusterSchema.strict().safeParse(found).data;
  const credentials = userSchema.strict().safeParse(user).data;
  if (!cluster || !credentials || cluster["proxy-url"] !== undefined) return new OtherAccess(file, found);

  const read = (name: string | undefined, data: string | undefined) =>
    name ? readFileSync(resolve(dirname(file), name)) : data ? Buffer.from(data, "base64") : undefined;
  const authority = { file: cluster["certificate-authority"], data: cluster["certificate-authority-data"] };
  const { token, username, password } = credentials;
  return new DirectAccess(cluster.server, () => ({
    ca: read(authority.file, authority.data),
    cert: read(credentials["client-certificate"], credentials["client-certificate-data"]),
    key: read(credentials["client-key"], credentials["client-key-data"]),
    rejectUnauthorized: cluster["insecure-skip-tls-verify"] ? false : undefined,
    servername: cluster["tls-server-name"],
    auth: username ? `${username}:${password}` : undefined,
    headers: token ? { Authorization: `Bearer ${token}` } : {},
  }));
}

/** The access that a pod's service account gives. */
export function inClusterAccess(env: Record<string, string | undefined>, folder = serviceAccountFolder): ClusterAccess {
  const { KUBERNETES_SERVICE_HOST: host = "", KUBERNETES_SERVICE_PORT: port = "443" } = env;
  let token = "";
  let readAt = Number.NEGATIVE_INFINITY;
  // As client-node has it.
  const scheme = ["80", "8080", "8001"].includes(port) ? "http" : "https";
  return new DirectAccess(`${scheme}://${isIPv6(host) ? `[${host}]` : host}:${port}`, () => {
    if (performance.now() - readAt > tokenReadEveryMs) {
      token = readFileSync(resolve(folder, "token"), "utf8").trim();
      readAt = performance.now();
    }
    return { ca: readFileSync(resolve(folder, "ca.crt")), headers: { Authorization: `Bearer ${token}` } };
  });
}

class DirectAccess implements ClusterAccess {
  readonly #server: string;
  readonly #read: () => RequestOptions;

  constructor(server: string, read: () => RequestOptions) {
    this.#server = server.replace(/\/$/, "");
    this.#read = read;
  }

  getCurrentCluster() {
    return { server: this.#server };
  }

  async applyToHTTPSOptions(options: RequestOptions): Promise<void> {
    for (const [name, value] of Object.entries(this.#read())) if (value !== undefined) Object.assign(options, { [name]: value });
  }
}

class OtherAccess implements ClusterAccess {
  readonly #file: string;
  readonly #cluster: { server: string; proxyUrl?: string };
  #access: Promise<ClusterAccess> | undefined;

  constructor(file: string, { server, "proxy-url": proxyUrl }: { server: string; "proxy-url"?: unknown }) {
    this.#file = file;
    this.#cluster = { server: server.replace(/\/$/, ""), ...(typeof proxyUrl === "string" ? { proxyUrl } : {}) };
  }

  getCurrentCluster() {
    return this.#cluster;
  }

  async applyToHTTPSOptions(options: RequestOptions): Promise<void> {
    this.#access ??= this.#load();
    await (await this.#access).applyToHTTPSOptions(options);
  }

  async #load(): Promise<ClusterAccess> {
    const { KubeConfig } = await import("@kubernetes/client-node");
    const config = new KubeConfig();
    config.loadFromFile(this.#file);
    return config;
  }
}
