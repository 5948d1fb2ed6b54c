import type { KubeObject } from "../api.ts";
import { refusals } from "../registry/refusals.ts";
import { apiVersionOf, type ResourceDefinition } from "../resources/definition.ts";
import { encodeObject } from "../store/encoding.ts";
import { tableOf } from "../tables/table.ts";
import type { Rendition } from "./negotiation.ts";

export type Page = { objects: readonly KubeObject[]; revision: number; continueToken: string; remaining: number };

type Position = { revision: number; after: string };

/**
 * One page of a sorted list. Later pages are read from the present, but carry the revision of the first one, so that a watch
 * from there repeats whatever changed in between.
 */
export function pageOf(objects: readonly KubeObject[], revision: number, limit: number, token: string): Page {
  const position = token ? parseToken(token) : undefined;
  const rest = position ? objects.filter((object) => sortKey(object) > position.after) : objects;
  const shown = limit > 0 ? rest.slice(0, limit) : rest;
  const last = shown.at(-1);
  const pageRevision = position?.revision ?? revision;
  const continueToken = last && shown.length < rest.length ? encodeToken({ revision: pageRevision, after: sortKey(last) }) : "";
  return { objects: shown, revision: pageRevision, continueToken, remaining: rest.length - shown.length };
}

/** The bytes of a list, in pieces: those of its objects are the ones that the store keeps. */
export function encodeList(definition: ResourceDefinition, page: Page, rendition: Rendition, now: Date): Buffer[] {
  const metadata = {
    resourceVersion: String(page.revision),
    ...(page.continueToken ? { continue: page.continueToken, remainingItemCount: page.remaining } : {}),
  };
  if (rendition.form === "table") {
    const { version, includeObject } = rendition;
    const apiVersion = `meta.k8s.io/${version}`;
    const table = tableOf(definition.table, page.objects, { now, includeObject, apiVersion, metadata });
    return [Buffer.from(JSON.stringify(table))];
  }
  if (rendition.form === "metadata") {
    const apiVersion = `meta.k8s.io/${rendition.version}`;
    const items = page.objects.map((object) => ({ kind: "PartialObjectMetadata", apiVersion, metadata: object.metadata }));
    return [Buffer.from(JSON.stringify({ kind: "PartialObjectMetadataList", apiVersion, metadata, items }))];
  }
  const head = { kind: definition.listKind ?? `${definition.kind}List`, apiVersion: apiVersionOf(definition), metadata };
  const pieces: Buffer[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`)];
  for (const [index, object] of page.objects.entries()) {
    if (index > 0) pieces.push(comma);
    pieces.push(encodeObject(inVersion(definition, object)));
  }
  pieces.push(Buffer.from("]}"));
  return pieces;
}

const comma = Buffer.from(",");

/** One object in the form that the client asked for. */
export function encodeOne(definition: ResourceDefinition, object: KubeObject, rendition: Rendition, now: Date): Buffer {
  if (rendition.form === "table") {
    const { version, includeObject } = rendition;
    const apiVersion = `meta.k8s.io/${version}`;
    const metadata = { resourceVersion: object.metadata.resourceVersion };
    return Buffer.from(JSON.stringify(tableOf(definition.table, [object], { now, includeObject, apiVersion, metadata })));
  }
  if (rendition.form === "metadata") {
    const apiVersion = `meta.k8s.io/${rendition.version}`;
    return Buffer.from(JSON.stringify({ kind: "PartialObjectMetadata", apiVersion, metadata: object.metadata }));
  }
  return encodeObject(inVersion(definition, object));
}

/** An object as a version of its kind shows it: versions of a custom resource differ in nothing but their name. */
export function inVersion(definition: ResourceDefinition, object: KubeObject): KubeObject {
  if (definition.type || object.apiVersion === apiVersionOf(definition)) return object;
  return { ...object, apiVersion: apiVersionOf(definition) };
}

function sortKey({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

function encodeToken(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString("base64url");
}

function parseToken(token: string): Position {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
    if (typeof value === "object" && value !== null && "revision" in value && "after" in value) {
      if (typeof value.revision === "number" && typeof value.after === "string") {
        return { revision: value.revision, after: value.after };
      }
    }
  } catch {
    // Refused below: the token is not one of ours.
  }
  throw refusals.badRequest("continue key is not valid");
}
