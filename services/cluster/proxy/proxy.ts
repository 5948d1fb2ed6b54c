import type { Logger } from "#lib/runtime/logger.ts";
import { Loop } from "#lib/runtime/loop.ts";
import type { ApiClient } from "../api-client.ts";
import { Reflector } from "../reflector.ts";
import { type EndpointSlice, type Endpoints, type Frontend, frontendsOf, type Service } from "./backends.ts";
import { Balancer } from "./balancer.ts";
import { Forwarder } from "./forwarder.ts";

type Entry = { forwarder: Forwarder; balancer: Balancer; failure?: string };

const retryMs = 5_000;

/** Keeps one listener on each TCP port of each ClusterIP for as long as a backend is ready, as Services and endpoints change. */
export class ServiceProxy {
  readonly #logger: Logger;
  readonly #entries = new Map<string, Entry>();
  readonly #services: Reflector<Service>;
  readonly #slices: Reflector<EndpointSlice>;
  readonly #endpoints: Reflector<Endpoints>;
  readonly #loop: Loop;

  constructor(client: ApiClient, logger: Logger) {
    this.#logger = logger;
    const onChange = () => this.#loop.wake();
    const options = { client, logger, onChange, onSynced: onChange };
    this.#services = new Reflector<Service>({ ...options, path: "/api/v1/services" });
    this.#slices = new Reflector<EndpointSlice>({ ...options, path: "/apis/discovery.k8s.io/v1/endpointslices" });
    this.#endpoints = new Reflector<Endpoints>({ ...options, path: "/api/v1/endpoints" });
    this.#loop = new Loop({ name: "proxy", intervalMs: retryMs, pass: () => this.#pass(), logger });
  }

  start(): void {
    for (const reflector of [this.#services, this.#slices, this.#endpoints]) reflector.start();
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await Promise.all([this.#services.stop(), this.#slices.stop(), this.#endpoints.stop()]);
    for (const { forwarder } of this.#entries.values()) await forwarder.stop();
  }

  async #pass(): Promise<void> {
    if (!(this.#services.synced && this.#slices.synced && this.#endpoints.synced)) return;
    const wanted = frontendsOf(
      [...this.#services.store.values()],
      [...this.#slices.store.values()],
      [...this.#endpoints.store.values()],
    );
    const keys = new Set(wanted.map(keyOf));
    for (const [key, { forwarder }] of this.#entries) {
      if (keys.has(key)) continue;
      await forwarder.stop();
      this.#entries.delete(key);
    }
    for (const frontend of wanted) await this.#serve(frontend);
  }

  async #serve(frontend: Frontend): Promise<void> {
    const key = keyOf(frontend);
    let entry = this.#entries.get(key);
    if (!entry) {
      const balancer = new Balancer();
      const { host, port } = frontend;
      entry = { balancer, forwarder: new Forwarder({ host, port, choose: (client) => balancer.choose(client) }) };
      this.#entries.set(key, entry);
    }
    entry.balancer.update(frontend.backends, frontend.affinitySeconds);
    if (frontend.backends.length === 0) return entry.forwarder.refuse();
    try {
      await entry.forwarder.listen();
      entry.failure = undefined;
    } catch (error) {
      if (entry.failure === String(error)) return;
      entry.failure = String(error);
      this.#logger.error({ service: frontend.service, address: key, err: String(error) }, "cannot listen for a Service");
    }
  }
}

function keyOf({ host, port }: Frontend): string {
  return `${host}:${port}`;
}
