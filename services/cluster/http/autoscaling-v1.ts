import type { V1HorizontalPodAutoscaler, V2HorizontalPodAutoscaler, V2MetricSpec } from "@kubernetes/client-node";
import { type KubeObject, resources, type StatusError } from "../api.ts";
import { applyPatch, patchMediaTypes } from "../patch/patch.ts";
import { modifiedMessage, refusals } from "../registry/refusals.ts";
import type { Registry } from "../registry/registry.ts";
import type { Catalogue } from "../resources/catalogue.ts";
import type { Store } from "../store/store.ts";
import { FieldErrors } from "../validation/field-errors.ts";
import { sendJson, sendYaml } from "./answers.ts";
import { mediaTypeOf, parseText, readBody, requireObject, unsupportedMediaType } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import { checkFields, warn } from "./field-validation.ts";
import { chooseRendition } from "./negotiation.ts";
import type { ObjectHandlers } from "./objects.ts";
import { isDryRun, selectionFor } from "./query.ts";

/**
 * autoscaling/v1, a view of the autoscalers that are stored as autoscaling/v2: `kubectl autoscale` writes this version. Of the
 * metrics it knows the share of cpu alone; the others, and the behaviour, stay as they are when it writes.
 */
const pathPattern = /^\/apis\/autoscaling\/v1\/(?:namespaces\/([^/]+)\/)?horizontalpodautoscalers(?:\/([^/]+))?\/?$/;

const apiVersion = "autoscaling/v1";
const kind = "HorizontalPodAutoscaler";
const type = "V1HorizontalPodAutoscaler";
const id = resources.horizontalPodAutoscalers;
const alphaAnnotations = ["metrics", "behavior"].map((name) => `autoscaling.alpha.kubernetes.io/${name}`);

type Parts = { store: Store; registry: Registry; objects: ObjectHandlers; catalogue: Catalogue };

export function isAutoscalingV1({ pathname }: URL): boolean {
  return pathPattern.test(pathname);
}

export async function answerAutoscalingV1(exchange: Exchange, parts: Parts): Promise<void> {
  const { request, response, url } = exchange;
  const [, namespace = "", name = ""] = pathPattern.exec(url.pathname) ?? [];
  const definition = parts.catalogue.find(id);
  if (!definition || (name && !namespace)) throw refusals.noSuchPath();
  const rendition = chooseRendition(request.headers.accept, url.searchParams.get("includeObject"));
  const isPlain = request.method !== "GET" || rendition?.form === "objects";
  // Tables, metadata and deletions are the same in both versions.
  if (!isPlain || (request.method === "DELETE" && name)) {
    return parts.objects.handle(exchange, { definition, namespace, name, subresource: "" });
  }
  const answer = await answerOf(exchange, parts, namespace, name);
  const code = request.method === "POST" ? 201 : 200;
  if (rendition?.form === "objects" && rendition.isYaml) sendYaml(response, code, Buffer.from(JSON.stringify(answer)));
  else sendJson(response, code, answer);
}

async function answerOf(exchange: Exchange, parts: Parts, namespace: string, name: string): Promise<object> {
  const { request, url } = exchange;
  const { store, registry } = parts;
  const { method } = request;
  if (method === "GET") {
    await store.settled();
    return name ? toV1(storedOf(store, namespace, name)) : list(store, url, namespace);
  }
  if (method === "POST" && namespace && !name) {
    const given = checked(await requireObject(request, type), namespace);
    const warnings = checkFields({ type, kind, version: "v1" }, given, url);
    const created = await registry.create(id, toV2(given), { dryRun: isDryRun(url) });
    warn(exchange.response, warnings);
    exchange.objectName = created.metadata.name;
    return toV1(created);
  }
  if ((method !== "PUT" && method !== "PATCH") || !name) throw refusals.methodNotAllowed();
  const given = method === "PUT" ? await requireObject(request, type) : await readPatch(exchange);
  // From here to the write nothing comes between.
  const stored = storedOf(store, namespace, name);
  const changed = typeof given === "function" ? given(toV1(stored)) : given;
  const draft = checked(changed, namespace);
  const warnings = checkFields({ type, kind, version: "v1" }, draft, url);
  const { resourceVersion, name: givenName } = draft.metadata;
  if (givenName !== name) throw refusals.badRequest(`the name of the object may not be changed`);
  if (resourceVersion && resourceVersion !== stored.metadata.resourceVersion) {
    throw refusals.conflict(id, name, modifiedMessage);
  }
  const pinned = { ...draft, metadata: { ...draft.metadata, resourceVersion: stored.metadata.resourceVersion } };
  const updated = await registry.update(id, toV2(pinned, stored), { dryRun: isDryRun(url) });
  warn(exchange.response, warnings);
  return toV1(updated);
}

async function readPatch({ request }: Exchange): Promise<(object: KubeObject) => Record<string, unknown>> {
  const mediaType = mediaTypeOf(request);
  if (!patchMediaTypes.includes(mediaType)) throw unsupportedMediaType(patchMediaTypes);
  const patch = parseText((await readBody(request)).toString(), "application/json");
  return (object) => applyPatch(mediaType, type, object, patch) as Record<string, unknown>;
}

function list(store: Store, url: URL, namespace: string): object {
  if (url.searchParams.has("watch")) throw refusals.methodNotAllowed();
  const items = store.list(id).filter(selectionFor(url, { namespace })).map(toV1);
  return { kind: `${kind}List`, apiVersion, metadata: { resourceVersion: String(store.revision) }, items };
}

function storedOf(store: Store, namespace: string, name: string): KubeObject {
  const stored = store.get(id, namespace, name);
  if (!stored) throw refusals.notFound(id, name);
  return stored;
}

/** The object with its namespace, refused when it is another kind or says what this version cannot keep. */
function checked(given: Record<string, unknown>, namespace: string): KubeObject {
  const metadata = { ...(given.metadata as Partial<KubeObject["metadata"]> | undefined) };
  if ((given.kind ?? kind) !== kind || (given.apiVersion ?? apiVersion) !== apiVersion) {
    throw refusals.badRequest(`the object provided is unrecognized (must be of type ${kind} in ${apiVersion})`);
  }
  if (metadata.namespace && metadata.namespace !== namespace) {
    throw refusals.badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  const errors = new FieldErrors();
  for (const annotation of alphaAnnotations) {
    if (metadata.annotations?.[annotation] === undefined) continue;
    errors.forbidden(`metadata.annotations[${annotation}]`, "write autoscaling/v2 instead");
  }
  const share = (given.spec as V1HorizontalPodAutoscaler["spec"])?.targetCPUUtilizationPercentage;
  if (share !== undefined && share < 1) {
    errors.invalid("spec.targetCPUUtilizationPercentage", share, "must be greater than 0");
  }
  const refusal: StatusError | undefined = errors.toStatus("autoscaling", kind, metadata.name ?? "");
  if (refusal) throw refusal;
  return { ...given, metadata: { ...metadata, namespace } } as KubeObject;
}

/** What is written when a client gives this. Of a stored autoscaler what v1 does not know stays. */
export function toV2(object: KubeObject, stored?: KubeObject): KubeObject {
  const {
    scaleTargetRef,
    minReplicas,
    maxReplicas,
    targetCPUUtilizationPercentage: share,
  } = (object as unknown as V1HorizontalPodAutoscaler).spec ?? {};
  const before = (stored as unknown as V2HorizontalPodAutoscaler | undefined)?.spec;
  const others = before?.metrics?.filter((metric) => cpuShareOf(metric) === undefined) ?? [];
  const target = { type: "Utilization", averageUtilization: share };
  const metrics = share === undefined ? others : [{ type: "Resource", resource: { name: "cpu", target } }, ...others];
  const { status: _, ...rest } = object;
  return {
    ...rest,
    apiVersion: "autoscaling/v2",
    kind,
    spec: {
      scaleTargetRef,
      ...(minReplicas === undefined ? {} : { minReplicas }),
      maxReplicas,
      ...(metrics.length > 0 ? { metrics } : {}),
      ...(before?.behavior ? { behavior: before.behavior } : {}),
    },
    ...(stored?.status ? { status: stored.status } : {}),
  };
}

export function toV1(object: KubeObject): KubeObject {
  const { spec, status } = object as unknown as V2HorizontalPodAutoscaler;
  const share = spec?.metrics?.map(cpuShareOf).find((one) => one !== undefined);
  const measured = status?.currentMetrics?.find(({ resource }) => resource?.name === "cpu");
  const current = measured?.resource?.current.averageUtilization;
  return {
    ...object,
    apiVersion,
    kind,
    spec: {
      scaleTargetRef: spec?.scaleTargetRef,
      minReplicas: spec?.minReplicas,
      maxReplicas: spec?.maxReplicas,
      ...(share === undefined ? {} : { targetCPUUtilizationPercentage: share }),
    },
    status: {
      currentReplicas: status?.currentReplicas ?? 0,
      desiredReplicas: status?.desiredReplicas ?? 0,
      ...(status?.lastScaleTime ? { lastScaleTime: status.lastScaleTime } : {}),
      ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }),
    },
  };
}

function cpuShareOf({ resource }: V2MetricSpec): number | undefined {
  return resource?.name === "cpu" ? resource.target.averageUtilization : undefined;
}
