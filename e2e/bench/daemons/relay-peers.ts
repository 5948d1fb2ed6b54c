/**
 * A peer of the relay as a process of its own: takes a message from one client and passes it on to all clients of the document.
 * None of them checks a token or stores anything. Tells its port on standard output.
 *
 *   node e2e/bench/daemons/relay-peers.ts coalesced|bare|socketio|hocuspocus
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";

const http = createServer();
http.on("request", (_, response) => response.end());

/** The ceiling: what came within a tick goes out as one write a socket, of frames that are built once for all. */
function coalesced(): void {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, clientTracking: false });
  const sockets = new Map<string, Set<import("node:net").Socket>>();
  const waiting = new Map<string, Buffer[]>();
  http.on("upgrade", (request, socket: import("node:net").Socket, head) => {
    const document = request.url ?? "";
    server.handleUpgrade(request, socket, head, (webSocket) => {
      const members = sockets.get(document) ?? new Set();
      sockets.set(document, members.add(socket));
      webSocket.on("close", () => members.delete(socket));
      webSocket.on("error", () => {});
      webSocket.on("message", (data: Buffer) => {
        if (waiting.size === 0) setImmediate(flush);
        const frames = waiting.get(document) ?? [];
        waiting.set(document, frames);
        frames.push(textFrame(data));
      });
    });
  });
  const flush = () => {
    for (const [document, frames] of waiting) {
      const bytes = Buffer.concat(frames);
      for (const socket of sockets.get(document) ?? []) socket.write(bytes);
    }
    waiting.clear();
  };
}

function textFrame(data: Buffer): Buffer {
  const isLong = data.length > 125;
  const frame = Buffer.allocUnsafe(data.length + (isLong ? 4 : 2));
  frame[0] = 0x81;
  frame[1] = isLong ? 126 : data.length;
  if (isLong) frame.writeUInt16BE(data.length, 2);
  data.copy(frame, isLong ? 4 : 2);
  return frame;
}

/** `ws` as its documentation has a broadcast: one send a client and message. Also the measure of memory. */
function bare(): void {
  const server = new WebSocketServer({ server: http, perMessageDeflate: false });
  server.on("connection", (webSocket) => {
    webSocket.on("error", () => {});
    webSocket.on("message", (data) => {
      for (const client of server.clients) if (client.readyState === WebSocket.OPEN) client.send(data, { binary: false });
    });
  });
}

async function socketio(): Promise<void> {
  const { Server: SocketIo } = await import("socket.io");
  const server = new SocketIo(http, { transports: ["websocket"], serveClient: false, pingInterval: 600_000 });
  server.on("connection", (socket) => {
    const document = String(socket.handshake.query.document);
    void socket.join(document);
    socket.on("op", (text: string) => server.to(document).emit("op", text));
  });
}

async function hocuspocus(): Promise<void> {
  const { Hocuspocus } = await import("@hocuspocus/server");
  const server = new Hocuspocus({ quiet: true });
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  http.on("upgrade", (request, socket, head) => {
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = server.handleConnection(webSocket, new Request(`http://localhost${request.url}`));
      webSocket.on("message", (data: Buffer) => connection.handleMessage(data));
      webSocket.on("close", (code, reason) => connection.handleClose({ code, reason: reason.toString() }));
      webSocket.on("error", () => {});
    });
  });
}

const kinds: Record<string, () => void | Promise<void>> = { coalesced, bare, socketio, hocuspocus };
const start = kinds[process.argv[2] ?? ""];
if (!start) throw new Error(`wants one of ${Object.keys(kinds).join(", ")}`);
await start();
http.listen(0, "127.0.0.1", () => process.stdout.write(`${(http.address() as AddressInfo).port}\n`));
