import type { V1Deployment } from "@kubernetes/client-node";
import { type KubeObject, StatusError } from "../api.ts";
import { applyPatch, patchMediaTypes } from "../patch/patch.ts";
import { modifiedMessage, refusals } from "../registry/refusals.ts";
import type { Registry } from "../registry/registry.ts";
import { decode } from "../schema/decode.ts";
import type { Store } from "../store/store.ts";
import { selectorText } from "../tables/workload-tables.ts";
import { FieldErrors } from "../validation/field-errors.ts";
import { sendJson } from "./answers.ts";
import { mediaTypeOf, parseText, readBody, requireObject, unsupportedMediaType } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import { isDryRun } from "./query.ts";
import type { RequestTarget } from "./request-target.ts";

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
    sendJson(response, 200, scaleOf(read()));
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
  const scale = decode("V1Scale", isPatch ? applyPatch(mediaType, "V1Scale", scaleOf(stored), body) : body).value as Scale;
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
  const changed = { ...stored, spec: { ...(stored.spec as object), replicas } };
  sendJson(response, 200, scaleOf(await registry.update(definition.id, changed, { dryRun: isDryRun(url) })));
}

function scaleOf(object: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const { spec, status } = object as unknown as V1Deployment;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { ...(spec?.replicas ? { replicas: spec.replicas } : {}) },
    status: { replicas: status?.replicas ?? 0, selector: selectorText(spec?.selector) },
  };
}
