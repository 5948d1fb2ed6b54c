import { type DeleteOptions, type KubeObject, type ResourceId, StatusError } from "../api.ts";
import { applyPatch, patchMediaTypes } from "../patch/patch.ts";
import type { User } from "../pki/identities.ts";
import { modifiedMessage, refusals } from "../registry/refusals.ts";
import type { Registry, WriteOptions } from "../registry/registry.ts";
import { apiVersionOf, type ResourceDefinition } from "../resources/definition.ts";
import { decode } from "../schema/decode.ts";
import type { Store } from "../store/store.ts";
import type { WatchHub } from "../watch/hub.ts";
import { sendBytes, sendJson, sendPieces, sendYaml, successStatus } from "./answers.ts";
import { mediaTypeOf, parseText, readBody, readObject, requireObject, unsupportedMediaType } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import { checkFields, warn } from "./field-validation.ts";
import { encodeList, encodeOne, inVersion } from "./list.ts";
import { checkListOptions, checkNotTooLarge } from "./list-options.ts";
import { chooseRendition, type Rendition } from "./negotiation.ts";
import { pageOf } from "./pages.ts";
import { flag, isDryRun, selectionFor, wholeNumber } from "./query.ts";
import type { RequestTarget } from "./request-target.ts";
import { streamWatch } from "./watch.ts";

export type ObjectsOptions = {
  store: Store;
  registry: Registry;
  hub: WatchHub;
  /** Refuses what the user may not write, beyond what the path tells. */
  admit: (user: User, definition: ResourceDefinition, draft: KubeObject, stored?: KubeObject) => void;
  now: () => Date;
  bookmarkMs: number;
  watchLimitBytes: number;
};

const patchAttempts = 5;

/** The verbs on collections and objects: get, list, watch, create, update, patch, delete, deletecollection. */
export class ObjectHandlers {
  readonly #options: ObjectsOptions;
  readonly #watches = new Map<() => void, ResourceId>();

  constructor(options: ObjectsOptions) {
    this.#options = options;
  }

  /** Ends the open watches: those of one resource, or all of them so that the server can stop. */
  endWatches(of?: ResourceId): void {
    for (const [end, id] of this.#watches) if (!of || sameResource(id, of)) end();
  }

  async handle(exchange: Exchange, target: RequestTarget): Promise<void> {
    const { method } = exchange.request;
    if (target.definition.warning) warn(exchange.response, [target.definition.warning]);
    if (!target.name) {
      if (method !== "GET" && target.definition.namespaced && !target.namespace) throw refusals.methodNotAllowed();
      if (method === "GET") return this.#list(exchange, target);
      if (method === "POST") return this.#create(exchange, target);
      const { hasDeleteCollection = true } = target.definition;
      if (method === "DELETE" && hasDeleteCollection) return this.#deleteCollection(exchange, target);
    } else {
      if (method === "GET") return this.#get(exchange, target);
      if (method === "PUT") return this.#update(exchange, target);
      if (method === "PATCH") return this.#patch(exchange, target);
      if (method === "DELETE" && !target.subresource) return this.#delete(exchange, target);
    }
    throw refusals.methodNotAllowed();
  }

  async #get({ request, response, url }: Exchange, target: RequestTarget): Promise<void> {
    const { store, now } = this.#options;
    const { definition, namespace, name } = target;
    const rendition = renditionFor(request.headers.accept, url);
    const stored = store.get(definition.id, namespace, name);
    // What was read may be newer than what is durable, and nobody may see what a crash could take back.
    await store.settled();
    if (!stored) throw refusals.notFound(definition.id, name);
    send(response, 200, definition, stored, rendition, now());
  }

  async #list(exchange: Exchange, target: RequestTarget): Promise<void> {
    const { request, response, url } = exchange;
    const { store, hub, now, bookmarkMs, watchLimitBytes } = this.#options;
    const { definition } = target;
    const rendition = renditionFor(request.headers.accept, url);
    const select = selectionFor(url, target, target.definition.selectableFields);
    checkListOptions(url);
    if (flag(url, "watch")) {
      const watchOptions = { store, hub, definition, select, rendition, now, bookmarkMs, limitBytes: watchLimitBytes };
      const end = streamWatch(exchange, watchOptions);
      this.#watches.set(end, definition.id);
      response.on("close", () => this.#watches.delete(end));
      return;
    }
    const snapshot = { objects: store.list(definition.id), revision: store.revision };
    await store.settled();
    checkNotTooLarge(url, snapshot.revision);
    const page = pageOf(url, snapshot, select, (revision) => hub.rewind(definition.id, snapshot, revision));
    const pieces = encodeList(definition, page, rendition, now());
    if (rendition.form === "objects" && rendition.isYaml) sendYaml(response, 200, Buffer.concat(pieces));
    else await sendPieces(response, "application/json", pieces);
  }

  async #create(exchange: Exchange, target: RequestTarget): Promise<void> {
    const { request, response, url, user } = exchange;
    const { definition } = target;
    const rendition = renditionFor(request.headers.accept, url);
    const given = checkKind(await requireObject(request, definition.type), definition);
    const draft = { ...given, metadata: namespacedMetadata(given, target) } as KubeObject;
    const warnings = checkFields(definition, draft, url);
    this.#options.admit(user, definition, draft);
    const object = await this.#options.registry.create(definition.id, draft, {
      ...writeOptions(url),
      version: definition.version,
    });
    exchange.objectName = object.metadata.name;
    warn(response, warnings);
    send(response, 201, definition, object, rendition, this.#options.now());
  }

  async #update({ request, response, url, user }: Exchange, target: RequestTarget): Promise<void> {
    const { definition } = target;
    const rendition = renditionFor(request.headers.accept, url);
    const given = checkKind(await requireObject(request, definition.type), definition);
    const metadata = namespacedMetadata(given, target);
    if (metadata.name !== undefined && metadata.name !== target.name) {
      const message = `the name of the object (${JSON.stringify(metadata.name)}) does not match the name on the URL (${target.name})`;
      throw refusals.badRequest(message);
    }
    const draft = { ...given, metadata: { ...metadata, name: target.name } } as KubeObject;
    const warnings = checkFields(definition, draft, url);
    const object = await this.#write(user, target, draft, writeOptions(url));
    warn(response, warnings);
    send(response, 200, definition, object, rendition, this.#options.now());
  }

  async #patch({ request, response, url, user }: Exchange, target: RequestTarget): Promise<void> {
    const { definition } = target;
    const rendition = renditionFor(request.headers.accept, url);
    const mediaType = mediaTypeOf(request);
    // Custom resources have no types that could say how a strategic merge patch merges their lists.
    const accepted = definition.type ? patchMediaTypes : patchMediaTypes.filter((type) => !type.includes("strategic"));
    if (!accepted.includes(mediaType)) throw unsupportedMediaType(accepted);
    const patch = parseText((await readBody(request)).toString(), "application/json");
    for (let attempt = 1; ; attempt += 1) {
      const stored = this.#stored(target);
      const patched = applyPatch(mediaType, definition.type, inVersion(definition, stored), patch) as KubeObject;
      const { resourceVersion, name } = patched.metadata ?? {};
      if (name !== stored.metadata.name) throw refusals.badRequest(`the name of the object may not be changed by a patch`);
      const isPinned = resourceVersion !== undefined && resourceVersion !== stored.metadata.resourceVersion;
      if (isPinned) throw refusals.conflict(definition.id, target.name, modifiedMessage);
      const warnings = checkFields(definition, patched, url);
      try {
        const object = await this.#write(user, target, patched, writeOptions(url));
        warn(response, warnings);
        send(response, 200, definition, object, rendition, this.#options.now());
        return;
      } catch (error) {
        const isRace = error instanceof StatusError && error.reason === "Conflict" && attempt < patchAttempts;
        if (!isRace) throw error;
      }
    }
  }

  async #delete({ request, response, url }: Exchange, target: RequestTarget): Promise<void> {
    const { definition, namespace, name } = target;
    const options = deleteOptions(await readDeleteOptions(request), url);
    const { object, isGone } = await this.#options.registry.remove(definition.id, namespace, name, options);
    const isPod = definition.id.resource === "pods";
    if (!isGone || isPod) {
      send(response, 200, definition, object, renditionFor(request.headers.accept, url), this.#options.now());
      return;
    }
    const { group, resource } = definition.id;
    sendJson(response, 200, successStatus({ name, ...(group ? { group } : {}), kind: resource, uid: object.metadata.uid }));
  }

  async #deleteCollection({ request, response, url }: Exchange, target: RequestTarget): Promise<void> {
    const { definition } = target;
    const { store, registry, now } = this.#options;
    const options = deleteOptions(await readDeleteOptions(request), url);
    const doomed = store.list(definition.id).filter(selectionFor(url, target, target.definition.selectableFields));
    const revision = store.revision;
    await Promise.all(
      doomed.map(({ metadata }) =>
        registry.remove(definition.id, metadata.namespace ?? "", metadata.name, options).catch((error: unknown) => {
          if (!(error instanceof StatusError && error.code === 404)) throw error;
        }),
      ),
    );
    const page = { objects: doomed, revision, continueToken: "" };
    const pieces = encodeList(definition, page, renditionFor(request.headers.accept, url), now());
    await sendPieces(response, "application/json", pieces);
  }

  #stored({ definition, namespace, name }: RequestTarget): KubeObject {
    const stored = this.#options.store.get(definition.id, namespace, name);
    if (!stored) throw refusals.notFound(definition.id, name);
    return stored;
  }

  #write(user: User, target: RequestTarget, draft: KubeObject, options: WriteOptions): Promise<KubeObject> {
    const { definition, subresource, namespace, name } = target;
    const { registry, store, admit } = this.#options;
    options.version = definition.version;
    if (subresource === "status") return registry.updateStatus(definition.id, draft, options);
    admit(user, definition, draft, store.get(definition.id, namespace, name));
    return registry.update(definition.id, draft, options);
  }
}

function sameResource(left: ResourceId, right: ResourceId): boolean {
  return left.group === right.group && left.resource === right.resource;
}

export function renditionFor(accept: string | undefined, url: URL): Rendition {
  const rendition = chooseRendition(accept, url.searchParams.get("includeObject"));
  if (rendition) return rendition;
  const message = "only the following media types are accepted: application/json, application/yaml";
  throw new StatusError(406, "NotAcceptable", message);
}

async function readDeleteOptions(request: Exchange["request"]): Promise<Record<string, unknown>> {
  const given = await readObject(request, "V1DeleteOptions");
  return given ? decode("V1DeleteOptions", given).value : {};
}

function deleteOptions(body: Record<string, unknown>, url: URL): DeleteOptions & WriteOptions {
  const given = body as { dryRun?: string[]; orphanDependents?: boolean } & DeleteOptions;
  const policy = given.propagationPolicy ?? url.searchParams.get("propagationPolicy") ?? undefined;
  if (policy !== undefined && policy !== "Background" && policy !== "Foreground" && policy !== "Orphan") {
    const message = `DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: ${JSON.stringify(policy)}: supported values: "Foreground", "Background", "Orphan", "nil"`;
    throw new StatusError(422, "Invalid", message);
  }
  return {
    gracePeriodSeconds: given.gracePeriodSeconds ?? wholeNumber(url, "gracePeriodSeconds"),
    propagationPolicy: given.orphanDependents ? "Orphan" : policy,
    preconditions: given.preconditions,
    dryRun: isDryRun(url, given),
  };
}

function writeOptions(url: URL): WriteOptions {
  return { dryRun: isDryRun(url) };
}

function checkKind(given: Record<string, unknown>, definition: ResourceDefinition): Record<string, unknown> {
  const { kind, apiVersion } = given;
  const wanted = apiVersionOf(definition);
  if (kind !== undefined && (kind !== definition.kind || apiVersion !== wanted)) {
    const message = `the object provided is unrecognized (must be of type ${definition.kind}): ${JSON.stringify(apiVersion)}, Kind=${JSON.stringify(kind)} is not ${wanted}, Kind=${definition.kind}`;
    throw refusals.badRequest(message);
  }
  return given;
}

function namespacedMetadata(given: Record<string, unknown>, { definition, namespace }: RequestTarget): Record<string, unknown> {
  const metadata = given.metadata ?? {};
  if (typeof metadata !== "object" || Array.isArray(metadata)) throw refusals.badRequest("metadata must be an object");
  const fields = metadata as Record<string, unknown>;
  if (!definition.namespaced) return fields;
  if (!namespace) throw refusals.badRequest("an empty namespace may not be set during creation");
  if (fields.namespace && fields.namespace !== namespace) {
    throw refusals.badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  return { ...fields, namespace };
}

export function send(
  response: Exchange["response"],
  code: number,
  definition: ResourceDefinition,
  object: KubeObject,
  rendition: Rendition,
  now: Date,
): void {
  const bytes = encodeOne(definition, object, rendition, now);
  if (rendition.form === "objects" && rendition.isYaml) sendYaml(response, code, bytes);
  else sendBytes(response, code, "application/json", bytes);
}
