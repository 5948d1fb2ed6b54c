/** For tests only: a relay that acknowledges everything and tells the other clients of the document something else. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { type ClientMessage, type CommittedOperation, relayProtocol, type ServerMessage } from "#lib/protocol/relay-messages.ts";

type Member = { socket: WebSocket; clientId: string };
type Room = { members: Set<Member>; revision: number };
type Submitted = Extract<ClientMessage, { type: "submit" }>["operations"][number];
export type Lie = "none" | "lose" | "double" | "reorder";

const stranger = "00000000-0000-4000-8000-000000000000";

/** Serves one replica's worth of the protocol, and tokens for anybody. No operation changes anything for the others. */
export class LyingRelay {
  lie: Lie = "none";
  /** How often it has lied, by kind. */
  readonly lies = { lose: 0, double: 0, reorder: 0 };
  connections = 0;
  submitted = 0;
  readonly #rooms = new Map<string, Room>();
  readonly #server = createServer((_request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ access_token: "anybody", token_type: "Bearer", expires_in: 600 }));
  });

  constructor() {
    const sockets = new WebSocketServer({ server: this.#server, handleProtocols: () => relayProtocol });
    sockets.on("connection", (socket, request) => {
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
    const room: Room = this.#rooms.get(documentId) ?? { members: new Set(), revision: 0 };
    this.#rooms.set(documentId, room);
    const member: Member = { socket, clientId: "" };
    this.connections += 1;
    socket.on("close", () => room.members.delete(member));
    socket.on("message", (data) => {
      const message = JSON.parse(data.toString()) as ClientMessage;
      if (message.type === "join") this.#join(room, member, message);
      // Clients put what they make while they wait into one submission, whose parts can be told in another order.
      const delayMs = this.lie === "reorder" ? 150 : 0;
      if (message.type === "submit") setTimeout(() => this.#commit(room, member, message.operations), delayMs);
    });
  }

  #join(room: Room, member: Member, { clientId, since }: Extract<ClientMessage, { type: "join" }>): void {
    member.clientId = clientId;
    room.members.add(member);
    const { revision } = room;
    if (since === undefined) say(member, { type: "snapshot", revision, document: [] });
    else for (let missed = since + 1; missed <= revision; missed += 1) tell(member, operationOf(stranger, missed, missed));
    say(member, { type: "joined", revision, replica: "liar", version: "test" });
  }

  #commit(room: Room, sender: Member, operations: Submitted[]): void {
    const others = [...room.members].filter((member) => member !== sender);
    const first = room.revision + 1;
    const lie = others.length > 0 ? this.lie : "none";
    this.submitted += operations.length;
    room.revision += operations.length;
    for (const [index, { sequence, delta }] of operations.entries()) {
      tell(sender, { ...operationOf(sender.clientId, sequence, first + index), delta });
    }
    const sequences = operations.map(({ sequence }) => sequence);
    if (lie === "reorder" && sequences.length > 1) {
      sequences.reverse();
      this.lies.reorder += sequences.length - 1;
    }
    if (lie === "lose") this.lies.lose += sequences.length;
    for (const [index, sequence] of sequences.entries()) {
      for (const other of others) tell(other, operationOf(lie === "lose" ? stranger : sender.clientId, sequence, first + index));
    }
    const doubled = sequences.at(-1);
    if (lie !== "double" || doubled === undefined) return;
    room.revision += 1;
    this.lies.double += 1;
    tell(sender, operationOf(stranger, doubled, room.revision));
    for (const other of others) tell(other, operationOf(sender.clientId, doubled, room.revision));
  }
}

function operationOf(clientId: string, sequence: number, revision: number): CommittedOperation {
  return { revision, clientId, sequence, actor: "liar", delta: [] };
}

function tell(member: Member, operation: CommittedOperation): void {
  say(member, { type: "operations", operations: [operation] });
}

function say({ socket }: Member, message: ServerMessage): void {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
}
