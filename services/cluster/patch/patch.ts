import jsonPatch, { type Operation } from "fast-json-patch";
import { type KubeObject, StatusError } from "../api.ts";
import { refusals } from "../registry/refusals.ts";
import { applyMergePatch, isObject } from "./merge-patch.ts";
import { applyStrategicMergePatch } from "./strategic-merge.ts";

export const patchMediaTypes = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
];

/** The object after a patch of the given media type. The object itself stays as it is. */
export function applyPatch(mediaType: string, type: string, object: KubeObject, patch: unknown): Record<string, unknown> {
  if (mediaType === "application/json-patch+json") return applyJsonPatch(object, patch);
  if (!isObject(patch)) throw refusals.badRequest("the patch must be an object");
  const copy = structuredClone(object) as Record<string, unknown>;
  const patched =
    mediaType === "application/merge-patch+json" ? applyMergePatch(copy, patch) : applyStrategicMergePatch(type, copy, patch);
  if (!isObject(patched)) throw refusals.badRequest("the patch does not leave an object");
  return patched;
}

function applyJsonPatch(object: KubeObject, patch: unknown): Record<string, unknown> {
  if (!Array.isArray(patch)) throw refusals.badRequest("a JSON patch must be a list of operations");
  if (patch.length > 10_000) {
    const message = `The allowed maximum operations in a JSON patch is 10000, got ${patch.length}`;
    throw new StatusError(413, "RequestEntityTooLarge", message);
  }
  try {
    const patched = applyOperations(structuredClone(object), patch as Operation[]);
    if (!isObject(patched)) throw refusals.badRequest("the patch does not leave an object");
    return patched;
  } catch (error) {
    if (error instanceof StatusError) throw error;
    const detail = error instanceof Error ? (error.message.split("\n")[0] ?? "") : "unknown error";
    throw new StatusError(422, "Invalid", `the server rejected our request due to an error in our request: ${detail}`);
  }
}

/** One after the other: what copies add up to is limited, or a short patch could double an object without end. */
function applyOperations(object: KubeObject, operations: Operation[]): unknown {
  let document: unknown = object;
  let copiedBytes = 0;
  for (const [index, operation] of operations.entries()) {
    if (isObject(operation) && operation.op === "copy" && typeof operation.from === "string") {
      copiedBytes += JSON.stringify(jsonPatch.getValueByPointer(document, operation.from) ?? null).length;
      if (copiedBytes > copyLimitBytes) {
        const message = `Unable to complete the copy, the accumulated size increase of copy is ${copiedBytes}, exceeding the limit ${copyLimitBytes}`;
        throw new StatusError(413, "RequestEntityTooLarge", message);
      }
    }
    document = jsonPatch.applyOperation(document, operation, true, true, true, index).newDocument;
  }
  return document;
}

const copyLimitBytes = 3 * 1024 * 1024;
