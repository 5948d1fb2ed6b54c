import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import type { Dialect, DialectName } from "./relay-dialects.ts";

/** Where a client connects to, and how it speaks. */
export type Target = { dialect: DialectName; port: number; token: string; document: string };

const perAddress = 5_000;

/**
 * A client that only reads. Every client of a document gets the same bytes, so it counts bytes, and the writer, which reads them
 * all, says how many there are to an operation: the load must not cost more than what is measured.
 */
export class Reader {
  bytes = 0;
  readonly isLive: Promise<void>;
  readonly #socket: Socket;

  constructor(target: Target, dialect: Dialect, index: number) {
    const localAddress = `127.0.1.${1 + Math.floor(index / perAddress)}`;
    this.#socket = connect({ port: target.port, host: "127.0.0.1", localAddress });
    this.#socket.write(upgradeRequest(target, dialect));
    let seen = "";
    let isOpen = false;
    this.isLive = new Promise((resolve, reject) => {
      const onData = (chunk: Buffer) => {
        seen += chunk.toString("latin1");
        if (!isOpen && seen.includes("\r\n\r\n")) {
          if (!seen.startsWith("HTTP/1.1 101")) return reject(new Error(seen));
          isOpen = true;
          for (const data of dialect.greeting(target.document)) this.#socket.write(clientFrame(data));
        }
        if (!isOpen || !seen.includes(dialect.ready)) return;
        this.#socket.off("data", onData);
        this.#socket.on("data", this.#count);
        seen = "";
        resolve();
      };
      this.#socket.on("data", onData);
      this.#socket.once("error", reject);
      this.#socket.once("close", () => reject(new Error(`a client of ${target.dialect} was disconnected: ${seen.slice(-200)}`)));
    });
  }

  readonly #count = (chunk: Buffer) => {
    this.bytes += chunk.length;
  };

  close(): void {
    this.isLive.catch(() => {});
    this.#socket.destroy();
  }
}

function upgradeRequest({ document, token }: Target, { path, protocol }: Dialect): string {
  const lines = [
    `GET ${path(document)} HTTP/1.1`,
    "Host: localhost",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    `Authorization: Bearer ${token}`,
    ...(protocol ? [`Sec-WebSocket-Protocol: ${protocol}`] : []),
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** A short message, masked with zeros. */
function clientFrame(data: string | Uint8Array): Buffer {
  const bytes = Buffer.from(data);
  if (bytes.length > 125) throw new Error("too long for a greeting");
  return Buffer.concat([Buffer.from([typeof data === "string" ? 0x81 : 0x82, 0x80 | bytes.length, 0, 0, 0, 0]), bytes]);
}
