import { fieldsOf } from "./decode.ts";
import wire from "./wire.json" with { type: "json" };

/**
 * Reads objects in Kubernetes' protobuf form, which newer clients use for the kinds that they know by type: the bytes `k8s\0`,
 * then a runtime.Unknown that names the kind and holds the object. Answers always go out as JSON.
 */
const messages = wire as Record<string, Record<string, string>>;
const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

export class ProtobufError extends Error {}

type Json = Record<string, unknown>;
type Field = { number: number; value: bigint | Buffer };

/** Numbers for which Go has a pointer, so that a zero was given on purpose. */
const meaningfulZeros = new Set([
  "replicas",
  "terminationGracePeriodSeconds",
  "gracePeriodSeconds",
  "tolerationSeconds",
  "revisionHistoryLimit",
  "progressDeadlineSeconds",
  "runAsUser",
  "runAsGroup",
  "fsGroup",
  "priority",
  "minAvailable",
  "maxUnavailable",
  "maxSurge",
  "partition",
  "minReplicas",
  "stabilizationWindowSeconds",
  "parallelism",
  "completions",
  "backoffLimit",
  "ttlSecondsAfterFinished",
  "activeDeadlineSeconds",
  "startingDeadlineSeconds",
  "successfulJobsHistoryLimit",
  "failedJobsHistoryLimit",
]);

const messageNames: Record<string, string> = {
  "v1/DeleteOptions": "meta.v1.DeleteOptions",
  "meta.k8s.io/v1/DeleteOptions": "meta.v1.DeleteOptions",
  "apps/v1/": "apps.v1.",
  "autoscaling/v1/": "autoscaling.v1.",
  "policy/v1/": "policy.v1.",
  "discovery.k8s.io/v1/": "discovery.v1.",
  "coordination.k8s.io/v1/": "coordination.v1.",
  "authorization.k8s.io/v1/": "authorization.v1.",
  "authentication.k8s.io/v1/": "authentication.v1.",
  "autoscaling/v2/": "autoscaling.v2.",
  "batch/v1/": "batch.v1.",
  "networking.k8s.io/v1/": "networking.v1.",
  "storage.k8s.io/v1/": "storage.v1.",
  "rbac.authorization.k8s.io/v1/": "rbac.v1.",
  "v1/": "core.v1.",
};

/** The object in `bytes` as JSON, to be decoded further as `type` of types.json. */
export function decodeProtobuf(bytes: Buffer, type: string): Json {
  if (!bytes.subarray(0, 4).equals(magic)) throw new ProtobufError("provided data does not appear to be a protobuf message");
  let apiVersion = "";
  let kind = "";
  let raw = Buffer.alloc(0);
  for (const { number, value } of readFields(bytes.subarray(4))) {
    if (typeof value === "bigint") continue;
    if (number === 2) raw = Buffer.from(value);
    if (number !== 1) continue;
    for (const inner of readFields(value)) {
      if (inner.number === 1) apiVersion = String(inner.value);
      if (inner.number === 2) kind = String(inner.value);
    }
  }
  const message = messageName(apiVersion, kind);
  return { ...readMessage(message, type, raw), apiVersion, kind };
}

function messageName(apiVersion: string, kind: string): string {
  const exact = messageNames[`${apiVersion}/${kind}`];
  const name = exact ?? `${messageNames[`${apiVersion}/`] ?? ""}${kind}`;
  if (Object.hasOwn(messages, name)) return name;
  throw new ProtobufError(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
}

function readMessage(message: string, type: string, bytes: Buffer): Json {
  const layout = messages[message] ?? {};
  const fields = fieldsOf(type) ?? {};
  const result: Json = {};
  for (const { number, value } of readFields(bytes)) {
    const [name = "", shape = ""] = (layout[number] ?? "").split(":");
    if (!name) continue;
    const jsonType = fields[name];
    if (shape.startsWith("[]")) {
      const item = readValue(shape.slice(2), (jsonType ?? "[]any").slice(2), value);
      result[name] = [...((result[name] as unknown[] | undefined) ?? []), item];
    } else if (shape.startsWith("{}")) {
      const [key, item] = readEntry(shape.slice(2), value);
      result[name] = { ...(result[name] as Json | undefined), [key]: item };
    } else if (jsonType === undefined && shape.includes(".")) {
      // A struct that Go inlines: its fields stand beside those of its owner.
      if (typeof value !== "bigint") Object.assign(result, readMessage(shape, type, value));
    } else {
      const read = readValue(shape, jsonType ?? "any", value);
      if (read !== undefined && !(read === 0 && !meaningfulZeros.has(name))) result[name] = read;
    }
  }
  return result;
}

function readEntry(shape: string, value: bigint | Buffer): [string, unknown] {
  let key = "";
  let item: unknown = shape === "string" || shape === "bytes" ? "" : undefined;
  if (typeof value === "bigint") throw new ProtobufError("illegal wireType 0 for a map entry");
  for (const field of readFields(value)) {
    if (field.number === 1) key = String(field.value);
    if (field.number === 2) item = readValue(shape, "any", field.value);
  }
  return [key, item];
}

function readValue(shape: string, type: string, value: bigint | Buffer): unknown {
  if (typeof value === "bigint") {
    if (shape === "bool") return value !== 0n;
    return Number(BigInt.asIntN(64, value));
  }
  switch (shape) {
    case "string":
      return value.toString();
    case "bytes":
      return value.toString("base64");
    case "meta.v1.Time":
    case "meta.v1.MicroTime":
      return readTime(value, shape === "meta.v1.MicroTime");
    case "util.intstr.IntOrString":
      return readIntOrString(value);
    case "api.resource.Quantity":
      return String(readFields(value).find(({ number }) => number === 1)?.value ?? "0");
    case "runtime.RawExtension":
      return JSON.parse(String(readFields(value).find(({ number }) => number === 1)?.value ?? "null"));
    case "meta.v1.FieldsV1":
      return undefined;
    default:
      return readMessage(shape, type, value);
  }
}

function readTime(bytes: Buffer, isMicro: boolean): string | undefined {
  let seconds = 0;
  let nanoseconds = 0;
  const fields = readFields(bytes);
  if (fields.length === 0) return undefined;
  for (const { number, value } of fields) {
    if (number === 1) seconds = Number(BigInt.asIntN(64, BigInt(String(value))));
    if (number === 2) nanoseconds = Number(value);
  }
  if (Math.abs(seconds) > 8.64e12) throw new ProtobufError("a time lies outside of the calendar");
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  if (!isMicro) return `${text}Z`;
  return `${text}.${String(Math.trunc(nanoseconds / 1000)).padStart(6, "0")}Z`;
}

function readIntOrString(bytes: Buffer): string | number {
  const fields = new Map(readFields(bytes).map(({ number, value }) => [number, value]));
  if (Number(fields.get(1) ?? 0) === 1) return String(fields.get(3) ?? "");
  return Number(BigInt.asIntN(64, BigInt(String(fields.get(2) ?? 0))));
}

function readFields(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  let position = 0;
  while (position < bytes.length) {
    const tag = Number(readVarint());
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        fields.push({ number, value: readVarint() });
        break;
      case 1:
        fields.push({ number, value: take(8) });
        break;
      case 2:
        fields.push({ number, value: take(Number(readVarint())) });
        break;
      case 5:
        fields.push({ number, value: take(4) });
        break;
      default:
        throw new ProtobufError(`illegal wireType ${tag % 8}`);
    }
  }
  return fields;

  function take(length: number): Buffer {
    const end = position + length;
    if (end > bytes.length) throw new ProtobufError("unexpected EOF");
    const slice = bytes.subarray(position, end);
    position = end;
    return slice;
  }

  function readVarint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[position];
      if (byte === undefined) throw new ProtobufError("unexpected EOF");
      position += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new ProtobufError("integer overflow");
  }
}
