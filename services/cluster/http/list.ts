import type { KubeObject } from "../api.ts";
import { apiVersionOf, type ResourceDefinition } from "../resources/definition.ts";
import { encodeObject } from "../store/encoding.ts";
import { tableOf } from "../tables/table.ts";
import type { Rendition } from "./negotiation.ts";
import type { Page } from "./pages.ts";

/** The bytes of a list, in pieces: those of its objects are the ones that the store keeps. */
export function encodeList(definition: ResourceDefinition, page: Page, rendition: Rendition, now: Date): Buffer[] {
  const metadata = {
    resourceVersion: String(page.revision),
    ...(page.continueToken ? { continue: page.continueToken } : {}),
    ...(page.remaining ? { remainingItemCount: page.remaining } : {}),
  };
  if (rendition.form === "table") {
    const { version, includeObject } = rendition;
    const apiVersion = `meta.k8s.io/${version}`;
    const shown = page.objects.map((object) => inVersion(definition, object));
    const table = tableOf(definition.table, shown, { now, includeObject, apiVersion, metadata });
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
    const shown = [inVersion(definition, object)];
    return Buffer.from(JSON.stringify(tableOf(definition.table, shown, { now, includeObject, apiVersion, metadata })));
  }
  if (rendition.form === "metadata") {
    const apiVersion = `meta.k8s.io/${rendition.version}`;
    return Buffer.from(JSON.stringify({ kind: "PartialObjectMetadata", apiVersion, metadata: object.metadata }));
  }
  return encodeObject(inVersion(definition, object));
}

/** An object as a version of its kind shows it. */
export function inVersion(definition: ResourceDefinition, object: KubeObject): KubeObject {
  return definition.show?.(object) ?? object;
}
