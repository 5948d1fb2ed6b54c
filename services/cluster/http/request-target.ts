import { StatusError } from "../api.ts";
import { refusals } from "../registry/refusals.ts";
import type { Catalogue } from "../resources/catalogue.ts";
import type { ResourceDefinition } from "../resources/definition.ts";

/** What an API path names. `name` is empty for a collection, `subresource` for the object itself. */
export type RequestTarget = { definition: ResourceDefinition; namespace: string; name: string; subresource: string };

/** Reads `/api/v1/...` and `/apis/GROUP/VERSION/...`. Throws 404 for what is not served. */
export function parseTarget(path: string, catalogue: Catalogue): RequestTarget {
  const parts = path.split("/").slice(1).map(decodePart);
  if (parts.at(-1) === "") parts.pop();
  const isCore = parts[0] === "api";
  const group = isCore ? "" : (parts[1] ?? "");
  const version = isCore ? parts[1] : parts[2];
  const rest = parts.slice(isCore ? 2 : 3);
  if (parts[0] !== "api" && parts[0] !== "apis") throw refusals.noSuchPath();

  const isNamespaced = rest[0] === "namespaces" && rest.length >= 3 && !isNamespaceSubresource(rest);
  const namespace = isNamespaced ? (rest[1] ?? "") : "";
  const [resource = "", name = "", subresource = "", ...excess] = isNamespaced ? rest.slice(2) : rest;
  const definition = catalogue.find({ group, resource }, version);
  if (!definition || definition.isServed === false || excess.length > 0) throw refusals.noSuchPath();
  if (isNamespaced !== definition.namespaced && (isNamespaced || name)) throw refusals.noSuchPath();
  if (isNamespaced && !namespace) throw refusals.noSuchPath();
  return { definition, namespace, name, subresource };
}

function isNamespaceSubresource(rest: string[]): boolean {
  return rest.length === 3 && (rest[2] === "status" || rest[2] === "finalize");
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new StatusError(400, "BadRequest", `the path holds an invalid escape: ${part}`);
  }
}
