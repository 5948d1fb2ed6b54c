import { type ResourceId, StatusError } from "../api.ts";
import { qualifiedName } from "../resources/definition.ts";

/** Refusals in Kubernetes' words. */
export const refusals = {
  notFound(id: ResourceId, name: string) {
    return new StatusError(404, "NotFound", `${qualifiedName(id)} ${JSON.stringify(name)} not found`, details(id, name));
  },
  alreadyExists(id: ResourceId, name: string) {
    return new StatusError(
      409,
      "AlreadyExists",
      `${qualifiedName(id)} ${JSON.stringify(name)} already exists`,
      details(id, name),
    );
  },
  conflict(id: ResourceId, name: string, detail: string) {
    return new StatusError(
      409,
      "Conflict",
      `Operation cannot be fulfilled on ${qualifiedName(id)} ${JSON.stringify(name)}: ${detail}`,
      details(id, name),
    );
  },
  forbidden(id: ResourceId, name: string, detail: string) {
    return new StatusError(
      403,
      "Forbidden",
      `${qualifiedName(id)} ${JSON.stringify(name)} is forbidden: ${detail}`,
      details(id, name),
    );
  },
  badRequest(message: string) {
    return new StatusError(400, "BadRequest", message);
  },
  methodNotAllowed() {
    return new StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
  },
  noSuchPath() {
    return new StatusError(404, "NotFound", "the server could not find the requested resource");
  },
  gone(message: string) {
    return new StatusError(410, "Expired", message);
  },
};

export const modifiedMessage = "the object has been modified; please apply your changes to the latest version and try again";

function details({ group, resource }: ResourceId, name: string): Record<string, unknown> {
  return { name, ...(group ? { group } : {}), kind: resource };
}
