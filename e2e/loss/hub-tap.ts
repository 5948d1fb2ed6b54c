import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import { encodeFrame, FrameDecoder } from "#lib/protocol/frame.ts";
import { decodeMessage, type HubBody, type HubEnvelope, maxHubPayloadBytes } from "#lib/protocol/hub-messages.ts";

type Certificate = { cert: string; key: string };

/** A frame on its way: which side it goes to, what it says, and its bytes. */
export type Passing = { to: "hub" | "edge"; name: HubEnvelope["name"]; bytes: Buffer };

export type HubTapOptions = {
  /** How edges see the tap, and what it trusts. */
  certificate: Certificate;
  /** Which hub the next edge is led to. */
  hubPort: () => number;
  /** With which the hub is dialled when it asks for one. */
  clientCertificate?: () => Certificate | undefined;
  /** Edges must show a certificate of these authorities, and a valid one, when there are any; PEM. */
  clientAuthorities?: string;
  /** A message that the hub took over as new. */
  onTaken: (value: unknown) => void;
};

/**
 * Stands before a hub as TLS, passes every frame on, and tells what the hub took over as new: the messages of a batch that the
 * hub has acknowledged. Those that it called repeats (always the first of the batch) count only when they had been passed on
 * before without an answer and not counted since: then the hub took them over that time.
 */
export class HubTap {
  /** What is written in place of a frame; the frame itself by default. Asked after the tap has read it. */
  replace: (frame: Passing) => Buffer[] = ({ bytes }) => [bytes];
  readonly #options: HubTapOptions;
  readonly #server;
  readonly #sockets = new Set<TLSSocket>();
  readonly #unanswered = new Set<string>();
  readonly #counted = new Set<string>();

  constructor(options: HubTapOptions) {
    this.#options = options;
    const { certificate, clientAuthorities: ca } = options;
    this.#server = createServer({ ...certificate, ...(ca && { ca, requestCert: true }) }, (edge) => this.#accept(edge));
    this.#server.on("tlsClientError", () => {});
  }

  async listen(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #accept(edge: TLSSocket): void {
    const { certificate, hubPort, clientCertificate } = this.#options;
    const hub = connect({ host: "127.0.0.1", port: hubPort(), ca: certificate.cert, ...clientCertificate?.() });
    const batches = new Map<number, HubBody<"batch">>();
    this.#join(edge, hub, "hub", (message) => {
      if (message.name === "batch") batches.set(message.id, message.body);
    });
    this.#join(hub, edge, "edge", (message) => {
      const batch = batches.get(message.id);
      if (!batch || !message.reply) return;
      batches.delete(message.id);
      if (message.name === "ack") this.#count(batch, message.body.duplicates);
      else this.#leaveUnanswered(batch);
    });
    hub.on("close", () => {
      for (const batch of batches.values()) this.#leaveUnanswered(batch);
    });
  }

  /** Whether the hub took it over is not known: also one that it refused may be in its store. */
  #leaveUnanswered({ stream, first, readings }: HubBody<"batch">): void {
    for (let index = 0; index < readings.count; index += 1) this.#unanswered.add(`${stream}/${first + index}`);
  }

  #count({ stream, first, readings }: HubBody<"batch">, duplicates: number): void {
    let index = 0;
    for (const { value } of readings) {
      const id = `${stream}/${first + index}`;
      const wasTakenUnseen = this.#unanswered.delete(id) && !this.#counted.has(id);
      this.#counted.add(id);
      if (index >= duplicates || wasTakenUnseen) this.#options.onTaken(JSON.parse(String(value)));
      index += 1;
    }
  }

  #join(from: TLSSocket, to: TLSSocket, side: Passing["to"], onMessage: (message: HubEnvelope) => void): void {
    const decoder = new FrameDecoder(maxHubPayloadBytes);
    this.#sockets.add(from);
    from.on("data", (chunk) => {
      decoder.push(Buffer.from(chunk), (frame) => {
        const message = decodeMessage(frame);
        onMessage(message);
        for (const bytes of this.replace({ to: side, name: message.name, bytes: encodeFrame(frame) })) to.write(bytes);
      });
      if (to.writableNeedDrain) from.pause();
    });
    to.on("drain", () => from.resume());
    from.on("end", () => to.end());
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
