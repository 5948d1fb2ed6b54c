import { validateHeaderValue } from "node:http";
import { isIP, type Socket, connect as tcpConnect } from "node:net";
import { type ConnectionOptions, connect as tlsConnect } from "node:tls";
import { noAnswerError, readStatusError } from "./errors.ts";
import { HttpAnswer } from "./http-answer.ts";

export type WatchRequest = {
  url: URL;
  headers: Record<string, string>;
  /** Credentials and trust, for https. */
  tls: ConnectionOptions;
  /** How long the head of the answer may take. */
  timeoutMs: number;
  signal: AbortSignal;
};

export type WatchFollower = {
  /** The server has agreed. */
  onOpen: () => void;
  /** Takes a piece of the answer, whose bytes are good until this returns. While what it returned is pending, no more is read. */
  take: (piece: Buffer) => Promise<void> | undefined;
};

type OnRead = { buffer: Buffer; callback: (length: number, memory: Uint8Array) => boolean };

const memoryBytes = 256 * 1024;
const maxErrorBytes = 64 * 1024;

/**
 * Follows an answer that goes on to its end, over a connection of its own that reads into the same memory again and again: node:http
 * takes fresh memory for each read, and to give that back costs more than all else that a busy watch does. Rejects with
 * KubernetesError, or with what `take` throws.
 */
export function followWatch({ url, headers, tls, timeoutMs, signal }: WatchRequest, follower: WatchFollower): Promise<void> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let refusal = "";
    let pending = 0;
    const answer = new HttpAnswer((head) => {
      clearTimeout(timer);
      status = head.status;
      if (isSuccess(status)) follower.onOpen();
    }, onBody);
    const socket = open(url, tls, { buffer: Buffer.allocUnsafeSlow(memoryBytes), callback: onRead });
    const timer = setTimeout(() => fail(noAnswerError(new Error("it took too long."))), timeoutMs);
    const giveUp = () => fail(noAnswerError(new Error("the watch was given up.")));
    signal.addEventListener("abort", giveUp);
    socket.setKeepAlive(true, 15_000);
    socket.on("error", (error) => fail(noAnswerError(error)));
    socket.once("close", () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
      if (!answer.hasEnded && !answer.endsWithConnection) reject(noAnswerError(new Error("the connection was cut.")));
      else if (isSuccess(status)) resolve();
      else reject(readStatusError(status, refusal));
    });
    if (signal.aborted) giveUp();
    else socket.write(requestText(url, headers));

    function fail(error: unknown): void {
      reject(error);
      socket.destroy();
    }

    function onBody(piece: Buffer): void {
      if (!isSuccess(status)) {
        if (refusal.length < maxErrorBytes) refusal += piece.toString("utf8");
        return;
      }
      const wait = follower.take(piece);
      if (!wait) return;
      pending += 1;
      wait.then(() => {
        pending -= 1;
        if (pending === 0) socket.resume();
      }, fail);
    }

    function onRead(length: number, memory: Uint8Array): boolean {
      try {
        answer.take(Buffer.from(memory.buffer, memory.byteOffset, length));
        if (answer.hasEnded) socket.destroy();
      } catch (error) {
        fail(error);
      }
      return pending === 0;
    }
  });
}

function open(url: URL, tls: ConnectionOptions, onread: OnRead): Socket {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (url.protocol !== "https:") return tcpConnect({ host, port: Number(url.port || 80), onread });
  const servername = tls.servername ?? (isIP(host) ? "" : host);
  const options = { ...tls, host, port: Number(url.port || 443), servername, ALPNProtocols: ["http/1.1"], onread };
  return tlsConnect(options);
}

function requestText(url: URL, headers: Record<string, string>): string {
  const lines = Object.entries({ host: url.host, ...headers, connection: "close" }).map(([name, value]) => {
    validateHeaderValue(name, value);
    return `${name}: ${value}\r\n`;
  });
  return `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
