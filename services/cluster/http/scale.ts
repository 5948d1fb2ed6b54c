import { type KubeObject, StatusError } from "../api.ts";
import { applyPatch, patchMediaTypes } from "../patch/patch.ts";
import { modifiedMessage, refusals } from "../registry/refusals.ts";
import type { Registry } from "../registry/registry.ts";
import type { ResourceDefinition } from "../resources/definition.ts";
import { decode } from "../schema/decode.ts";
import type { Store } from "../store/store.ts";
import { FieldErrors } from "../validation/field-errors.ts";
import { sendJson } from "./answers.ts";
import { mediaTypeOf, parseText, readBody, requireObject, unsupportedMediaType } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import { inVersion } from "./list.ts";
import { isDryRun } from "./query.ts";
import type { RequestTarget } from "./request-target.ts";
import { requireReplicas, scaleFieldsOf, withReplicas } from "./scale-fields.ts";

type Scale = KubeObject & { spec?: { replicas?: number } };

/** The scale subresource: replicas alone, for kubectl scale and autoscalers. */
export async function handleScale(
  { request, response, url }: Exchange,
  target: RequestTarget,
  { store, registry }: { store: Store; registry: Registry },
): Promise<void> {
  const { definition, namespace, name } = target;
  const read = () => {
    const stored = store.get(definition.id, namespace, name);
    if (!stored) throw refusals.notFound(definition.id, name);
    return stored;
  };
  if (request.method === "GET") {
    await store.settled();
    const object = read();
    requireReplicas(object, definition.scalePaths);
    sendJson(response, 200, scaleOf(object, definition));
    return;
  }
  const mediaType = mediaTypeOf(request) || "application/json";
  const isPatch = request.method === "PATCH";
  if (!isPatch && request.method !== "PUT") throw refusals.methodNotAllowed();
  if (isPatch && !patchMediaTypes.includes(mediaType)) throw unsupportedMediaType(patchMediaTypes);
  const body = isPatch
    ? parseText((await readBody(request)).toString(), "application/json")
    : await requireObject(request, "V1Scale");
  const stored = read();
  const scale = decode("V1Scale", isPatch ? applyPatch(mediaType, "V1Scale", scaleOf(stored, definition), body) : body)
    .value as Scale;
  const replicas = scale.spec?.replicas ?? 0;
  if (replicas < 0) {
    const errors = new FieldErrors();
    errors.invalid("spec.replicas", replicas, "must be greater than or equal to 0");
    throw errors.toStatus("autoscaling", "Scale", name) ?? new StatusError(422, "Invalid", "invalid scale");
  }
  const { resourceVersion } = scale.metadata ?? {};
  if (resourceVersion && resourceVersion !== stored.metadata.resourceVersion) {
    throw refusals.conflict(definition.id, name, modifiedMessage);
  }
  const changed = withReplicas(inVersion(definition, stored), replicas, definition.scalePaths);
  const options = { dryRun: isDryRun(url), version: definition.version };
  sendJson(response, 200, scaleOf(await registry.update(definition.id, changed, options), definition));
}

function scaleOf(object: KubeObject, { scalePaths }: ResourceDefinition): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const { replicas, statusReplicas, selector } = scaleFieldsOf(object, scalePaths);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { ...(replicas ? { replicas } : {}) },
    status: { replicas: statusReplicas, ...(selector ? { selector } : {}) },
  };
}
