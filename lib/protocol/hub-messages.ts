import { z } from "zod";
import { encodeFrame, type Frame, frameFlags, frameHeaderBytes, sealFrame } from "#lib/protocol/frame.ts";
import { batchBytes, decodeBatch, maxLabelLength, originRoles, ReadingBlock, writeBatch } from "#lib/protocol/hub-batch.ts";
import { parsePorts } from "#lib/protocol/hub-ports.ts";

/** The version of the conversation (the frames have one of their own). A hub refuses a hello of another one. */
export const hubProtocolVersion = 2;

/** The largest payload of a frame between peers that know each other: a result of 65,535 open ports fits. */
export const maxHubPayloadBytes = 4 * 1024 * 1024;

/** A trace that the sender is part of: W3C Trace Context, level 1. */
const traceparent = z
  .string()
  .regex(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/)
  .optional();

/** A name. Half of a surrogate pair is none: it could be written neither as UTF-8 nor into a URL. */
export const label = z
  .string()
  .min(1)
  .max(maxLabelLength)
  .refine((text) => text.isWellFormed(), "is no well-formed Unicode");

/** A peer of role `hub` passes on what others sent to it. */
export const hubRoles = ["connector", "edge", "client", "hub"] as const;
export type HubRole = (typeof hubRoles)[number];

/** Why something was refused or failed. Errors without a request (id 0) are followed by the end of the connection. */
export const hubErrorCodes = [
  "bad_frame",
  "bad_message",
  "unauthorized",
  "unsupported_version",
  "handshake_timeout",
  "silent",
  "slow_consumer",
  "replaced",
  "not_allowed",
  "invalid_scan",
  "target_refused",
  "no_connector",
  "busy",
  "credit_exceeded",
  "timeout",
  "cancelled",
  "connector_lost",
  "shutting_down",
  "internal",
] as const;
export type HubErrorCode = (typeof hubErrorCodes)[number];

const portList = z
  .string()
  .max(100_000)
  .refine((text) => {
    try {
      return parsePorts(text).length > 0;
    } catch {
      return false;
    }
  }, "wants ports such as 22,80,8440-8446");

const portListOrNone = z.string().max(500_000);

/** Longest banner in a result, in characters. */
export const maxBannerChars = 1024;

/** A job with the token of the lease under which it was handed over. */
const heldJob = z.object({ job: label, lease: z.number().int().min(1) });

/**
 * What a peer may have sent without an acknowledgement: so many readings, and so many bytes of them (ReadingBlock.byteLength). A new
 * credit takes the place of the one before; zero means to wait for another one.
 */
const credit = z.object({ readings: z.number().int().min(0), bytes: z.number().int().min(0) });

const readings = z.instanceof(ReadingBlock);

/** The body of every message, by name. Unknown fields are ignored, so that a newer peer may add some. */
export const hubMessageSchemas = {
  /** First message of a peer. */
  hello: z.object({
    protocolVersion: z.number().int(),
    role: z.enum(hubRoles),
    tenant: label,
    instance: label,
    token: z.string().max(1000),
    /** The software's version, for people. */
    version: z.string().max(100),
    /** For a connector: how many scans it takes at a time. */
    capacity: z.number().int().min(1).max(10_000).optional(),
    /** Of this connection. */
    traceparent,
  }),
  /** The hub's answer to a good hello. */
  welcome: z.object({
    protocolVersion: z.number().int(),
    hub: label,
    version: z.string().max(100),
    heartbeatIntervalMs: z.number().int().min(10),
    /** To begin with. A peer that is given none may send no batch. */
    credit: credit.optional(),
  }),
  /** Answered by a heartbeat; sent by clients every heartbeatIntervalMs. */
  heartbeat: z.object({}),
  /** A request for a TCP connect scan, from client to hub and from hub to connector. Answered by progress, then result or error. */
  scan: z.object({
    /**
     * The client's name for a job that outlives its connection and the hub: asked again, it gets the same result. A hub names
     * every job that it hands to a connector.
     */
    job: label.optional(),
    /** From the hub: the token of the job's lease. The connector scans once for a job, however often it is handed over. */
    lease: z.number().int().min(1).optional(),
    /** An address or a name, which the connector resolves. */
    target: z.string().min(1).max(253),
    /** Such as "22,80,8440-8446". */
    ports: portList,
    /** The whole scan's time; what was not tried by then is reported as unknown. */
    timeoutMs: z.number().int().min(100).max(3_600_000),
    /** Time for one port to answer before it counts as filtered. */
    portTimeoutMs: z.number().int().min(10).max(60_000).default(1_000),
    /** Whether to wait for what the service of an open port says first; nothing is sent to it. */
    banners: z.boolean().optional(),
    traceparent,
  }),
  progress: z.object({ scanned: z.number().int(), total: z.number().int(), open: z.number().int() }),
  result: z.object({
    target: z.string().max(253),
    /** The address that was scanned. */
    address: z.string().max(100),
    connector: label,
    startedAt: z.iso.datetime(),
    durationMs: z.number(),
    /** False when time or the connector ran out first: the rest is in `unknown`. */
    complete: z.boolean(),
    open: z
      .array(
        z.object({
          port: z.number().int(),
          connectMs: z.number(),
          /** What the service said first: printable ASCII, other bytes as "\xNN". Absent when it said nothing. */
          banner: z.string().max(maxBannerChars).optional(),
        }),
      )
      .max(65_535),
    /** Refused the connection. */
    closed: portListOrNone,
    /** Did not answer in time, or is not reachable. */
    filtered: portListOrNone,
    /** Not tried, or the scanner itself lacked something (sockets, addresses). */
    unknown: portListOrNone,
  }),
  /** Ends the request of the same id; it is then answered by error `cancelled` or by what there is. */
  cancel: z.object({ reason: z.string().max(1000) }),
  /**
   * A connector's first request: the jobs that it works on, or whose result no hub has acknowledged. The hub answers with those
   * that it takes up again; the connector gives up the others.
   */
  holding: z.object({ jobs: z.array(heldJob).max(10_000) }),
  /** From hub to connector: the result of this job is stored, or nobody wants it. */
  forget: heldJob,
  /**
   * What an edge's sensors said: readings of one stream, numbered in a row from `first`. Answered by ack, in the order in which
   * batches came; a hub that cannot take one ends the connection, so that none after it is taken. Not JSON: see hub-batch.ts.
   */
  batch: z.object({
    stream: label,
    first: z.number().int().min(1),
    readings,
    origin: z.object({ role: z.enum(originRoles), tenant: label, instance: label }).optional(),
  }),
  /** From a sensor to its edge: readings that have no number yet. Answered by ack once they are kept. Not JSON: see hub-batch.ts. */
  readings: z.object({ readings }),
  /** From the hub: from now on this is the credit. */
  credit,
  /** Everything of the stream up to and including this sequence is taken over. */
  ack: z.object({
    sequence: z.number().int(),
    accepted: z.number().int(),
    duplicates: z.number().int(),
    /** Numbers before the batch that never came. */
    missing: z.number().int().optional(),
  }),
  error: z.object({ code: z.enum(hubErrorCodes), message: z.string().max(2000) }),
  /** The hub stops: it takes no new work, finishes what runs for up to graceMs, then closes. */
  shutdown: z.object({ reason: z.string().max(1000), graceMs: z.number().int() }),
} as const;

export type HubMessageName = keyof typeof hubMessageSchemas;
export type HubBody<N extends HubMessageName> = z.output<(typeof hubMessageSchemas)[N]>;
export type HubCredit = z.output<typeof credit>;

/** A message to be sent. */
export type HubMessage = { [N in HubMessageName]: { name: N; body: HubBody<N> } }[HubMessageName];

/** A message as it came: with the request that it makes or answers. */
export type HubEnvelope = HubMessage & { id: number; reply: boolean; more: boolean };

const codes: Record<HubMessageName, number> = {
  hello: 1,
  welcome: 2,
  heartbeat: 3,
  scan: 16,
  progress: 17,
  result: 18,
  cancel: 19,
  holding: 20,
  forget: 21,
  batch: 32,
  ack: 33,
  readings: 34,
  credit: 35,
  error: 48,
  shutdown: 49,
};

const names = new Map(Object.entries(codes).map(([name, code]) => [code, name as HubMessageName]));

/** An error that goes over the wire as it is. */
export class HubError extends Error {
  override readonly name = "HubError";
  readonly code: HubErrorCode;

  constructor(code: HubErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** A message as the bytes of one frame. */
export function encodeMessage(message: HubMessage, id: number, { reply = false, more = false } = {}): Buffer {
  const flags = (reply ? frameFlags.reply : 0) | (more ? frameFlags.more : 0);
  const head = { type: codes[message.name], flags, id };
  if (message.name === "batch") {
    const bytes = Buffer.allocUnsafe(frameHeaderBytes + batchBytes(message.body));
    writeBatch(message.body, bytes, frameHeaderBytes);
    return sealFrame(bytes, head);
  }
  if (message.name === "readings") {
    const bytes = Buffer.allocUnsafe(frameHeaderBytes + message.body.readings.encodedBytes);
    message.body.readings.write(bytes, frameHeaderBytes);
    return sealFrame(bytes, head);
  }
  return encodeFrame({ ...head, payload: JSON.stringify(message.body) });
}

/** The message of a frame. Throws HubError `bad_message` when the type is unknown or the body is not what it must be. */
export function decodeMessage(frame: Frame): HubEnvelope {
  const name = names.get(frame.type);
  if (!name) throw new HubError("bad_message", `messages of type ${frame.type} are not known here`);
  const reply = (frame.flags & frameFlags.reply) !== 0;
  const more = (frame.flags & frameFlags.more) !== 0;
  return { name, body: decodeBody(name, frame.payload), id: frame.id, reply, more } as HubEnvelope;
}

function decodeBody(name: HubMessageName, payload: Buffer): HubMessage["body"] {
  if (name === "batch") return decodePacked(name, () => decodeBatch(payload));
  if (name === "readings") return decodePacked(name, () => ({ readings: ReadingBlock.decode(payload) }));
  const result = hubMessageSchemas[name].safeParse(parseJson(payload));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new HubError("bad_message", `${name}: ${issue?.path.join(".") ?? ""} ${issue?.message ?? "is wrong"}`.slice(0, 500));
}

function decodePacked<T>(name: HubMessageName, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof RangeError) throw new HubError("bad_message", `${name}: ${error.message}`);
    throw error;
  }
}

function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch {
    throw new HubError("bad_message", "a payload is not JSON");
  }
}
