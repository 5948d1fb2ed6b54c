import { z } from "zod";
import { type Delta, deltaSchema } from "./relay-delta.ts";

/** The WebSocket subprotocol of these messages. */
export const relayProtocol = "relay.v1";

/** A browser cannot set headers on a WebSocket: it offers this prefix and the token as a second subprotocol. */
export const bearerProtocolPrefix = "bearer.";

/** The most operations that one submission may carry. */
export const maxOperationsPerSubmission = 64;

/** The longest message that the relay takes, in bytes of UTF-8. */
export const maxMessageBytes = 256 * 1024;

/** Close codes of the relay beside those of RFC 6455 (1001 going away, 1009 too big, 1013 try again later). */
export const closeCodes = { protocolError: 4400, tokenExpired: 4401, handshakeTimeout: 4408 } as const;

const clientId = z.guid().toLowerCase();
const revision = z.int().min(0);
const sequence = z.int().min(1);

const cursor = z.strictObject({ position: z.int().min(0), length: z.int().min(0).default(0) });

/** What a client sends. */
export const clientMessageSchema = z.discriminatedUnion("type", [
  /** The first message. Without `since` the relay answers with a snapshot, with it by the operations after that revision. */
  z.strictObject({ type: z.literal("join"), clientId, since: revision.optional() }),
  /**
   * Operations of one client, each made on top of the one before, the first on top of revision `base` of the document. A client
   * has one submission under way at a time. Sending it again, with the same sequences, is safe.
   */
  z.strictObject({
    type: z.literal("submit"),
    base: revision,
    operations: z
      .array(z.strictObject({ sequence, delta: deltaSchema }))
      .min(1)
      .max(maxOperationsPerSubmission),
  }),
  z.strictObject({ type: z.literal("cursor"), cursor: cursor.nullable() }),
  z.strictObject({ type: z.literal("typing") }),
]);
export type ClientMessage = z.infer<typeof clientMessageSchema>;

const committedOperation = z.object({
  revision,
  clientId,
  sequence,
  actor: z.string(),
  delta: z.array(z.custom<Delta[number]>((value) => typeof value === "object" && value !== null)),
});
/** An operation in its final form and place: revision n is the document's n-th operation. */
export type CommittedOperation = z.infer<typeof committedOperation>;

const presenceEvent = z.discriminatedUnion("event", [
  z.object({ event: z.literal("join"), clientId, actor: z.string() }),
  z.object({ event: z.literal("leave"), clientId }),
  z.object({ event: z.literal("cursor"), clientId, cursor: cursor.nullable() }),
  z.object({ event: z.literal("typing"), clientId, typing: z.boolean() }),
]);
export type PresenceEvent = z.infer<typeof presenceEvent>;

export const refusalCodes = [
  "forbidden",
  "invalid_base",
  "in_flight",
  "injected_fault",
  "overloaded",
  "rate_limited",
  "too_complex",
  "unavailable",
] as const;
export type RefusalCode = (typeof refusalCodes)[number];

/** What the relay sends. */
export const serverMessageSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("snapshot"), revision, document: committedOperation.shape.delta }),
  /** The client is caught up; what follows is live. `replica` names the process that answers. */
  z.object({ type: z.literal("joined"), revision, replica: z.string(), version: z.string() }),
  /** Committed operations without a gap. One with the client's own id is the acknowledgement of what it submitted. */
  z.object({ type: z.literal("operations"), operations: z.array(committedOperation) }),
  /**
   * These operations of a submission were not and will not be committed; an earlier submission of them may have been. With
   * `too_complex` others have split an operation so often that it is given up, whichever submission it was in.
   */
  z.object({
    type: z.literal("refused"),
    sequences: z.array(sequence),
    code: z.enum(refusalCodes),
    reason: z.string(),
  }),
  /**
   * What the clients of the document have done, in order; the receiver may be one of them. The first that a client gets has a join for
   * each client that is there on its replica.
   */
  z.object({ type: z.literal("presence"), events: z.array(presenceEvent) }),
  /** The replica is about to stop: connect elsewhere within `graceMs`. */
  z.object({ type: z.literal("shutdown"), graceMs: z.int() }),
]);
export type ServerMessage = z.infer<typeof serverMessageSchema>;

/** What replicas tell each other over Redis about one document. */
export const replicaMessageSchema = z.object({
  replica: z.string(),
  operations: z.array(committedOperation).optional(),
  presence: z.array(presenceEvent).optional(),
});
export type ReplicaMessage = z.infer<typeof replicaMessageSchema>;

/** Parses JSON text by a schema; gives the reason when it does not fit. */
export function decode<S extends z.ZodType>(schema: S, json: string): { value: z.output<S> } | { problem: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return { problem: "not JSON" };
  }
  const result = schema.safeParse(parsed);
  if (result.success) return { value: result.data };
  const issue = result.error.issues[0];
  return { problem: `${issue?.path.join(".") || "message"}: ${issue?.message ?? "does not fit"}` };
}
