import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Backend } from "./backends.ts";

/** The next backend for a client's address, none of those that were tried; undefined when there is none left. */
export type Choose = (client: string, tried: readonly Backend[]) => Backend | undefined;

export const connectTimeoutMs = 10_000;

/**
 * Forwards a connection to a backend. A backend that does not take it is passed over, as nothing has been sent yet. Bytes are
 * piped, so a slow side slows the other and nothing is buffered beyond a socket's own.
 */
export function forwardConnection(client: Socket, choose: Choose): void {
  const source = client.remoteAddress ?? "";
  const tried: Backend[] = [];
  client.on("error", () => {});
  attempt();

  function attempt(): void {
    const backend = choose(source, tried);
    if (!backend) {
      client.resetAndDestroy();
      return;
    }
    tried.push(backend);
    // From the client's own address, so that the backend sees who it is.
    const upstream = connect({ ...backend, localAddress: source, allowHalfOpen: true, noDelay: true });
    const giveUp = () => upstream.destroy();
    const timer = setTimeout(() => upstream.destroy(new Error("connecting took too long")), connectTimeoutMs);
    const failed = () => {
      clearTimeout(timer);
      client.off("close", giveUp);
      if (!client.destroyed) attempt();
    };
    client.once("close", giveUp);
    upstream.once("error", failed);
    upstream.once("connect", () => {
      clearTimeout(timer);
      client.off("close", giveUp);
      upstream.off("error", failed);
      join(client, upstream);
    });
    upstream.once("close", () => clearTimeout(timer));
  }
}

/** Joins two connected sockets: each direction ends on its own (half-close), and a reset on one side resets the other. */
export function join(left: Socket, right: Socket): void {
  bind(left, right);
  bind(right, left);
  left.pipe(right);
  right.pipe(left);
}

function bind(socket: Socket, other: Socket): void {
  socket.on("error", () => reset(other));
  socket.once("close", () => {
    if (!other.writableEnded) reset(other);
  });
}

export function reset(socket: Duplex & { resetAndDestroy?: () => unknown }): void {
  if (socket.destroyed) return;
  if (socket.resetAndDestroy) socket.resetAndDestroy();
  else socket.destroy();
}
