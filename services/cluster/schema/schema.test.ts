import { describe, expect, it } from "vitest";
import { DecodeError, decode } from "./decode.ts";
import { decodeProtobuf, ProtobufError } from "./protobuf.ts";

describe("decoding", () => {
  it("leaves out nulls, empty values and unknown fields, and names the latter", () => {
    const given = {
      metadata: { name: "x", labels: {}, creationTimestamp: null },
      spec: { containers: [{ name: "a", args: [], tty: false, colour: 1 }] },
    };
    expect(decode("V1Pod", given)).toEqual({
      value: { metadata: { name: "x" }, spec: { containers: [{ name: "a" }] } },
      unknownFields: ["spec.containers[0].colour"],
    });
  });

  it("keeps zeros, falses and empty structs that mean something", () => {
    const given = {
      spec: { replicas: 0, template: { spec: { volumes: [{ name: "v", emptyDir: {} }], automountServiceAccountToken: false } } },
    };
    expect(decode("V1Deployment", given).value).toEqual(given);
  });

  it("takes numbers for quantities", () => {
    const given = { spec: { containers: [{ name: "a", resources: { limits: { cpu: 1, memory: "64Mi" } } }] } };
    const { spec } = decode("V1Pod", given).value as { spec: { containers: { resources: unknown }[] } };
    expect(spec.containers[0]?.resources).toEqual({ limits: { cpu: "1", memory: "64Mi" } });
  });

  it.each([
    [{ spec: { replicas: "two" } }, "json: cannot unmarshal string into Go struct field spec.replicas of type int32"],
    [{ spec: { template: [] } }, "json: cannot unmarshal array into Go struct field spec.template of type v1.PodTemplateSpec"],
    [{ metadata: { labels: { a: 1 } } }, "json: cannot unmarshal number into Go struct field metadata.labels.a of type string"],
    [{ spec: { paused: "yes" } }, "json: cannot unmarshal string into Go struct field spec.paused of type bool"],
  ])("refuses a field of the wrong type: %o", (given, message) => {
    expect(() => decode("V1Deployment", given)).toThrow(new DecodeError(message));
  });
});

describe("bytes", () => {
  it.each(["", "aGk=", "aGkh", "aGkh\naGk="])("may be %j", (text) => {
    expect(decode("V1Secret", { data: { key: text } }).value).toEqual({ data: { key: text } });
  });

  it.each([
    ["not base64!", 3],
    ["aGk", 3],
    ["a===", 1],
    ["aGk=aGk=", 3],
  ])("are refused when they are no base64, with where: %j", (text, byte) => {
    const refusal = new DecodeError(`illegal base64 data at input byte ${byte}`);
    expect(() => decode("V1Secret", { data: { key: text } })).toThrow(refusal);
  });
});

describe("protobuf", () => {
  const envelope = (inner: Buffer, kind: string) =>
    Buffer.concat([Buffer.from("k8s\0"), field(1, Buffer.concat([field(1, "v1"), field(2, kind)])), field(2, inner)]);

  it("reads strings, maps, nested and inlined structs, numbers and numbers-or-names", () => {
    const metadata = Buffer.concat([field(1, "web"), field(11, Buffer.concat([field(1, "app"), field(2, "web")]))]);
    const port = Buffer.concat([
      field(1, "http"),
      field(2, "TCP"),
      Buffer.from([0x18, 80]),
      field(4, Buffer.concat([Buffer.from([0x08, 1]), field(3, "http")])),
    ]);
    const service = Buffer.concat([field(1, metadata), field(2, field(1, port))]);
    expect(decodeProtobuf(envelope(service, "Service"), "V1Service")).toEqual({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", labels: { app: "web" } },
      spec: { ports: [{ name: "http", protocol: "TCP", port: 80, targetPort: "http" }] },
    });
  });

  it("puts the fields of an inlined struct beside those of its owner", () => {
    const volume = Buffer.concat([field(1, "v"), field(2, field(2, Buffer.alloc(0)))]);
    const pod = field(2, field(1, volume));
    expect(decodeProtobuf(envelope(pod, "Pod"), "V1Pod")).toMatchObject({ spec: { volumes: [{ name: "v", emptyDir: {} }] } });
  });

  it.each([
    Buffer.from("nonsense"),
    Buffer.from("k8s\0\x0a\xff"),
    envelope(Buffer.from([0xff]), "Pod"),
    envelope(Buffer.alloc(0), "Unicorn"),
  ])("refuses bytes that are no object: %o", (bytes) => {
    expect(() => decodeProtobuf(bytes, "V1Pod")).toThrow(ProtobufError);
  });
});

function field(number: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
}
