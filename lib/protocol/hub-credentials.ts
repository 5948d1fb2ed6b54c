import { X509Certificate } from "node:crypto";
import { Gauge, type Registry } from "prom-client";
import type { HubTls } from "#lib/protocol/hub-client.ts";
import { CredentialReloader } from "#lib/runtime/credentials.ts";
import type { Logger } from "#lib/runtime/logger.ts";

/** The token that a hub is shown, and what is shown and trusted in TLS. */
export type HubSecrets = { token: string; tls: HubTls };

export type HubCredentialsOptions = {
  current: HubSecrets;
  /** Reads them where they came from. Rejects when they cannot be used. */
  read: () => Promise<HubSecrets>;
  /** Where, and under what name, it is told when the client's certificate ends, in Unix time. Without one there is no value. */
  registry: Registry;
  expiryMetric: string;
  logger: Logger;
};

/** What a client shows to its hub. Renewed, it is shown from the next connection on; open connections stay. */
export class HubCredentials {
  #current: HubSecrets;
  readonly #expiry: Gauge;
  readonly #reloader: CredentialReloader<HubSecrets>;

  constructor({ current, read, registry, expiryMetric, logger }: HubCredentialsOptions) {
    const help = "When the client certificate in use ends, Unix time; absent without one";
    this.#expiry = new Gauge({ name: expiryMetric, help, registers: [registry] });
    this.#current = current;
    this.#showExpiry();
    this.#reloader = new CredentialReloader({ read, current, use: (renewed) => this.#use(renewed), logger });
  }

  readonly token = (): string => this.#current.token;

  readonly tls = (): HubTls => this.#current.tls;

  /** Looks for renewed ones every `intervalMs` milliseconds, and on SIGHUP. */
  start(intervalMs: number): void {
    this.#reloader.start(intervalMs);
  }

  stop(): void {
    this.#reloader.stop();
  }

  #use(renewed: HubSecrets): void {
    this.#current = renewed;
    this.#showExpiry();
  }

  #showExpiry(): void {
    const cert = this.#current.tls === false ? undefined : this.#current.tls.cert;
    if (cert === undefined) this.#expiry.remove();
    else this.#expiry.set(new X509Certificate(cert).validToDate.getTime() / 1000);
  }
}
