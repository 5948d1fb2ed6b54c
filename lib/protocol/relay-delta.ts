/**
 * Operational transform on rich text in Quill's Delta format: an operation is a list of components that walk over the document
 * and keep, insert or delete. Lengths are UTF-16 code units. A document is a delta of inserts only.
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

/** Both operations in one: `compose(a, b)` does what `a` and then `b` do. */
export function compose(first: Delta, second: Delta): Delta {
  const a = new Walker(first);
  const b = new Walker(second);
  const out: Delta = [];
  while (a.hasMore || b.hasMore) {
    if (b.kind === "insert") push(out, b.take());
    else if (a.kind === "delete") push(out, a.take());
    else {
      const length = Math.min(a.length, b.length);
      const under = a.take(length);
      const over = b.take(length);
      if ("retain" in over) push(out, withAttributes(under, over.attributes));
      else if ("retain" in under) push(out, over);
    }
  }
  return withoutTail(out);
}

/**
 * `op`, changed so that it can follow `other` where both were made on the same document. With `otherFirst` the text that
 * `other` inserts at the same place comes before op's, and other's value of an attribute that both set stays.
 * For any a, b: compose(a, transform(b, a, true)) equals compose(b, transform(a, b, false)).
 */
export function transform(op: Delta, other: Delta, otherFirst: boolean): Delta {
  const theirs = new Walker(other);
  const ours = new Walker(op);
  const out: Delta = [];
  while (theirs.hasMore || ours.hasMore) {
    if (theirs.kind === "insert" && (otherFirst || ours.kind !== "insert")) push(out, { retain: lengthOf(theirs.take()) });
    else if (ours.kind === "insert") push(out, ours.take());
    else {
      const length = Math.min(theirs.length, ours.length);
      const over = theirs.take(length);
      const mine = ours.take(length);
      if ("delete" in over) continue;
      if ("delete" in mine) push(out, mine);
      else if ("retain" in mine) push(out, retain(length, transformAttributes(mine.attributes, attributesOf(over), otherFirst)));
    }
  }
  return withoutTail(out);
}

/** The document after `delta`. What reaches past the document's end is ignored, inserts there are appended. */
export function apply(document: Delta, delta: Delta): Delta {
  return compose(document, delta).filter((component) => "insert" in component);
}

export function textOf(document: Delta): string {
  return document.map((component) => ("insert" in component ? component.insert : "")).join("");
}

export function insertAt(position: number, text: string, attributes?: Attributes): Delta {
  return withoutTail(push(push([], { retain: position }), attributes ? { insert: text, attributes } : { insert: text }));
}

export function deleteAt(position: number, length: number): Delta {
  return push(push([], { retain: position }), { delete: length });
}

export function formatAt(position: number, length: number, attributes: Attributes): Delta {
  return push(push([], { retain: position }), { retain: length, attributes });
}

/** An operation that does several things counts as an insert if it inserts, else as a delete if it deletes. */
export function operationType(delta: Delta): OperationType {
  if (delta.some((component) => "insert" in component)) return "insert";
  return delta.some((component) => "delete" in component) ? "delete" : "format";
}

class Walker {
  readonly #components: Delta;
  #index = 0;
  #offset = 0;

  constructor(components: Delta) {
    this.#components = components;
  }

  get hasMore(): boolean {
    return this.#index < this.#components.length;
  }

  get kind(): "insert" | "retain" | "delete" {
    const component = this.#components[this.#index];
    if (!component || "retain" in component) return "retain";
    return "insert" in component ? "insert" : "delete";
  }

  get length(): number {
    const component = this.#components[this.#index];
    return component ? lengthOf(component) - this.#offset : Number.POSITIVE_INFINITY;
  }

  /** The next `length` units of the current component; past the end, a retain. */
  take(length = this.length): Component {
    const component = this.#components[this.#index];
    if (!component) return { retain: length };
    const from = this.#offset;
    const taken = Math.min(length, lengthOf(component) - from);
    this.#offset += taken;
    if (this.#offset === lengthOf(component)) {
      this.#index += 1;
      this.#offset = 0;
    }
    if ("delete" in component) return { delete: taken };
    if ("retain" in component) return retain(taken, component.attributes);
    return { ...component, insert: component.insert.slice(from, from + taken) };
  }
}

function lengthOf(component: Component): number {
  if ("insert" in component) return component.insert.length;
  return "retain" in component ? component.retain : component.delete;
}

function attributesOf(component: Component): Attributes | undefined {
  return "delete" in component ? undefined : component.attributes;
}

function retain(length: number, attributes: Attributes | undefined): Component {
  return attributes && Object.keys(attributes).length > 0 ? { retain: length, attributes } : { retain: length };
}

function withAttributes(under: Component, over: Attributes | undefined): Component {
  if (!over || "delete" in under) return under;
  const merged = { ...under.attributes, ...over };
  if ("retain" in under) return retain(under.retain, merged);
  const attributes = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
  return Object.keys(attributes).length > 0 ? { insert: under.insert, attributes } : { insert: under.insert };
}

function transformAttributes(mine: Attributes | undefined, theirs: Attributes | undefined, otherFirst: boolean) {
  if (!mine || !theirs || !otherFirst) return mine;
  return Object.fromEntries(Object.entries(mine).filter(([key]) => !Object.hasOwn(theirs, key)));
}

/** Appends, merging with what is there. Inserts go before deletes at the same place, so that equal deltas look equal. */
function push(out: Delta, component: Component): Delta {
  if (lengthOf(component) === 0) return out;
  const last = out.at(-1);
  if (last && "delete" in last && "insert" in component) {
    out.pop();
    push(out, component);
    out.push(last);
    return out;
  }
  const merged = last && merge(last, component);
  if (merged) out[out.length - 1] = merged;
  else out.push(component);
  return out;
}

function merge(a: Component, b: Component): Component | undefined {
  if ("delete" in a) return "delete" in b ? { delete: a.delete + b.delete } : undefined;
  if ("delete" in b || !sameAttributes(a.attributes, b.attributes)) return undefined;
  if ("insert" in a) return "insert" in b ? { ...a, insert: a.insert + b.insert } : undefined;
  return "retain" in b ? { ...a, retain: a.retain + b.retain } : undefined;
}

function sameAttributes(a: Attributes = {}, b: Attributes = {}): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

function withoutTail(delta: Delta): Delta {
  const last = delta.at(-1);
  if (last && "retain" in last && !last.attributes) delta.pop();
  return delta;
}
