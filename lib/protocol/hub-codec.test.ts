import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Frame, FrameDecoder, FrameError, frameHeaderBytes } from "#lib/protocol/frame.ts";
import { decodeBatch, encodeBatch, originRoles, packReadings } from "#lib/protocol/hub-batch.ts";
import {
  decodeMessage,
  encodeMessage,
  type HubBody,
  type HubEnvelope,
  HubError,
  type HubMessage,
  type HubMessageName,
  hubErrorCodes,
  hubMessageSchemas,
  hubRoles,
} from "#lib/protocol/hub-messages.ts";

const text = (maxLength: number) => fc.string({ unit: "binary", maxLength: maxLength / 2 });
const label = fc.string({ unit: "binary", minLength: 1, maxLength: 90 });
const integer = fc.integer();
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const time = fc
  .date({ min: new Date("2000-01-01"), max: new Date("2100-01-01"), noInvalidDate: true })
  .map((date) => date.toISOString());
const port = fc.integer({ min: 1, max: 65_535 });
const ports = fc.array(port, { minLength: 1, maxLength: 8 }).map((list) => list.join(","));
const sequence = fc.integer({ min: 1, max: 2 ** 31 });
const credit = fc.record({ readings: fc.nat(), bytes: fc.nat() });
const reading = fc.record({
  sensor: fc.oneof(fc.constantFrom("door", "window"), label),
  atMs: fc.integer({ min: Date.parse("0000-01-01T00:00:00Z"), max: 2 ** 47 - 1 }),
  value: fc.jsonValue().map((value) => JSON.stringify(value)),
});
const readings = fc.array(reading, { minLength: 1, maxLength: 20 }).map(packReadings);

/** One for every message: a new message does not compile here until it has its own. */
const bodies: { [N in HubMessageName]: fc.Arbitrary<HubBody<N>> } = {
  hello: fc.record(
    {
      protocolVersion: integer,
      role: fc.constantFrom(...hubRoles),
      tenant: label,
      instance: label,
      token: text(1000),
      version: text(100),
      capacity: fc.integer({ min: 1, max: 10_000 }),
    },
    { requiredKeys: ["protocolVersion", "role", "tenant", "instance", "token", "version"] },
  ),
  welcome: fc.record(
    { protocolVersion: integer, hub: label, version: text(100), heartbeatIntervalMs: fc.integer({ min: 10 }), credit },
    { requiredKeys: ["protocolVersion", "hub", "version", "heartbeatIntervalMs"] },
  ),
  heartbeat: fc.constant({}),
  scan: fc.record({
    target: label,
    ports,
    timeoutMs: fc.integer({ min: 100, max: 3_600_000 }),
    portTimeoutMs: fc.integer({ min: 10, max: 60_000 }),
    lease: sequence,
    banners: fc.boolean(),
  }),
  progress: fc.record({ scanned: integer, total: integer, open: integer }),
  result: fc.record({
    target: text(253),
    address: text(100),
    connector: label,
    startedAt: time,
    durationMs: number,
    complete: fc.boolean(),
    open: fc.array(fc.record({ port: integer, connectMs: number, banner: text(100) }), { maxLength: 20 }),
    closed: ports,
    filtered: ports,
    unknown: ports,
  }),
  cancel: fc.record({ reason: text(1000) }),
  holding: fc.record({ jobs: fc.array(fc.record({ job: label, lease: sequence }), { maxLength: 20 }) }),
  forget: fc.record({ job: label, lease: sequence }),
  batch: fc.record(
    {
      stream: label,
      first: fc.oneof(fc.integer({ min: 1, max: 2 ** 31 }), fc.integer({ min: 2 ** 40, max: 2 ** 53 - 1_000 })),
      readings,
      origin: fc.record({ role: fc.constantFrom(...originRoles), tenant: label, instance: label }),
    },
    { requiredKeys: ["stream", "first", "readings"] },
  ),
  readings: fc.record({ readings }),
  credit,
  ack: fc.record(
    { sequence: integer, accepted: integer, duplicates: integer, missing: integer },
    { requiredKeys: ["sequence", "accepted", "duplicates"] },
  ),
  error: fc.record({ code: fc.constantFrom(...hubErrorCodes), message: text(2000) }),
  shutdown: fc.record({ reason: text(1000), graceMs: integer }),
};

const names = Object.keys(hubMessageSchemas) as HubMessageName[];
const limit = 64 * 1024;
const options = fc.record({ id: fc.integer({ min: 0, max: 0xffffffff }), reply: fc.boolean(), more: fc.boolean() });

test.each(names)("%s comes out of the wire as it went in, with its request", (name) => {
  fc.assert(
    fc.property(bodies[name], options, (body, { id, reply, more }) => {
      const message = { name, body } as HubMessage;
      const { messages, ...rest } = readAll([encodeMessage(message, id, { reply, more })]);
      expect(messages.map(spellOut)).toEqual([spellOut({ ...message, id, reply, more })]);
      expect(rest).toEqual({ ended: "waiting", heldBytes: 0 });
    }),
    { numRuns: 200 },
  );
});

/** With the readings of blocks one by one, so that they can be compared. */
function spellOut<M extends HubMessage>(message: M) {
  if (message.name !== "batch" && message.name !== "readings") return message;
  const list = [...message.body.readings].map((one) => ({ ...one, value: one.value.toString() }));
  return { ...message, body: { ...message.body, readings: list } };
}

type Outcome = { messages: HubEnvelope[]; ended: string; heldBytes: number };

/** What a peer makes of these bytes: the messages that it read, and how it ended. Any other error is thrown. */
function readAll(chunks: Iterable<Buffer>): Outcome {
  const messages: HubEnvelope[] = [];
  const decoder = new FrameDecoder(limit);
  const take = (frame: Frame) => messages.push(decodeMessage(frame));
  try {
    for (const chunk of chunks) {
      decoder.push(chunk, take);
      if (decoder.bufferedBytes > frameHeaderBytes + limit) throw new Error("more is held than one frame");
    }
    return { messages, ended: "waiting", heldBytes: decoder.bufferedBytes };
  } catch (error) {
    if (error instanceof FrameError || error instanceof HubError) return { messages, ended: error.code, heldBytes: 0 };
    throw error;
  }
}

function spellOutAll(chunks: Iterable<Buffer>) {
  const { messages, ...rest } = readAll(chunks);
  return { messages: messages.map(spellOut), ...rest };
}

/** mulberry32: the same 32-bit numbers in every run. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const frames = names.flatMap((name) =>
  (fc.sample(bodies[name] as fc.Arbitrary<HubBody<HubMessageName>>, { seed: 4, numRuns: 12 }) as HubBody<HubMessageName>[]).map(
    (body, id) => encodeMessage({ name, body } as HubMessage, id),
  ),
);

type Random = (below: number) => number;
const anyFrame = (random: Random) => Buffer.from(frames[random(frames.length)] ?? Buffer.alloc(0));

/** Turns one to four different bits. */
function flip(bytes: Buffer, random: Random, from = 0): Buffer {
  const bits = (bytes.length - from) * 8;
  const turned = new Set(Array.from({ length: bits > 0 ? 1 + random(4) : 0 }, () => random(bits)));
  for (const bit of turned) {
    const at = from + (bit >> 3);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
  }
  return bytes;
}

function sign(bytes: Buffer): Buffer {
  bytes.writeUInt32BE(crc32(bytes.subarray(frameHeaderBytes), crc32(bytes.subarray(0, 16))), 16);
  return bytes;
}

const mutations: Record<string, (random: Random) => Buffer> = {
  "bits flipped": (random) => flip(anyFrame(random), random),
  truncated: (random) => {
    const bytes = anyFrame(random);
    return bytes.subarray(0, random(bytes.length));
  },
  "length changed": (random) => {
    const bytes = anyFrame(random);
    const length = bytes.readUInt32BE(12);
    const lengths = [0, length - 1, length + 1, limit, limit + 1, 0x7fffffff, 0xffffffff, random(limit)];
    bytes.writeUInt32BE(Math.max(0, lengths[random(lengths.length)] ?? 0), 12);
    return random(2) === 0 ? bytes : Buffer.concat([bytes, anyFrame(random)]);
  },
  concatenated: (random) => {
    const [first, second] = [anyFrame(random), anyFrame(random)];
    return Buffer.concat([first.subarray(0, 1 + random(first.length)), second, flip(anyFrame(random), random)]);
  },
  "payload changed under a good checksum": (random) => sign(flip(anyFrame(random), random, frameHeaderBytes)),
  "type, flags and id changed under a good checksum": (random) => {
    const bytes = anyFrame(random);
    for (const at of [3, 4, 5, 8, 9, 10, 11]) bytes[at] = random(256);
    return sign(bytes);
  },
};

/** Heap and buffers in use once everything that can go is gone. */
function usedBytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test("100,000 mutated frames are refused or read as messages, without a crash, a hang or growth of memory", () => {
  const random = createRandom(20_261_121);
  const kinds = Object.entries(mutations);
  const endings = new Set<string>();
  const mutate = (rounds: number) => {
    for (let i = 0; i < rounds; i++) {
      const [kind, mutation] = kinds[i % kinds.length] ?? [];
      const bytes = mutation?.(random) ?? Buffer.alloc(0);
      const { messages, ended } = readAll([bytes]);
      if (kind === "bits flipped") expect(messages).toEqual([]);
      for (const { name, body } of messages) if (!hubMessageSchemas[name].safeParse(body).success) throw new Error(name);
      endings.add(ended);
    }
  };
  mutate(25_000);
  // What leaks grows in every round; what is only not yet freed does not.
  const growth = [1, 2, 3].map(() => {
    const before = usedBytes();
    mutate(25_000);
    return usedBytes() - before;
  });
  expect(Math.min(...growth)).toBeLessThan(4 * 1024 * 1024);
  const wanted = ["waiting", "bad_magic", "bad_version", "bad_reserved", "too_long", "bad_checksum", "bad_message"];
  expect([...endings].sort()).toEqual(wanted.sort());
}, 120_000);

test("what a peer makes of bytes, good or mutated, is the same wherever they are split", () => {
  const random = createRandom(4);
  const short = Object.values(mutations).flatMap((mutation) => Array.from({ length: 20 }, () => mutation(random)));
  for (const bytes of [...frames.slice(0, 30), ...short].map((list) => list.subarray(0, 400))) {
    const whole = JSON.stringify(spellOutAll([bytes]));
    const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
    if (JSON.stringify(spellOutAll(single)) !== whole) throw new Error(`differs byte by byte: ${bytes.toString("hex")}`);
    for (let at = 1; at < bytes.length; at++) {
      const split = JSON.stringify(spellOutAll([bytes.subarray(0, at), bytes.subarray(at)]));
      if (split !== whole) throw new Error(`differs when split at ${at}: ${bytes.toString("hex")}`);
    }
  }
}, 120_000);

test.each([-(2 ** 47), Date.parse("0000-01-01T00:00:00Z") - 1])(
  "a block with a reading at %i ms, which ISO 8601 does not write with four digits, is refused",
  (atMs) => {
    const readings = packReadings([{ sensor: "s", atMs: 0, value: "1" }]);
    const bytes = encodeBatch({ stream: "a", first: 1, readings });
    bytes.writeIntBE(atMs, bytes.length - 11, 6);
    expect(() => decodeBatch(bytes)).toThrow("years 0 to 6429");
    expect(() => packReadings([{ sensor: "s", atMs, value: "1" }])).toThrow("years 0 to 6429");
  },
);
