/**
 * Reads a few members of a JSON text from its bytes without making objects of the rest. Most of an object of the Kubernetes API is
 * never looked at (managedFields, probes, volumes), and passing over bytes costs a fraction of parsing them. A text that this
 * reader does not understand is given to JSON.parse, which says what is wrong with it.
 */

/** What is wanted: `true` a member as it is; "shared" likewise, equal texts giving one object; a shape its parts, in a list those of each element. */
export type Shape = { readonly [key: string]: true | "shared" | Shape };

type Want = true | "shared" | Plan;
type Wanted = { key: string; bytes: Buffer; want: Want };
type Plan = { wanted: Wanted[]; byLength: Wanted[][]; leaves: number };

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

const other = 0;
const string = 1;
const opening = 2;
const closing = 3;
const kinds = new Uint8Array(256);
kinds[quote] = string;
kinds[openBrace] = kinds[openBracket] = opening;
kinds[closeBrace] = kinds[closeBracket] = closing;

const maxShared = 20_000;
const maxSharedLength = 4096;
const nothing: Buffer = Buffer.alloc(0);

class NotUnderstood extends Error {}

/** Picks what a shape names out of one JSON text after another. */
export class JsonPicker {
  readonly #plan: Plan;
  readonly #shared: Map<string, unknown>;
  #bytes: Buffer = nothing;
  #at = 0;
  #end = 0;
  #leavesLeft = Number.POSITIVE_INFINITY;

  /** Pickers that are given the same map share their shared objects. */
  constructor(shape: Shape, shared: Map<string, unknown> = new Map()) {
    this.#plan = compile(shape);
    this.#shared = shared;
  }

  /** The wanted parts of the text from `start` to `end`. Throws SyntaxError. */
  pick(bytes: Buffer, start = 0, end = bytes.length): unknown {
    this.#open(bytes, start, end);
    try {
      const value = this.#value(this.#plan);
      if (this.#leavesLeft > 0 && this.#next() !== -1) throw new NotUnderstood();
      return value;
    } catch (error) {
      if (!(error instanceof NotUnderstood)) throw error;
      return prune(JSON.parse(bytes.toString("utf8", start, end)), this.#plan);
    } finally {
      this.#bytes = nothing;
    }
  }

  /** As `pick`, but reads no further than to the last wanted member: behind it may be anything. */
  pickBeginning(bytes: Buffer, start: number, end: number): unknown {
    this.#leavesLeft = this.#plan.leaves;
    try {
      return this.pick(bytes, start, end);
    } finally {
      this.#leavesLeft = Number.POSITIVE_INFINITY;
    }
  }

  /** Yields the wanted parts of each element of the list `member` and returns those of the rest. Throws SyntaxError. */
  *pickEach(bytes: Buffer, member: string): Generator<unknown, Record<string, unknown>> {
    let yielded = 0;
    this.#open(bytes, 0, bytes.length);
    try {
      const rest: Record<string, unknown> = {};
      if (this.#next() !== openBrace) throw new NotUnderstood();
      for (let more = this.#enter(closeBrace); more; more = this.#goesOn(closeBrace)) {
        const wanted = this.#key(this.#plan);
        if (wanted === undefined) this.#skip(this.#next());
        else if (wanted.key !== member || this.#next() !== openBracket) rest[wanted.key] = this.#value(wanted.want);
        else {
          for (let inner = this.#enter(closeBracket); inner; inner = this.#goesOn(closeBracket)) {
            const item = this.#value(wanted.want);
            yielded += 1;
            yield item;
          }
        }
      }
      if (this.#next() !== -1) throw new NotUnderstood();
      return rest;
    } catch (error) {
      if (!(error instanceof NotUnderstood)) throw error;
      const { [member]: items, ...rest } = prune(JSON.parse(bytes.toString("utf8")), this.#plan) as Record<string, unknown>;
      yield* (items as unknown[]).slice(yielded);
      return rest;
    }
  }

  #open(bytes: Buffer, start: number, end: number): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  #value(want: Want): unknown {
    const first = this.#next();
    if (typeof want === "object") {
      if (first === openBrace) return this.#object(want);
      if (first === openBracket) return this.#list(want);
    }
    this.#leavesLeft -= 1;
    if (first === quote) return this.#text();
    const start = this.#at;
    this.#skip(first);
    return want === "shared" ? this.#share(start, this.#at) : JSON.parse(this.#bytes.toString("utf8", start, this.#at));
  }

  #object(plan: Plan): Record<string, unknown> {
    const picked: Record<string, unknown> = {};
    for (let more = this.#enter(closeBrace); more; more = this.#goesOn(closeBrace)) {
      const wanted = this.#key(plan);
      if (wanted === undefined) this.#skip(this.#next());
      else picked[wanted.key] = this.#value(wanted.want);
      if (this.#leavesLeft <= 0) break;
    }
    return picked;
  }

  #list(plan: Plan): unknown[] {
    const items: unknown[] = [];
    for (let more = this.#enter(closeBracket); more; more = this.#goesOn(closeBracket)) items.push(this.#value(plan));
    return items;
  }

  /** Passes what opens an object or a list; whether something is in it. */
  #enter(close: number): boolean {
    this.#at += 1;
    if (this.#next() !== close) return true;
    this.#at += 1;
    return false;
  }

  /** Passes what stands behind a member or an element; whether another one follows. */
  #goesOn(close: number): boolean {
    const after = this.#next();
    if (after !== comma && after !== close) throw new NotUnderstood();
    this.#at += 1;
    return after === comma;
  }

  /** Passes a key with its colon; what is wanted of its value. */
  #key({ wanted, byLength }: Plan): Wanted | undefined {
    if (this.#next() !== quote) throw new NotUnderstood();
    const start = this.#at;
    const hasEscape = this.#passString();
    const end = this.#at;
    if (this.#next() !== colon) throw new NotUnderstood();
    this.#at += 1;
    if (hasEscape) {
      const key: unknown = JSON.parse(this.#bytes.toString("utf8", start, end));
      return wanted.find((one) => one.key === key);
    }
    const candidates = byLength[end - start - 2];
    if (candidates === undefined) return undefined;
    for (const one of candidates) if (this.#is(one.bytes, start + 1)) return one;
    return undefined;
  }

  #is(key: Buffer, start: number): boolean {
    for (let index = 0; index < key.length; index += 1) if (key[index] !== this.#bytes[start + index]) return false;
    return true;
  }

  #text(): string {
    const start = this.#at;
    const hasEscape = this.#passString();
    if (hasEscape) return JSON.parse(this.#bytes.toString("utf8", start, this.#at)) as string;
    return this.#bytes.toString("utf8", start + 1, this.#at - 1);
  }

  #share(start: number, end: number): unknown {
    const text = this.#bytes.toString("utf8", start, end);
    const known = this.#shared.get(text);
    if (known !== undefined) return known;
    const value: unknown = JSON.parse(text);
    if (text.length > maxSharedLength || typeof value !== "object" || value === null) return value;
    if (this.#shared.size >= maxShared) this.#shared.clear();
    this.#shared.set(text, value);
    return value;
  }

  /** The next byte that is no white space, -1 at the end; stays on it. */
  #next(): number {
    while (this.#at < this.#end) {
      const byte = this.#bytes[this.#at] as number;
      if (byte > 0x20) return byte;
      this.#at += 1;
    }
    return -1;
  }

  /** Passes a string from its first quote to behind its last one; whether it holds an escape. */
  #passString(): boolean {
    const bytes = this.#bytes;
    const end = this.#end;
    let hasEscape = false;
    for (let at = this.#at + 1; at < end; at += 1) {
      const byte = bytes[at];
      if (byte === quote) {
        this.#at = at + 1;
        return hasEscape;
      }
      if (byte === backslash) {
        hasEscape = true;
        at += 1;
      }
    }
    throw new NotUnderstood();
  }

  /** Passes one value of which `first` is the first byte. */
  #skip(first: number): void {
    const kind = kinds[first];
    if (kind === string) this.#passString();
    else if (kind === opening) this.#skipNested();
    else if (kind === other) this.#skipScalar();
    else throw new NotUnderstood();
  }

  #skipNested(): void {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.#at;
    let depth = 0;
    while (at < end) {
      const kind = kinds[bytes[at] as number];
      at += 1;
      if (kind === other) continue;
      if (kind === string) {
        while (at < end && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
        at += 1;
      } else if (kind === opening) depth += 1;
      else {
        depth -= 1;
        if (depth === 0) {
          this.#at = at;
          return;
        }
      }
    }
    throw new NotUnderstood();
  }

  #skipScalar(): void {
    const start = this.#at;
    while (this.#at < this.#end) {
      const byte = this.#bytes[this.#at] as number;
      if (byte === comma || byte === closeBrace || byte === closeBracket || byte <= 0x20) break;
      this.#at += 1;
    }
    if (this.#at === start) throw new NotUnderstood();
  }
}

function compile(shape: Shape): Plan {
  const wanted = Object.entries(shape).map(
    ([key, want]): Wanted => ({
      key,
      bytes: Buffer.from(key),
      want: typeof want === "object" ? compile(want) : want,
    }),
  );
  const lengths = wanted.map(({ bytes }) => bytes.length);
  const byLength = Array.from({ length: Math.max(0, ...lengths) + 1 }, (_, length) =>
    wanted.filter(({ bytes }) => bytes.length === length),
  );
  return { wanted, byLength, leaves: wanted.reduce((sum, { want }) => sum + (typeof want === "object" ? want.leaves : 1), 0) };
}

function prune(value: unknown, want: Want): unknown {
  if (typeof want !== "object" || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => prune(item, want));
  const members = value as Record<string, unknown>;
  const present = want.wanted.filter(({ key }) => Object.hasOwn(members, key));
  return Object.fromEntries(present.map((one) => [one.key, prune(members[one.key], one.want)]));
}
