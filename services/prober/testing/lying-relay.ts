/** For tests only: a relay that acknowledges everything and tells the other clients of the document something else. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { apply, type Delta } from "#lib/protocol/relay-delta.ts";
import { type ClientMessage, type CommittedOperation, relayProtocol, type ServerMessage } from "#lib/protocol/relay-messages.ts";
import { advance } from "#lib/protocol/relay-pending.ts";

type Member = { socket: WebSocket; clientId: string };
type Room = { members: Set<Member>; history: CommittedOperation[] };
type Submission = Extract<ClientMessage, { type: "submit" }>;
export type Lie = "none" | "lose" | "double" | "reorder" | "diverge";

const stranger = "00000000-0000-4000-8000-000000000000";

/** Serves one replica's worth of the protocol, and tokens for anybody. Documents are right as long as it does not lie. */
export class LyingRelay {
  lie: Lie = "none";
  /** How often it has lied, by kind. */
  readonly lies = { lose: 0, double: 0, reorder: 0, diverge: 0 };
  connections = 0;
  /** The `traceparent` of every request for a token, and of every connection. */
  readonly traces = { tokens: [] as unknown[], connections: [] as unknown[] };
  submitted = 0;
  readonly #rooms = new Map<string, Room>();
  readonly #server = createServer((request, response) => {
    this.traces.tokens.push(request.headers.traceparent);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ access_token: "anybody", token_type: "Bearer", expires_in: 600 }));
  });

  constructor() {
    const sockets = new WebSocketServer({ server: this.#server, handleProtocols: () => relayProtocol });
    sockets.on("connection", (socket, request) => {
      this.traces.connections.push(request.headers.traceparent);
      const documentId = new URL(request.url ?? "/", "http://localhost").searchParams.get("document") ?? "";
      this.#accept(socket, documentId);
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const { members } of this.#rooms.values()) for (const { socket } of members) socket.terminate();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #accept(socket: WebSocket, documentId: string): void {
    const room: Room = this.#rooms.get(documentId) ?? { members: new Set(), history: [] };
    this.#rooms.set(documentId, room);
    const member: Member = { socket, clientId: "" };
    this.connections += 1;
    socket.on("close", () => room.members.delete(member));
    socket.on("message", (data) => {
      const message = JSON.parse(data.toString()) as ClientMessage;
      if (message.type === "join") this.#join(room, member, message);
      // Clients put what they make while they wait into one submission, whose parts can be told in another order.
      const delayMs = this.lie === "reorder" ? 150 : 0;
      if (message.type === "submit") setTimeout(() => this.#commit(room, member, message), delayMs);
    });
  }

  #join(room: Room, member: Member, { clientId, since }: Extract<ClientMessage, { type: "join" }>): void {
    member.clientId = clientId;
    room.members.add(member);
    const revision = room.history.length;
    const document = room.history.reduce((current, { delta }) => apply(current, delta), [] as Delta);
    if (since === undefined) say(member, { type: "snapshot", revision, document });
    else for (const missed of room.history.slice(since)) tell(member, missed);
    say(member, { type: "joined", revision, replica: "liar", version: "test" });
  }

  #commit({ members, history }: Room, sender: Member, { base, operations }: Submission): void {
    const others = [...members].filter((member) => member !== sender);
    const lie = others.length > 0 ? this.lie : "none";
    this.submitted += operations.length;
    const placed = history
      .slice(base)
      .reduce((pending, committed) => advance(sender.clientId, pending, committed), operations)
      .map(({ sequence, delta }, index) => operationOf(sender.clientId, sequence, history.length + 1 + index, delta));
    history.push(...placed);
    for (const operation of placed) tell(sender, operation);
    const sequences = placed.map(({ sequence }) => sequence);
    if (lie === "reorder" && sequences.length > 1) {
      sequences.reverse();
      this.lies.reorder += sequences.length - 1;
    }
    if (lie === "lose") this.lies.lose += sequences.length;
    for (const [index, { revision, delta }] of placed.entries()) {
      const told = lie === "diverge" ? this.#change(delta) : delta;
      const clientId = lie === "lose" ? stranger : sender.clientId;
      for (const other of others) tell(other, operationOf(clientId, sequences[index] ?? 0, revision, told));
    }
    const doubled = sequences.at(-1);
    if (lie !== "double" || doubled === undefined) return;
    this.lies.double += 1;
    const nothing = operationOf(stranger, doubled, history.length + 1, []);
    history.push(nothing);
    tell(sender, nothing);
    for (const other of others) tell(other, { ...nothing, clientId: sender.clientId });
  }

  #change(delta: Delta): Delta {
    this.lies.diverge += 1;
    return delta.map((part) => ("insert" in part ? { ...part, insert: part.insert.toUpperCase() } : part));
  }
}

function operationOf(clientId: string, sequence: number, revision: number, delta: Delta): CommittedOperation {
  return { revision, clientId, sequence, actor: "liar", delta };
}

function tell(member: Member, operation: CommittedOperation): void {
  say(member, { type: "operations", operations: [operation] });
}

function say({ socket }: Member, message: ServerMessage): void {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
}
