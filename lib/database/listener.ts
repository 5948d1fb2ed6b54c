import pg from "pg";

export type ListenerOptions = {
  url: string;
  channel: string;
  /** Called for each notification, and whenever it listens anew: then some may have been missed. */
  onHint: () => void;
  onLost?: (error: Error) => void;
  retryMs?: number;
};

/** Listens on a channel of PostgreSQL with a connection of its own; opens it again when it is lost. */
export class Listener {
  readonly #options: ListenerOptions;
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#connect();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#client?.end().catch(() => {});
  }

  async #connect(): Promise<void> {
    const { url, channel, onHint } = this.#options;
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, keepAlive: true });
    this.#client = client;
    client.on("error", (error) => this.#lose(client, error));
    client.on("end", () => this.#lose(client, new Error("the connection ended")));
    client.on("notification", onHint);
    try {
      await client.connect();
      await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
      onHint();
    } catch (error) {
      this.#lose(client, error instanceof Error ? error : new Error(String(error)));
    }
  }

  #lose(client: pg.Client, error: Error): void {
    if (this.#client !== client || this.#isStopped) return;
    this.#client = undefined;
    client.end().catch(() => {});
    this.#options.onLost?.(error);
    this.#timer = setTimeout(() => void this.#connect(), this.#options.retryMs ?? 2_000);
    this.#timer.unref();
  }
}
