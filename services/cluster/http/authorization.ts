import type { IncomingMessage } from "node:http";
import { type Attributes, forbidden } from "../access/attributes.ts";
import type { Authenticator } from "../access/authenticator.ts";
import type { Authorizer } from "../access/authorizer.ts";
import { checkNodeRequest } from "../access/node-restriction.ts";
import { serviceAccountGroups } from "../access/service-account-tokens.ts";
import { type Cluster, StatusError } from "../api.ts";
import type { User } from "../pki/identities.ts";
import { refusals } from "../registry/refusals.ts";

/** `caller` is whose token it is, `user` who the caller acts as. They are the same without impersonation. */
export type Identity = { caller: User; user: User };

const extraPrefix = "impersonate-extra-";

/** Who makes a request, and whether he may: bearer token, impersonation, roles, the limits of kubelets. */
export class Gate {
  readonly #authenticator: Authenticator;
  readonly #authorizer: Authorizer;
  readonly #cluster: Pick<Cluster, "get" | "list">;

  constructor(authenticator: Authenticator, authorizer: Authorizer, cluster: Pick<Cluster, "get" | "list">) {
    this.#authenticator = authenticator;
    this.#authorizer = authorizer;
    this.#cluster = cluster;
  }

  /** Throws 401 without a valid token. */
  async authenticate(request: IncomingMessage): Promise<User> {
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
    const user = token ? await this.#authenticator.findUser(token) : undefined;
    if (!user) throw new StatusError(401, "Unauthorized", "Unauthorized");
    return user;
  }

  /** Who the caller wants to be by the Impersonate- headers. Throws 403 when he may not. */
  impersonate(caller: User, request: IncomingMessage): User {
    const { wanted, groups, uid, extra } = readHeaders(request);
    if (!wanted) {
      if (groups.length === 0 && uid === undefined && Object.keys(extra).length === 0) return caller;
      throw refusals.badRequest("groups, a uid or extra fields were to be impersonated without impersonating a user");
    }
    const [, namespace, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(wanted) ?? [];
    if (namespace && account) this.#require(caller, "", "serviceaccounts", account, namespace);
    else this.#require(caller, "", "users", wanted);
    for (const group of groups) this.#require(caller, "", "groups", group);
    if (uid !== undefined) this.#require(caller, "authentication.k8s.io", "uids", uid);
    for (const [key, values] of Object.entries(extra)) {
      for (const value of values) this.#require(caller, "authentication.k8s.io", "userextras", value, "", key);
    }
    const given = groups.length > 0 ? groups : namespace ? serviceAccountGroups(namespace) : [];
    const isAnonymous = wanted === "system:anonymous" || given.includes("system:unauthenticated");
    const all = isAnonymous ? ["system:unauthenticated"] : ["system:authenticated"];
    return {
      name: wanted,
      groups: [...new Set([...given, ...all])],
      ...(uid === undefined ? {} : { uid }),
      ...(Object.keys(extra).length > 0 ? { extra } : {}),
    };
  }

  /** Throws 403 in Kubernetes' words when the user may not. Returns why he may. */
  authorize(user: User, attributes: Attributes): string {
    const { allowed, reason } = this.#authorizer.decide(user, attributes);
    if (!allowed) throw forbidden(user, attributes, reason);
    checkNodeRequest(user, attributes, this.#cluster);
    return reason;
  }

  #require(caller: User, group: string, resource: string, name: string, namespace = "", subresource = ""): void {
    const what = { group, version: "v1", resource, subresource, namespace, name };
    this.authorize(caller, { ...what, verb: "impersonate", path: "", isResource: true });
  }
}

function readHeaders({ headersDistinct }: IncomingMessage) {
  const extra: Record<string, string[]> = {};
  for (const [name, values = []] of Object.entries(headersDistinct)) {
    if (name.startsWith(extraPrefix)) extra[unescaped(name.slice(extraPrefix.length))] = values;
  }
  return {
    wanted: headersDistinct["impersonate-user"]?.[0] ?? "",
    groups: headersDistinct["impersonate-group"] ?? [],
    uid: headersDistinct["impersonate-uid"]?.[0],
    extra,
  };
}

function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
