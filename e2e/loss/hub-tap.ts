import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import { FrameDecoder } from "#lib/protocol/frame.ts";
import { decodeMessage, type HubBody, type HubEnvelope, maxHubPayloadBytes } from "#lib/protocol/hub-messages.ts";

type Certificate = { cert: string; key: string };

/**
 * Stands before a hub as TLS, passes every byte on as it is, and tells what the hub took over as new: the messages of a batch
 * that the hub has acknowledged. Those that it called repeats (always the first of the batch) count only when they had been
 * passed on before without an answer: then the hub took them over that time.
 */
export class HubTap {
  readonly #server;
  readonly #sockets = new Set<TLSSocket>();
  readonly #unanswered = new Set<string>();

  constructor(options: { certificate: Certificate; hubPort: () => number; onTaken: (value: unknown) => void }) {
    const { certificate, hubPort, onTaken } = options;
    this.#server = createServer(certificate, (edge) => {
      const hub = connect({ host: "127.0.0.1", port: hubPort(), ca: certificate.cert });
      const batches = new Map<number, HubBody<"batch">>();
      this.#join(edge, hub, (message) => {
        if (message.name === "batch") batches.set(message.id, message.body);
      });
      this.#join(hub, edge, (message) => {
        const batch = batches.get(message.id);
        if (message.name !== "ack" || !batch) return;
        batches.delete(message.id);
        for (const [index, { sequence, value }] of batch.messages.entries()) {
          const wasUnanswered = this.#unanswered.delete(`${batch.stream}/${sequence}`);
          if (index >= message.body.duplicates || wasUnanswered) onTaken(value);
        }
      });
      hub.on("close", () => {
        for (const { stream, messages } of batches.values()) {
          for (const { sequence } of messages) this.#unanswered.add(`${stream}/${sequence}`);
        }
      });
    });
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

  #join(from: TLSSocket, to: TLSSocket, onMessage: (message: HubEnvelope) => void): void {
    const decoder = new FrameDecoder(maxHubPayloadBytes);
    this.#sockets.add(from);
    from.on("data", (bytes) => decoder.push(Buffer.from(bytes), (frame) => onMessage(decodeMessage(frame))));
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    from.pipe(to);
  }
}
