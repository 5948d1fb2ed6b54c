import { describe, expect, it } from "vitest";
import { type Delta, deleteAt, insertAt } from "./relay-delta.ts";
import { type ClientMessage, clientMessageSchema, decode, maxMessageBytes, type ServerMessage } from "./relay-messages.ts";
import { RelaySync } from "./relay-sync.ts";

const clientId = "0b8f0f6e-54a5-4b52-9a3e-0f5d0c1b2a3d";
const joined: ServerMessage = { type: "joined", revision: 0, replica: "r", version: "0" };
const snapshot: ServerMessage = { type: "snapshot", revision: 0, document: [] };

function createSync() {
  const sent: ClientMessage[] = [];
  const told: string[] = [];
  const sync = new RelaySync(clientId, {
    send: (message) => sent.push(message),
    submitted: () => told.push("submitted"),
    settled: () => told.push("settled"),
    pause: () => told.push("pause"),
    operation: () => {},
    snapshot: () => {},
    presence: (event) => told.push(`${event.event} of ${event.clientId}`),
  });
  return { sync, sent, told };
}

function live() {
  const created = createSync();
  created.sync.opened();
  created.sync.receive(snapshot);
  created.sync.receive(joined);
  created.sent.length = 0;
  return created;
}

const committed = (revision: number, sequence: number, delta = insertAt(0, "a"), id = clientId): ServerMessage => ({
  type: "operations",
  operations: [{ revision, clientId: id, sequence, actor: "a", delta }],
});
const other = "1b8f0f6e-54a5-4b52-9a3e-0f5d0c1b2a3d";
const splitting = (times: number): Delta => Array.from({ length: times }, (): Delta => [{ retain: 1 }, { insert: "x" }]).flat();
const outcome = (submitted: Promise<unknown>) =>
  submitted.then(
    () => "committed",
    (error: { code: string }) => error.code,
  );

describe("the state of a client", () => {
  it("resumes from what it has, even when the connection ended before it had caught up", () => {
    const { sync, sent } = createSync();
    sync.opened();
    sync.receive(snapshot);
    sync.receive(committed(1, 1, insertAt(0, "abc"), other));
    sync.closed();
    sync.opened();
    expect(sent).toEqual([
      { type: "join", clientId },
      { type: "join", clientId, since: 1 },
    ]);
  });

  it("is told what others do, not what it does itself", () => {
    const { sync, told } = live();
    sync.receive({
      type: "presence",
      events: [
        { event: "join", clientId, actor: "a" },
        { event: "join", clientId: other, actor: "b" },
        { event: "cursor", clientId: other, cursor: null },
        { event: "leave", clientId: other },
      ],
    });
    expect(told).toEqual([`join of ${other}`, `cursor of ${other}`, `leave of ${other}`]);
  });

  it("does not take the refusal of a submission that is acknowledged for one of the next submission", async () => {
    const { sync, sent } = live();
    const first = outcome(sync.submit(insertAt(0, "a")));
    sync.receive(committed(1, 1));
    const second = outcome(sync.submit(insertAt(1, "b")));
    sync.receive({ type: "refused", sequences: [1], code: "overloaded", reason: "late" });
    expect(sync.isWaiting).toBe(true);
    sync.receive(committed(2, 2, insertAt(1, "b")));
    expect([await first, await second]).toEqual(["committed", "committed"]);
    expect(sent).toHaveLength(2);
  });

  it("gets an acknowledgement for an operation of which others have left nothing", async () => {
    const { sync, sent } = live();
    sync.receive(committed(1, 1, insertAt(0, "abc"), other));
    sync.closed();
    const deleted = outcome(sync.submit(deleteAt(0, 3)));
    sync.opened();
    sync.receive(committed(2, 2, deleteAt(0, 3), other));
    sync.receive(joined);
    const submission = sent.at(-1);
    expect(decode(clientMessageSchema, JSON.stringify(submission))).toEqual({ value: submission });
    expect(submission).toMatchObject({ type: "submit", base: 2, operations: [{ sequence: 1 }] });
    sync.receive(committed(3, 1, []));
    expect(await deleted).toBe("committed");
  });

  it("submits again after a pause what an earlier connection may have brought through", () => {
    const { sync, sent, told } = live();
    void sync.submit(insertAt(0, "a"));
    sync.closed();
    sync.opened();
    sync.receive(joined);
    sync.receive({ type: "refused", sequences: [1], code: "overloaded", reason: "full" });
    expect(told).toEqual(["submitted", "submitted", "settled", "pause"]);
    sync.flush();
    expect(sent.filter(({ type }) => type === "submit")).toHaveLength(3);
  });

  it("submits again an operation that others have split into more components than it may make", async () => {
    const { sync, sent } = live();
    const deleted = outcome(sync.submit(deleteAt(0, 2 ** 31 - 1)));
    sync.closed();
    sync.opened();
    sync.receive(committed(1, 1, splitting(300), other));
    sync.receive(joined);
    const submission = sent.at(-1);
    expect(decode(clientMessageSchema, JSON.stringify(submission))).toEqual({ value: submission });
    expect(submission).toMatchObject({ type: "submit", base: 1, operations: [{ sequence: 1 }] });
    sync.receive(committed(2, 1, []));
    expect(await deleted).toBe("committed");
  });

  it("gives up, once, an operation that others have split too often, and goes on with what is made after it", async () => {
    const { sync, sent } = live();
    const [kept, split, above] = [insertAt(0, "a"), deleteAt(1, 100_000), insertAt(0, "b")].map((delta) =>
      outcome(sync.submit(delta)),
    );
    sync.closed();
    sync.opened();
    sync.receive(committed(1, 1, splitting(1100), other));
    sent.length = 0;
    sync.receive(joined);
    expect([await split, await above]).toEqual(["too_complex", "superseded"]);
    expect(sent).toMatchObject([{ type: "submit", base: 1, operations: [{ sequence: 1 }] }]);
    sync.receive(committed(2, 1));
    expect(await kept).toBe("committed");
    const next = outcome(sync.submit(insertAt(0, "c")));
    expect(sent.at(-1)).toMatchObject({ type: "submit", base: 2, operations: [{ sequence: 4 }] });
    sync.receive(committed(3, 4));
    expect(await next).toBe("committed");
  });

  it("waits for the acknowledgement of what comes before the first operation that was refused", async () => {
    const { sync, sent } = live();
    const outcomes = [1, 2].map(() => outcome(sync.submit(insertAt(0, "a"))));
    sync.closed();
    sync.opened();
    sync.receive(joined);
    sent.length = 0;
    sync.receive({ type: "refused", sequences: [2], code: "too_complex", reason: "split" });
    expect(await outcomes[1]).toBe("too_complex");
    expect(sync.isWaiting).toBe(true);
    sync.receive(committed(1, 1));
    expect(await outcomes[0]).toBe("committed");
    expect(sync.isWaiting).toBe(false);
    expect(sent).toEqual([]);
  });

  it.each([1009, 4400])("does not submit again what made the relay close the connection with %i", async (code) => {
    const { sync, sent } = live();
    const submitted = outcome(sync.submit(insertAt(0, "a")));
    sync.closed(code);
    expect(await submitted).toBe("invalid");
    sync.opened();
    sync.receive(joined);
    expect(sent.filter(({ type }) => type === "submit")).toHaveLength(1);
  });

  it("submits again after a pause what came too fast, also the first time", async () => {
    const { sync, sent, told } = live();
    const submitted = outcome(sync.submit(insertAt(0, "a")));
    sync.receive({ type: "refused", sequences: [1], code: "rate_limited", reason: "too many" });
    expect(told).toEqual(["submitted", "settled", "pause"]);
    sync.flush();
    expect(sent).toHaveLength(2);
    sync.receive(committed(1, 1));
    expect(await submitted).toBe("committed");
  });

  it("never sends a message that is longer than the relay takes", () => {
    const { sync, sent } = createSync();
    for (let index = 0; index < 20; index += 1) void sync.submit(insertAt(0, "ä".repeat(30_000)));
    sync.opened();
    sync.receive(snapshot);
    sync.receive(joined);
    const submission = sent.at(-1);
    expect(submission).toMatchObject({ operations: [{ sequence: 1 }, { sequence: 2 }, { sequence: 3 }, { sequence: 4 }] });
    expect(Buffer.byteLength(JSON.stringify(submission))).toBeLessThan(maxMessageBytes);
  });

  it.each([
    ["nothing", insertAt(0, "")],
    ["text that is too long", insertAt(0, "x".repeat(40_000))],
    ["more components than it may make", splitting(200)],
    ["an attribute that every object has", insertAt(0, "x", { constructor: true })],
    ["more bytes than a message may have", Array(5).fill({ insert: "ä".repeat(30_000) })],
  ])("refuses at once, and goes on, when it is given %s", async (_, delta) => {
    const { sync, sent } = live();
    expect(await outcome(sync.submit(delta))).toBe("invalid");
    void sync.submit(insertAt(0, "a"));
    expect(sent).toHaveLength(1);
  });

  it("gives a connection up on which an operation is missing, and starts again when the history is another one", async () => {
    const { sync } = live();
    expect(sync.receive(committed(2, 1))).toBe("an operation is missing");
    const submitted = outcome(sync.submit(insertAt(0, "a")));
    expect(sync.receive(committed(1, 7))).toBe("the history is another one");
    expect(await submitted).toBe("reset");
    expect(sync.revision).toBe(0);
  });
});
