import { randomUUID } from "node:crypto";
import { type JWTPayload, jwtVerify, SignJWT } from "jose";
import { type Cluster, type KubeObject, type ResourceId, resources } from "../api.ts";
import type { User } from "../pki/identities.ts";
import { type ServiceAccountKey, tokenAlgorithm } from "../pki/service-account-key.ts";

/** The issuer, and the audience of tokens for the API itself. */
export const issuer = "https://kubernetes.default.svc.cluster.local";

export type BoundObject = { name: string; uid: string };

/** What a token is tied to: it ends with the service account and with the pod or secret, not only with its time. */
export type TokenBinding = {
  namespace: string;
  serviceaccount: BoundObject;
  pod?: BoundObject;
  secret?: BoundObject;
  node?: BoundObject;
};

export type VerifiedToken = { user: User; audiences: string[] };

type Claims = JWTPayload & { "kubernetes.io"?: TokenBinding };

const rememberedTokens = 1_000;

/** Signs and checks the tokens of service accounts. Signatures are checked once for each token, what it is tied to always. */
export class ServiceAccountTokens {
  readonly #key: ServiceAccountKey;
  readonly #cluster: Pick<Cluster, "get">;
  readonly #now: () => Date;
  readonly #known = new Map<string, Claims>();

  constructor(key: ServiceAccountKey, cluster: Pick<Cluster, "get">, now: () => Date) {
    this.#key = key;
    this.#cluster = cluster;
    this.#now = now;
  }

  /** A token for `lifetimeSeconds`; one that is bound to a Secret may be for as long as that exists. */
  async issue(
    binding: TokenBinding,
    audiences: string[],
    lifetimeSeconds: number | undefined,
  ): Promise<{ token: string; expiresAt: Date }> {
    const issuedAt = Math.floor(this.#now().getTime() / 1000);
    const expiresAt = issuedAt + (lifetimeSeconds ?? 0);
    const draft = new SignJWT({ "kubernetes.io": binding })
      .setProtectedHeader({ alg: tokenAlgorithm, kid: this.#key.keyId })
      .setIssuer(issuer)
      .setSubject(userName(binding))
      .setAudience(audiences)
      .setIssuedAt(issuedAt)
      .setNotBefore(issuedAt)
      .setJti(randomUUID());
    if (lifetimeSeconds !== undefined) draft.setExpirationTime(expiresAt);
    return { token: await draft.sign(this.#key.privateKey), expiresAt: new Date(expiresAt * 1000) };
  }

  /** The user of a token that is for one of the audiences; undefined when it is not valid, or not any more. */
  async verify(token: string, audiences: readonly string[]): Promise<VerifiedToken | undefined> {
    const claims = await this.#claimsOf(token);
    const binding = claims?.["kubernetes.io"];
    if (!claims || !binding || !this.#isAlive(binding)) return undefined;
    const given = [claims.aud ?? []].flat();
    const shared = audiences.filter((audience) => given.includes(audience));
    return shared.length > 0 ? { user: userOf(binding, claims.jti ?? ""), audiences: shared } : undefined;
  }

  async #claimsOf(token: string): Promise<Claims | undefined> {
    const seconds = this.#now().getTime() / 1000;
    const known = this.#known.get(token);
    if (known) return known.exp === undefined || known.exp > seconds ? known : undefined;
    try {
      const options = { issuer, algorithms: [tokenAlgorithm], currentDate: this.#now(), requiredClaims: ["sub", "aud"] };
      const { payload } = await jwtVerify<Claims>(token, this.#key.publicKey, options);
      if (payload.exp === undefined && !payload["kubernetes.io"]?.secret) return undefined;
      this.#known.set(token, payload);
      const [oldest] = this.#known.keys();
      if (this.#known.size > rememberedTokens && oldest !== undefined) this.#known.delete(oldest);
      return payload;
    } catch {
      return undefined;
    }
  }

  #isAlive({ namespace, serviceaccount, pod, secret }: TokenBinding): boolean {
    const exists = (id: ResourceId, bound: BoundObject | undefined) =>
      !bound || this.#cluster.get<KubeObject>(id, namespace, bound.name)?.metadata.uid === bound.uid;
    return exists(resources.serviceAccounts, serviceaccount) && exists(resources.pods, pod) && exists(resources.secrets, secret);
  }
}

function userName({ namespace, serviceaccount }: TokenBinding): string {
  return `system:serviceaccount:${namespace}:${serviceaccount.name}`;
}

/** The groups of every service account of a namespace. */
export function serviceAccountGroups(namespace: string): string[] {
  return ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];
}

function userOf(binding: TokenBinding, tokenId: string): User {
  const { namespace, serviceaccount, pod, node } = binding;
  const extra: Record<string, string[]> = { "authentication.kubernetes.io/credential-id": [`JTI=${tokenId}`] };
  if (pod) {
    extra["authentication.kubernetes.io/pod-name"] = [pod.name];
    extra["authentication.kubernetes.io/pod-uid"] = [pod.uid];
  }
  if (node) {
    extra["authentication.kubernetes.io/node-name"] = [node.name];
    extra["authentication.kubernetes.io/node-uid"] = [node.uid];
  }
  const groups = [...serviceAccountGroups(namespace), "system:authenticated"];
  return { name: userName(binding), uid: serviceaccount.uid, groups, extra };
}
