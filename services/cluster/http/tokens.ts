import { nodeOf } from "../access/node-restriction.ts";
import { type BoundObject, issuer, type ServiceAccountTokens, type TokenBinding } from "../access/service-account-tokens.ts";
import { type Cluster, type KubeObject, resources } from "../api.ts";
import type { ServiceAccountKey } from "../pki/service-account-key.ts";
import { tokenAlgorithm } from "../pki/service-account-key.ts";
import { refusals } from "../registry/refusals.ts";
import { decode } from "../schema/decode.ts";
import { timestamp } from "../timestamp.ts";
import { FieldErrors } from "../validation/field-errors.ts";
import { sendJson } from "./answers.ts";
import { requireObject } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import type { RequestTarget } from "./request-target.ts";

export type TokenParts = { cluster: Pick<Cluster, "get">; tokens: ServiceAccountTokens; now: () => Date };

type Reference = { apiVersion?: string; kind?: string; name?: string; uid?: string };
type Spec = { audiences?: string[]; expirationSeconds?: number; boundObjectRef?: Reference };
type Pod = KubeObject & { spec: { nodeName?: string; serviceAccountName?: string } };

const type = "AuthenticationV1TokenRequest";
const defaultSeconds = 3_600;
const shortestSeconds = 600;
const longestSeconds = 2 ** 32;

/** serviceaccounts/token: a token for the account, which may be tied to a pod, a secret or a node. */
export async function issueToken(exchange: Exchange, target: RequestTarget, { cluster, tokens, now }: TokenParts): Promise<void> {
  const { request, response } = exchange;
  if (request.method !== "POST") throw refusals.methodNotAllowed();
  const spec = (decode(type, await requireObject(request, type)).value.spec ?? {}) as Spec;
  const account = cluster.get(target.definition.id, target.namespace, target.name);
  if (!account) throw refusals.notFound(target.definition.id, target.name);
  const { expirationSeconds = defaultSeconds, audiences = [] } = spec;
  checkLifetime(expirationSeconds, target.name);
  const binding = bindingOf(account, spec.boundObjectRef, cluster);
  checkNode(exchange, binding, target);
  const wanted = audiences.length > 0 ? audiences : [issuer];
  const { token, expiresAt } = await tokens.issue(binding, wanted, expirationSeconds);
  sendJson(response, 201, {
    kind: "TokenRequest",
    apiVersion: "authentication.k8s.io/v1",
    metadata: { name: target.name, namespace: target.namespace, creationTimestamp: timestamp(now()) },
    spec: { audiences: wanted, expirationSeconds, boundObjectRef: spec.boundObjectRef ?? null },
    status: { token, expirationTimestamp: timestamp(expiresAt) },
  });
}

function checkLifetime(seconds: number, name: string): void {
  const errors = new FieldErrors();
  const field = "spec.expirationSeconds";
  if (seconds < shortestSeconds) errors.invalid(field, seconds, "may not specify a duration less than 10 minutes");
  if (seconds > longestSeconds) errors.invalid(field, seconds, "may not specify a duration larger than 2^32 seconds");
  const refusal = errors.toStatus("authentication.k8s.io", "TokenRequest", name);
  if (refusal) throw refusal;
}

function bindingOf({ metadata }: KubeObject, reference: Reference | undefined, cluster: Pick<Cluster, "get">): TokenBinding {
  const binding: TokenBinding = {
    namespace: metadata.namespace ?? "",
    serviceaccount: { name: metadata.name, uid: metadata.uid },
  };
  if (!reference) return binding;
  const { kind = "", apiVersion = "", name = "" } = reference;
  const read = <T extends KubeObject>(id: (typeof resources)["pods" | "secrets" | "nodes"], namespace: string): T => {
    const object = cluster.get<T>(id, namespace, name);
    if (!object) throw refusals.notFound(id, name);
    if (reference.uid && reference.uid !== object.metadata.uid) {
      const { uid } = object.metadata;
      const detail = `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated: ${uid}`;
      throw refusals.conflict(id, name, detail);
    }
    return object;
  };
  if (apiVersion === "v1" && kind === "Pod") {
    const pod = read<Pod>(resources.pods, binding.namespace);
    if ((pod.spec.serviceAccountName ?? "default") !== metadata.name) {
      const message = `cannot bind token for serviceaccount ${JSON.stringify(metadata.name)} to pod running with different serviceaccount name.`;
      throw refusals.badRequest(message);
    }
    const node = pod.spec.nodeName ? cluster.get(resources.nodes, "", pod.spec.nodeName) : undefined;
    return { ...binding, pod: boundTo(pod), ...(node ? { node: boundTo(node) } : {}) };
  }
  if (apiVersion === "v1" && kind === "Secret")
    return { ...binding, secret: boundTo(read(resources.secrets, binding.namespace)) };
  if (apiVersion === "v1" && kind === "Node") return { ...binding, node: boundTo(read(resources.nodes, "")) };
  const message = `cannot bind token to object of type ${apiVersion}, Kind=${kind}`;
  throw refusals.badRequest(message);
}

/** A kubelet asks for tokens of the pods that run on its node, and for no others. */
function checkNode({ user }: Exchange, { pod, node }: TokenBinding, { definition, name }: RequestTarget): void {
  const own = nodeOf(user);
  if (own === undefined) return;
  if (!pod) throw refusals.forbidden(definition.id, name, "node requested token not bound to a pod");
  if (node?.name !== own) {
    throw refusals.forbidden(definition.id, name, "node requested token bound to a pod scheduled on a different node");
  }
}

function boundTo({ metadata }: KubeObject): BoundObject {
  return { name: metadata.name, uid: metadata.uid };
}

/** The documents by which others check tokens of service accounts, or undefined for another path. */
export function issuerDocument(
  path: string,
  key: ServiceAccountKey,
  address: string,
): { body: object; type: string } | undefined {
  if (path === "/openid/v1/jwks") return { body: { keys: [key.jwk] }, type: "application/jwk-set+json" };
  if (path !== "/.well-known/openid-configuration") return undefined;
  const body = {
    issuer,
    jwks_uri: `${address}/openid/v1/jwks`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [tokenAlgorithm],
  };
  return { body, type: "application/json" };
}
