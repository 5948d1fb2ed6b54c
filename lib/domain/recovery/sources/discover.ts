import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { serviceOfHost } from "#lib/kubernetes/cluster-ip.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type Container, type PodTemplate, paths, type Workload, type WorkloadKind } from "#lib/kubernetes/objects.ts";
import { readWorkload } from "#lib/kubernetes/workloads.ts";
import { isPostgresUrl } from "../../actions/database-address.ts";
import { type Secret, secretPath, secretText } from "../../actions/secret-key.ts";
import type { Context } from "../../context.ts";
import { fetchWorkload } from "../../fleet/fresh.ts";
import type { Contents } from "../backups/schemas.ts";
import type { Subject } from "../schemas.ts";
import { addressName, isRedisUrl } from "./addresses.ts";

/** An address that a workload's containers read; `secret` is where it stands, null for one that its template names. */
export type FoundAddress = {
  kind: "postgres" | "redis";
  url: string;
  name: string;
  secret: { secret: string; key: string } | null;
};

type Variable = {
  value?: string;
  valueFrom?: { secretKeyRef?: { name?: string; key?: string } };
};

/**
 * What a backup of the subject would hold when nobody says otherwise: the database and the Redis that its instances read, its objects.
 * Of a service that is such a server itself, what others keep in it. Throws KubernetesError.
 */
export async function discoverContents({ kubernetes }: Pick<Context, "kubernetes">, subject: Subject): Promise<Contents> {
  if (subject.kind === "switchyard") {
    return { postgres: { address: null, tables: null }, redis: null, objects: false, logHours: null };
  }
  const { namespace } = subject.ref;
  const workload = await fetchWorkload(kubernetes, subject.ref);
  const own = await findAddresses(kubernetes, namespace, workload);
  const found = own.length > 0 ? own : await findAddressesOf(kubernetes, namespace, workload);
  const postgres = found.find(({ kind, secret }) => kind === "postgres" && secret !== null)?.secret ?? null;
  const redis = found.find(({ kind }) => kind === "redis");
  return {
    postgres: postgres && { address: postgres, tables: null },
    redis: redis ? { url: redis.secret ? null : redis.url, address: redis.secret } : null,
    objects: true,
    logHours: null,
  };
}

/** The addresses that a workload's containers read from their environment, that of the annotation `database-secret` first. */
export async function findAddresses(
  kubernetes: KubernetesClient,
  namespace: string,
  workload: Pick<Workload, "metadata" | "spec">,
): Promise<FoundAddress[]> {
  const secrets = new SecretReader(kubernetes, namespace);
  const found: FoundAddress[] = [];
  for (const place of [...annotated(workload), ...variablesOf(workload.spec.template)]) {
    const text = "secret" in place ? await secrets.read(place) : place.value;
    const kind = text && isPostgresUrl(text) ? "postgres" : text && isRedisUrl(text) ? "redis" : null;
    if (!text || !kind || (kind === "redis" && !("secret" in place) && new URL(text).password)) continue;
    if (found.some((one) => one.url === text)) continue;
    found.push({ kind, url: text, name: addressName(text), secret: "secret" in place ? place : null });
  }
  return found;
}

/** Every Deployment and StatefulSet of a namespace. */
export async function listWorkloadsOf(kubernetes: KubernetesClient, namespace: string): Promise<Workload[]> {
  const list = async (kind: WorkloadKind) => {
    const path = `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/${kind.toLowerCase()}s`;
    const objects = await kubernetes.list<Omit<Workload, "kind">>(path);
    return objects.map((object) => readWorkload(kind, object));
  };
  return (await Promise.all([list("Deployment"), list("StatefulSet")])).flat();
}

/** What others of the namespace keep in a server that this workload is: their addresses lead to a Service that selects its pods. */
async function findAddressesOf(kubernetes: KubernetesClient, namespace: string, server: Workload): Promise<FoundAddress[]> {
  const labels = server.spec.template.metadata?.labels ?? {};
  const services = await kubernetes.list<{ metadata: { name: string }; spec: { selector?: Record<string, string> } }>(
    paths.servicesOf(namespace),
  );
  const names = new Set(services.filter(({ spec }) => selects(spec.selector, labels)).map(({ metadata }) => metadata.name));
  if (names.size === 0) return [];
  const found: FoundAddress[] = [];
  for (const workload of await listWorkloadsOf(kubernetes, namespace)) {
    if (workload.metadata.uid === server.metadata.uid) continue;
    for (const address of await findAddresses(kubernetes, namespace, workload)) {
      const service = serviceOfHost(new URL(address.url).hostname, namespace);
      if (service?.namespace === namespace && names.has(service.name)) found.push(address);
    }
  }
  return found;
}

/** Whether a Service's selector finds pods of these labels; one without a selector finds none. */
export function selects(selector: Record<string, string> | undefined, labels: Record<string, string>): boolean {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

type SecretPlace = { secret: string; key: string };

function annotated({ metadata }: Pick<Workload, "metadata">): SecretPlace[] {
  const [secret, key] = (metadata.annotations?.["switchyard.dev/database-secret"]?.trim() ?? "").split("/");
  return secret && key ? [{ secret, key }] : [];
}

function variablesOf({ spec }: PodTemplate): (SecretPlace | { value: string })[] {
  const containers = [...(spec.initContainers ?? []), ...spec.containers] as (Container & { env?: Variable[] })[];
  return containers
    .flatMap(({ env = [] }) => env)
    .flatMap(({ value, valueFrom }): (SecretPlace | { value: string })[] => {
      const { name: secret, key } = valueFrom?.secretKeyRef ?? {};
      if (secret && key) return [{ secret, key }];
      return value ? [{ value }] : [];
    });
}

/** Reads each Secret once. */
class SecretReader {
  readonly #kubernetes: KubernetesClient;
  readonly #namespace: string;
  readonly #known = new Map<string, Secret | null>();

  constructor(kubernetes: KubernetesClient, namespace: string) {
    this.#kubernetes = kubernetes;
    this.#namespace = namespace;
  }

  /** Null when there is no such Secret, or no such key in it. */
  async read({ secret: name, key }: SecretPlace): Promise<string | null> {
    const place = { namespace: this.#namespace, name, key };
    let secret = this.#known.get(name);
    if (secret === undefined) {
      secret = await this.#kubernetes.get<Secret>(secretPath(place)).catch((error: unknown) => {
        if (error instanceof KubernetesError && error.status === 404) return null;
        throw error;
      });
      this.#known.set(name, secret);
    }
    return secret?.data?.[key] === undefined ? null : secretText(secret, place);
  }
}
