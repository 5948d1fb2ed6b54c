import type { KubeObject } from "../api.ts";
import { refusals } from "../registry/refusals.ts";
import type { ResourceDefinition } from "../resources/definition.ts";
import { decode } from "../schema/decode.ts";
import type { Exchange } from "./exchange.ts";

type Kind = Pick<ResourceDefinition, "type" | "kind" | "version" | "decode" | "writeWarning">;

/**
 * The warnings that a write is answered with. Fields that the kind does not have are refused, warned of or dropped, as the
 * client asked by fieldValidation.
 */
export function checkFields(definition: Kind, draft: KubeObject, url: URL): string[] {
  const mode = url.searchParams.get("fieldValidation") ?? "Warn";
  const general = definition.writeWarning ? [definition.writeWarning] : [];
  if (mode === "Ignore") return general;
  const unknown = unknownFields(definition, draft).map((field) => `unknown field ${JSON.stringify(field)}`);
  if (unknown.length === 0 || mode !== "Strict") return [...general, ...unknown];
  const { kind, version } = definition;
  const message = `${kind} in version "${version}" cannot be handled as a ${kind}: strict decoding error: ${unknown.join(", ")}`;
  throw refusals.badRequest(message);
}

function unknownFields(definition: Kind, draft: KubeObject): string[] {
  try {
    return (definition.decode?.(draft) ?? decode(definition.type, draft)).unknownFields;
  } catch {
    return [];
  }
}

/** Tells the client of its warnings (RFC 7234, section 5.5), ten at most. */
export function warn(response: Exchange["response"], warnings: string[]): void {
  if (warnings.length === 0) return;
  const before = [response.getHeader("warning") ?? []].flat().map(String);
  const more = warnings.map((text) => `299 - ${asciiOnly(JSON.stringify(text))}`);
  response.setHeader("warning", [...before, ...more].slice(0, 10));
}

function asciiOnly(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (letter) => `\\u${(letter.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`);
}
