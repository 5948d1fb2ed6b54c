import { Agent, request } from "node:https";
import { z } from "zod";
import type { HubTls } from "#lib/protocol/hub-client.ts";
import type { Stored } from "./hub-ledger.ts";

export type StoredReadingsOptions = {
  /** The hub's admin API, e.g. https://hub:8081. */
  url: string;
  token: () => string;
  tls: () => HubTls;
  localAddress?: string | undefined;
  timeoutMs: number;
};

const answerSchema = z.object({
  items: z.array(z.object({ stream: z.string(), sequence: z.number(), value: z.unknown() })),
});

const maxAnswerBytes = 8 * 1024 * 1024;

/** Reads back what the hub has stored. Every question takes a connection of its own, so that every hub behind the address is asked. */
export class StoredReadings {
  readonly #options: StoredReadingsOptions;

  constructor(options: StoredReadingsOptions) {
    this.#options = options;
  }

  /** The newest readings of a sensor, the newest first. Rejects when the hub does not answer as it should. */
  async list(query: { tenant: string; sensor: string; limit: number }, traceparent: string): Promise<Stored[]> {
    const { url, token, tls, localAddress, timeoutMs } = this.#options;
    const address = new URL("/api/v1/readings/series", url);
    for (const [name, value] of Object.entries(query)) address.searchParams.set(name, String(value));
    const trusted = tls();
    const headers = { authorization: `Bearer ${token()}`, traceparent };
    const settings = { headers, ca: trusted === false ? undefined : trusted.ca, localAddress, agent: new Agent() };
    const signal = AbortSignal.timeout(timeoutMs);
    const { status, text } = await new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
      const asked = request(address, { ...settings, signal }, async (response) => {
        try {
          resolve({ status: response.statusCode, text: await readText(response) });
        } catch (error) {
          reject(error);
        }
      });
      asked.on("error", reject);
      asked.end();
    });
    if (status !== 200) throw new Error(`the hub answers ${status} to a question for readings`);
    return answerSchema.parse(JSON.parse(text)).items;
  }
}

async function readText(chunks: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > maxAnswerBytes) throw new Error("the hub's answer is too long");
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString();
}
