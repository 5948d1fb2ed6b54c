import types from "./types.json" with { type: "json" };

type Fields = Record<string, string>;
const fieldsByType = types as Record<string, Fields>;

/** A field of the wrong JSON type, in the words of Kubernetes' decoder. */
export class DecodeError extends Error {}

export type Decoded = { value: Record<string, unknown>; unknownFields: string[] };

/** Flags that Go leaves out when they are false, because they are no pointers there. */
const plainFlags = new Set([
  "readOnly",
  "paused",
  "stdin",
  "stdinOnce",
  "tty",
  "hostNetwork",
  "hostPID",
  "hostIPC",
  "unschedulable",
  "publishNotReadyAddresses",
]);
/** Strings that say something when they are empty: no class is not the default class. */
const meaningfulEmpty = new Set(["storageClassName"]);
const plainNumbers = new Set(["initialDelaySeconds", "minReadySeconds", "hostPort"]);

/** The fields of a type, or undefined for a scalar. */
export function fieldsOf(type: string): Fields | undefined {
  return fieldsByType[type];
}

/**
 * Reads untyped JSON as a type of types.json: checks the type of every field, leaves out nulls and what Go would not write
 * (empty lists, maps and strings), and leaves out fields that the type does not have, which it reports.
 */
export function decode(type: string, input: unknown): Decoded {
  const unknownFields: string[] = [];
  const decoder = { unknownFields };
  const value = decodeStruct(decoder, type, input, "");
  return { value, unknownFields };
}

type Decoder = { unknownFields: string[] };

function decodeStruct(decoder: Decoder, type: string, input: unknown, path: string): Record<string, unknown> {
  if (typeof input !== "object" || input === null || Array.isArray(input)) throw mismatch(input, path, goName(type));
  const fields = fieldsByType[type] ?? {};
  const output: Record<string, unknown> = {};
  for (const [key, given] of Object.entries(input)) {
    const fieldType = Object.hasOwn(fields, key) ? fields[key] : undefined;
    const fieldPath = path ? `${path}.${key}` : key;
    if (!fieldType) {
      decoder.unknownFields.push(fieldPath);
      continue;
    }
    if (given === null || given === undefined) continue;
    const value = decodeValue(decoder, fieldType, given, fieldPath);
    if (!isLeftOut(key, fieldType, value)) output[key] = value;
  }
  return output;
}

function decodeValue(decoder: Decoder, type: string, input: unknown, path: string): unknown {
  if (type.startsWith("[]")) return decodeList(decoder, type.slice(2), input, path);
  if (type.startsWith("{}")) return decodeMap(decoder, type.slice(2), input, path);
  switch (type) {
    case "any":
      return input;
    case "string":
    case "bytes":
    case "microtime":
    case "time":
      if (typeof input !== "string") throw mismatch(input, path, type === "bytes" ? "[]uint8" : "string");
      if (type === "bytes") checkBase64(input);
      if (type === "time" && Number.isNaN(Date.parse(input)))
        throw new DecodeError(`parsing time ${JSON.stringify(input)} as "2006-01-02T15:04:05Z07:00": cannot parse it`);
      return input;
    case "bool":
      if (typeof input !== "boolean") throw mismatch(input, path, "bool");
      return input;
    case "int32":
    case "int64":
      if (typeof input !== "number" || !Number.isSafeInteger(input)) throw mismatch(input, path, type);
      if (type === "int32" && Math.abs(input) > 2 ** 31 - 1) throw mismatch(input, path, type);
      return input;
    case "double":
      if (typeof input !== "number") throw mismatch(input, path, "float64");
      return input;
    case "intOrString":
      if (typeof input !== "string" && !Number.isSafeInteger(input)) throw mismatch(input, path, "intstr.IntOrString");
      return input;
    case "quantity":
      if (typeof input !== "string" && typeof input !== "number") throw mismatch(input, path, "resource.Quantity");
      return String(input);
    default:
      return decodeStruct(decoder, type, input, path);
  }
}

function decodeList(decoder: Decoder, item: string, input: unknown, path: string): unknown[] {
  if (!Array.isArray(input)) throw mismatch(input, path, `[]${goName(item)}`);
  return input.map((value, index) => {
    if (value === null && fieldsByType[item]) return decodeStruct(decoder, item, {}, `${path}[${index}]`);
    return decodeValue(decoder, item, value, `${path}[${index}]`);
  });
}

function decodeMap(decoder: Decoder, item: string, input: unknown, path: string): Record<string, unknown> {
  if (typeof input !== "object" || input === null || Array.isArray(input))
    throw mismatch(input, path, `map[string]${goName(item)}`);
  const entries = Object.entries(input).map(([key, value]): [string, unknown] => {
    if (value === null && item === "string") return [key, ""];
    return [key, decodeValue(decoder, item, value, `${path}.${key}`)];
  });
  return Object.fromEntries(entries);
}

function isLeftOut(key: string, type: string, value: unknown): boolean {
  if (type === "any") return false;
  if (value === "") return !meaningfulEmpty.has(key);
  if (Array.isArray(value)) return value.length === 0;
  if (type.startsWith("{}")) return Object.keys(value as object).length === 0;
  if (value === false) return plainFlags.has(key);
  return value === 0 && plainNumbers.has(key);
}

/** As Go's base64.StdEncoding reads it: padded, newlines do not count. */
function checkBase64(input: string): void {
  const text = input.replace(/[\r\n]/g, "");
  const letters = text.replace(/={0,2}$/, "");
  const illegal = letters.search(/[^A-Za-z0-9+/]/);
  if (illegal < 0 && text.length % 4 === 0) return;
  throw new DecodeError(`illegal base64 data at input byte ${illegal < 0 ? letters.length : illegal}`);
}

function mismatch(input: unknown, path: string, wanted: string): DecodeError {
  const got = Array.isArray(input)
    ? "array"
    : typeof input === "object"
      ? "object"
      : typeof input === "boolean"
        ? "bool"
        : typeof input === "number"
          ? `number ${Number.isInteger(input) && Math.abs(input) < 2 ** 31 ? "" : String(input)}`.trim()
          : typeof input;
  return new DecodeError(`json: cannot unmarshal ${got} into Go struct field ${path || "object"} of type ${wanted}`);
}

function goName(type: string): string {
  return type.replace(/^(Core|Events|Discovery)?V1/, "v1.");
}
