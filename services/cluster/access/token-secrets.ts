import type { Logger } from "#lib/runtime/logger.ts";
import { type Change, type Cluster, type KubeObject, resources, StatusError } from "../api.ts";
import { issuer, type ServiceAccountTokens } from "./service-account-tokens.ts";

type Secret = KubeObject & { type?: string; data?: Record<string, string> };

const secretType = "kubernetes.io/service-account-token";
const nameKey = "kubernetes.io/service-account.name";
const uidKey = "kubernetes.io/service-account.uid";

export type TokenSecretsOptions = { cluster: Cluster; tokens: ServiceAccountTokens; authority: string; logger: Logger };

/**
 * Fills the Secrets that somebody makes for a lasting token of a service account, and removes them with the account. Such a
 * token has no end of its own: it ends with its Secret. Returns the function that ends it.
 */
export function followTokenSecrets({ cluster, tokens, authority, logger }: TokenSecretsOptions): () => void {
  for (const secret of cluster.list<Secret>(resources.secrets)) void settle(secret);
  return cluster.subscribe(({ type, id, object }: Change) => {
    if (id.group !== "" || type === "MODIFIED") return;
    if (id.resource === "secrets" && type === "ADDED") void settle(object as Secret);
    if (id.resource === "serviceaccounts") {
      for (const secret of secretsOf(object)) void settle(secret);
    }
  });

  function secretsOf({ metadata }: KubeObject): Secret[] {
    const { namespace, name } = metadata;
    return cluster
      .list<Secret>(resources.secrets, { namespace })
      .filter((secret) => secret.type === secretType && secret.metadata.annotations?.[nameKey] === name);
  }

  async function settle(secret: Secret): Promise<void> {
    if (secret.type !== secretType) return;
    try {
      await fillOrRemove(secret);
    } catch (error) {
      if (error instanceof StatusError && (error.code === 404 || error.code === 409)) return;
      logger.error({ err: error, secret: secret.metadata.name }, "the token of a service account could not be kept in a Secret");
    }
  }

  async function fillOrRemove(secret: Secret): Promise<void> {
    const { name, namespace = "", uid, annotations = {} } = secret.metadata;
    const account = cluster.get(resources.serviceAccounts, namespace, annotations[nameKey] ?? "");
    const isForAnother = annotations[uidKey] !== undefined && annotations[uidKey] !== account?.metadata.uid;
    if (!account || isForAnother) {
      if (annotations[uidKey]) await cluster.delete(resources.secrets, namespace, name, { preconditions: { uid } });
      return;
    }
    if (secret.data?.token) return;
    const serviceaccount = { name: account.metadata.name, uid: account.metadata.uid };
    const { token } = await tokens.issue({ namespace, serviceaccount, secret: { name, uid } }, [issuer], undefined);
    const encoded = Object.entries({ token, namespace, "ca.crt": authority }).map(([key, value]) => [key, base64(value)]);
    await cluster.update<Secret>(resources.secrets, {
      ...secret,
      metadata: { ...secret.metadata, annotations: { ...annotations, [uidKey]: account.metadata.uid } },
      data: { ...secret.data, ...Object.fromEntries(encoded) },
    });
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
