import QuillDelta from "quill-delta";
import { z } from "zod";

/**
 * Operations on rich text as plain arrays in Quill's Delta format: components that walk over the document and keep, insert or
 * delete. Lengths are UTF-16 code units. A document is a delta of inserts only. The transform itself is quill-delta's.
 */

export type AttributeValue = string | number | boolean | null;

/** Formatting, e.g. { bold: true }; null takes a format away. */
export type Attributes = Record<string, AttributeValue>;

export type Component =
  | { insert: string; attributes?: Attributes }
  | { retain: number; attributes?: Attributes }
  | { delete: number };

export type Delta = Component[];

/** The verb under which an operation is counted. */
export type OperationType = "insert" | "delete" | "format";

// PostgreSQL's jsonb takes neither lone surrogates nor U+0000.
const wellFormed = (text: string) => text.isWellFormed() && !text.includes("\u0000");
const text = z.string().min(1).max(32_768).refine(wellFormed, "wants well-formed text without U+0000");
const shortText = z.string().max(256).refine(wellFormed, "wants well-formed text without U+0000");
// quill-delta asks `attributes[name] === undefined`, which a name that every object inherits never is.
const attributeName = shortText.min(1).refine((name) => !(name in Object.prototype), "wants a name that objects do not inherit");
// Moving an operation past others lengthens what it retains, so what is submitted again may be longer than what was made.
const movedLength = z
  .int()
  .min(1)
  .max(2 ** 40);
const attributes = z
  .record(attributeName, z.union([shortText, z.number(), z.boolean(), z.null()]))
  .refine((given) => Object.keys(given).length > 0 && Object.keys(given).length <= 32, "wants 1 to 32 attributes");

/** The components of an operation as they may come from outside. */
export const deltaSchema: z.ZodType<Delta> = z
  .array(
    z.union([
      z.strictObject({ insert: text, attributes: attributes.optional() }),
      z.strictObject({ retain: movedLength, attributes: attributes.optional() }),
      z.strictObject({ delete: movedLength }),
    ]),
  )
  .min(1);

/** The most components of an operation when it is made, and the longest that one may retain or delete. */
const maxNewComponents = 256;
const maxNewLength = 0x7fffffff;

/** The most components and bytes of JSON to which an operation may grow while it is moved past others. */
export const maxComponents = 1024;
export const maxDeltaBytes = 240 * 1024;

/** Why a client may not make this operation, if so. */
export function findProblem(delta: Delta): string | undefined {
  const { error } = deltaSchema.safeParse(delta);
  if (error) return error.issues[0]?.message ?? "does not fit";
  if (delta.length > maxNewComponents) return `the operation has more than ${maxNewComponents} components`;
  if (delta.some((component) => lengthOf(component) > maxNewLength)) return `a length is more than ${maxNewLength}`;
  return bytesOf(delta) > maxDeltaBytes / 2 ? `the operation is longer than ${maxDeltaBytes / 2} bytes` : undefined;
}

/**
 * Whether an operation that was moved past others has grown too much: the others split what it deletes or formats. The relay
 * asks after each step and the client before it submits again, so that both give up the same operations.
 */
export function isTooComplex(delta: Delta, before?: Delta): boolean {
  if (delta.length > maxComponents) return true;
  return (!before || delta.length > before.length) && bytesOf(delta) > maxDeltaBytes;
}

function lengthOf(component: Component): number {
  if ("retain" in component) return component.retain;
  return "delete" in component ? component.delete : 0;
}

export function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/**
 * `op`, changed so that it can follow `other` where both were made on the same document. With `otherFirst` the text that
 * `other` inserts at the same place comes before op's, and other's value of an attribute that both set stays. It is empty when
 * `other` has left nothing of it.
 */
export function transform(op: Delta, other: Delta, otherFirst: boolean): Delta {
  return new QuillDelta(other).transform(new QuillDelta(op), otherFirst).ops as Delta;
}

/** The document after `delta`. What reaches past the document's end is ignored, inserts there are appended. */
export function apply(document: Delta, delta: Delta): Delta {
  const { ops } = new QuillDelta(document).compose(new QuillDelta(delta));
  if (ops.every(({ insert }) => insert !== undefined)) return ops as Delta;
  return ops.filter(({ insert }) => insert !== undefined).reduce((merged, op) => merged.push(op), new QuillDelta()).ops as Delta;
}

export function textOf(document: Delta): string {
  return document.map((component) => ("insert" in component ? component.insert : "")).join("");
}

export function insertAt(position: number, text: string, attributes?: Attributes): Delta {
  return new QuillDelta().retain(position).insert(text, attributes).chop().ops as Delta;
}

export function deleteAt(position: number, length: number): Delta {
  return new QuillDelta().retain(position).delete(length).ops as Delta;
}

export function formatAt(position: number, length: number, attributes: Attributes): Delta {
  return new QuillDelta().retain(position).retain(length, attributes).ops as Delta;
}

/** An operation that does several things counts as an insert if it inserts, else as a delete if it deletes. */
export function operationType(delta: Delta): OperationType {
  if (delta.some((component) => "insert" in component)) return "insert";
  return delta.some((component) => "delete" in component) ? "delete" : "format";
}
