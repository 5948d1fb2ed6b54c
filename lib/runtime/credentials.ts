import type { Logger } from "#lib/runtime/logger.ts";

export type CredentialReloaderOptions<T> = {
  /** Reads them from where they came. Rejects when they cannot be read. */
  read: () => Promise<T>;
  current: T;
  /** Takes renewed ones into use; throws when they are no good, e.g. when the key is not the certificate's. */
  use: (credentials: T) => void;
  logger: Logger;
};

/**
 * Takes renewed certificates and tokens into use while the process runs. What cannot be read or used is reported once, and those
 * in use stay. By content, so that renamed files and a mounted Secret's links are seen too.
 */
export class CredentialReloader<T> {
  readonly #options: CredentialReloaderOptions<T>;
  #seen: string;
  #complaint = "";
  #reloading: Promise<boolean> | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #onSignal = () => void this.reload();

  constructor(options: CredentialReloaderOptions<T>) {
    this.#options = options;
    this.#seen = JSON.stringify(options.current);
  }

  /** Looks every `intervalMs` milliseconds, and at once on SIGHUP. */
  start(intervalMs: number): void {
    this.#timer = setInterval(this.#onSignal, intervalMs);
    process.on("SIGHUP", this.#onSignal);
  }

  stop(): void {
    clearInterval(this.#timer);
    process.off("SIGHUP", this.#onSignal);
  }

  /** True when others are in use than before. One that is under way is not overtaken. */
  async reload(): Promise<boolean> {
    while (this.#reloading) await this.#reloading;
    this.#reloading = this.#reload();
    const isNew = await this.#reloading;
    this.#reloading = undefined;
    return isNew;
  }

  async #reload(): Promise<boolean> {
    const { read, use, logger } = this.#options;
    try {
      const credentials = await read();
      this.#complaint = "";
      const seen = JSON.stringify(credentials);
      if (seen === this.#seen) return false;
      this.#seen = seen;
      use(credentials);
      logger.info("the renewed credentials are in use");
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== this.#complaint) logger.warn({ reason }, "the credentials cannot be used; those in use stay");
      this.#complaint = reason;
      return false;
    }
  }
}
