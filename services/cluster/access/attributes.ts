import { StatusError } from "../api.ts";
import type { User } from "../pki/identities.ts";
import { qualifiedName } from "../resources/definition.ts";

/** What a request wants to do, as authorization and the audit log see it. A path outside /api and /apis has only verb and path. */
export type Attributes = {
  verb: string;
  path: string;
  isResource: boolean;
  group: string;
  version: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
};

const verbs: Record<string, string> = {
  POST: "create",
  GET: "get",
  HEAD: "get",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

/** Subresources that open a shell or a tunnel: whoever may only read must not reach them by a GET that upgrades. */
export const tunnels: ReadonlySet<string> = new Set(["exec", "attach", "portforward"]);

/** Source: apiserver/pkg/endpoints/request/requestinfo.go. */
export function attributesOf(method: string, url: URL): Attributes {
  const path = url.pathname;
  const parts = path.split("/").filter((part) => part !== "");
  const nonResource = { ...noResource, verb: method.toLowerCase(), path };
  const [prefix, ...after] = parts;
  if ((prefix !== "api" && prefix !== "apis") || parts.length < (prefix === "api" ? 3 : 4)) return nonResource;
  const [group, version, rest] =
    prefix === "api" ? ["", after[0] ?? "", after.slice(1)] : [after[0] ?? "", after[1] ?? "", after.slice(2)];
  const { namespace, parts: named } = splitNamespace(rest.map(decodePart));
  const [resource = "", name = "", subresource = ""] = named;
  const verb = Object.hasOwn(verbs, method) ? (verbs[method] ?? "") : "";
  const attributes = { verb, path, isResource: true, group, version, resource, subresource, namespace, name };
  if (group === "" && resource === "pods" && tunnels.has(subresource)) return { ...attributes, verb: "create" };
  return name ? attributes : collectionAttributes(attributes, url);
}

const noResource = { isResource: false, group: "", version: "", resource: "", subresource: "", namespace: "", name: "" };

function splitNamespace(parts: string[]): { namespace: string; parts: string[] } {
  if (parts[0] !== "namespaces" || parts.length < 2) return { namespace: "", parts };
  const isOfNamespace = parts.length === 2 || parts[2] === "status" || parts[2] === "finalize";
  return { namespace: parts[1] ?? "", parts: isOfNamespace ? parts : parts.slice(2) };
}

function collectionAttributes(attributes: Attributes, url: URL): Attributes {
  if (attributes.verb === "delete") return { ...attributes, verb: "deletecollection" };
  if (attributes.verb !== "get") return attributes;
  const watch = url.searchParams.get("watch");
  const verb = watch !== null && watch !== "0" && watch.toLowerCase() !== "false" ? "watch" : "list";
  // A list of one object by its name is allowed by a rule for that name.
  const name = /^metadata\.name==?([^,=!]+)$/.exec(url.searchParams.get("fieldSelector") ?? "")?.[1] ?? "";
  return { ...attributes, verb, name };
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The refusal in Kubernetes' words. Source: apiserver/pkg/endpoints/handlers/responsewriters/errors.go. */
export function forbidden(user: User, attributes: Attributes, reason: string): StatusError {
  const { verb, path, isResource, group, resource, subresource, namespace, name } = attributes;
  const quoted = (text: string) => JSON.stringify(text);
  const because = reason ? `: ${reason}` : "";
  if (!isResource) {
    const message = `forbidden: User ${quoted(user.name)} cannot ${verb} path ${quoted(path)}${because}`;
    return new StatusError(403, "Forbidden", message, {});
  }
  const what = subresource ? `${resource}/${subresource}` : resource;
  const where = namespace ? `in the namespace ${quoted(namespace)}` : "at the cluster scope";
  const subject = `${qualifiedName({ group, resource })}${name ? ` ${quoted(name)}` : ""}`;
  const sentence = `User ${quoted(user.name)} cannot ${verb} resource ${quoted(what)} in API group ${quoted(group)} ${where}`;
  return new StatusError(403, "Forbidden", `${subject} is forbidden: ${sentence}${because}`, {
    ...(name ? { name } : {}),
    ...(group ? { group } : {}),
    kind: resource,
  });
}
