import { randomUUID } from "node:crypto";
import { applyUpdate, Doc, getState } from "yjs";

/** How a client speaks to the relay or to one of its peers. A delivery is one operation of about 128 bytes at one subscriber. */
export type Dialect = {
  path: (document: string) => string;
  protocol?: string;
  takesOneSubmission?: boolean;
  /** What a client sends first, if anything. */
  greeting: (document: string) => (string | Uint8Array)[];
  /** What shows, in the bytes that a client gets, that it is live; empty when it is from the start. */
  ready: string;
  /** What a client sends for its next operations, at most `most` of them. */
  next: (document: string, most: number) => { data: string | Uint8Array; operations: number };
  /** How many operations a message brings. Throws when it refuses some. */
  count: (data: Buffer) => number;
  /** The answer that a message wants, if any. */
  reply?: (data: Buffer) => string | undefined;
};

const payload = "x".repeat(128);
const perSubmission = 64;

const plain: Dialect = {
  path: (document) => `/${document}`,
  greeting: () => [],
  ready: "",
  next: () => ({ data: payload, operations: 1 }),
  count: () => 1,
};

const socketio: Dialect = {
  path: (document) => `/socket.io/?EIO=4&transport=websocket&document=${document}`,
  greeting: () => ["40"],
  ready: "40{",
  next: () => ({ data: `42${JSON.stringify(["op", "x".repeat(118)])}`, operations: 1 }),
  count: (data) => (data.toString("latin1", 0, 2) === "42" ? 1 : 0),
  reply: (data) => (data.toString("latin1") === "2" ? "3" : undefined),
};

/**
 * Messages of Hocuspocus: the document's name, then Auth (2) or Sync (0) with step 1 (0) or an update (2). Numbers are varints. The
 * server merges updates, so operations are counted by the characters that have come.
 */
function hocuspocus(): Dialect {
  const [edited, seen] = [new Doc(), new Doc()];
  let update: Uint8Array = new Uint8Array();
  let counted = 0;
  edited.on("update", (bytes: Uint8Array) => {
    update = bytes;
  });
  const stroke = "a stroke";
  const named = (document: string, ...parts: (number | Uint8Array)[]) =>
    Buffer.concat([sized(document), ...parts.map((part) => (typeof part === "number" ? Buffer.from([part]) : sized(part)))]);
  return {
    path: () => "/",
    greeting: (document) => [
      named(document, 2, 0, Buffer.from("token"), Buffer.from("4.7.0")),
      named(document, 0, 0, Buffer.from([0])),
    ],
    // What the server says when the token is good.
    ready: "\u0002\u0002\u000aread-write",
    next: (document) => {
      edited.getText("text").insert(0, stroke);
      return { data: named(document, 0, 2, update), operations: 1 };
    },
    count: (data) => {
      const at = 1 + (data[0] ?? 0);
      if (data[at] !== 0 || data[at + 1] !== 2) return 0;
      let start = at + 2;
      while ((data[start] ?? 0) > 127) start += 1;
      applyUpdate(seen, data.subarray(start + 1));
      const before = counted;
      counted = getState(seen.store, edited.clientID) / stroke.length;
      return counted - before;
    },
  };
}

function sized(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  const head: number[] = [];
  let left = bytes.length;
  for (; left > 127; left = Math.floor(left / 128)) head.push((left % 128) + 128);
  return Buffer.concat([Buffer.from([...head, left]), bytes]);
}

/** One writer: every operation is made on top of its own last one, so the base is what it has seen. */
function relay(): Dialect {
  let sequence = 0;
  let revision = 0;
  let isLive = false;
  return {
    path: (document) => `/collab?document=${document}`,
    protocol: "relay.v1",
    takesOneSubmission: true,
    greeting: () => [JSON.stringify({ type: "join", clientId: randomUUID() })],
    ready: '"type":"joined"',
    next: (_, most) => {
      const operations = Array.from({ length: Math.min(most, perSubmission) }, () => {
        sequence += 1;
        return { sequence, delta: sequence % 2 === 1 ? [{ insert: "a stroke" }] : [{ delete: 8 }] };
      });
      return { data: JSON.stringify({ type: "submit", base: revision, operations }), operations: operations.length };
    },
    count: (data) => {
      const message = JSON.parse(data.toString());
      if (message.type === "refused") throw new Error(`the relay refuses: ${message.code}: ${message.reason}`);
      if (message.type === "joined") {
        isLive = true;
        revision = message.revision;
      }
      // What it gets before it is live is the past.
      if (message.type !== "operations" || !isLive) return 0;
      revision = message.operations.at(-1)?.revision ?? revision;
      return message.operations.length;
    },
  };
}

export const dialects = { coalesced: () => plain, bare: () => plain, socketio: () => socketio, hocuspocus, relay };
export type DialectName = keyof typeof dialects;
