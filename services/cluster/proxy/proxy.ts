import type { Logger } from "#lib/runtime/logger.ts";
import { Loop } from "#lib/runtime/loop.ts";
import type { ApiClient } from "../api-client.ts";
import { Reflector } from "../reflector.ts";
import { type EndpointSlice, type Endpoints, type Frontend, frontendsOf, type Service } from "./backends.ts";
import { Balancer } from "./balancer.ts";
import { Forwarder } from "./forwarder.ts";
import { HttpRouter } from "./http-router.ts";
import { RouteSource } from "./route-source.ts";
import { chooseTarget, portKey, type RoutePlan, type ServicePort } from "./routes/plan.ts";
import { routesOfServices } from "./routes/routes-of-services.ts";

type Entry = { forwarder: Forwarder; router: HttpRouter; failure?: string };

type Listening = Frontend & { host: string };

const retryMs = 5_000;

/**
 * Keeps one listener on each TCP port of each ClusterIP for as long as there is somewhere to send its connections, as Services,
 * endpoints and routes change.
 */
export class ServiceProxy {
  readonly #logger: Logger;
  readonly #random: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #balancers = new Map<string, Balancer>();
  readonly #services: Reflector<Service>;
  readonly #slices: Reflector<EndpointSlice>;
  readonly #endpoints: Reflector<Endpoints>;
  readonly #routes: RouteSource;
  readonly #loop: Loop;
  #plans = new Map<string, RoutePlan>();

  constructor(client: Pick<ApiClient, "get" | "watch">, logger: Logger, random: () => number = Math.random) {
    this.#logger = logger;
    this.#random = random;
    const onChange = () => this.#loop.wake();
    const options = { client, logger, onChange, onSynced: onChange };
    this.#services = new Reflector<Service>({ ...options, path: "/api/v1/services" });
    this.#slices = new Reflector<EndpointSlice>({ ...options, path: "/apis/discovery.k8s.io/v1/endpointslices" });
    this.#endpoints = new Reflector<Endpoints>({ ...options, path: "/api/v1/endpoints" });
    this.#routes = new RouteSource({ client, logger, onChange });
    this.#loop = new Loop({ name: "proxy", intervalMs: retryMs, pass: () => this.#pass(), logger });
  }

  start(): void {
    for (const source of [this.#services, this.#slices, this.#endpoints, this.#routes]) source.start();
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await Promise.all([this.#services, this.#slices, this.#endpoints, this.#routes].map((source) => source.stop()));
    for (const { forwarder, router } of this.#entries.values()) {
      await forwarder.stop();
      router.close();
    }
  }

  async #pass(): Promise<void> {
    if (!(this.#services.synced && this.#slices.synced && this.#endpoints.synced && this.#routes.isKnown)) return;
    const services = [...this.#services.store.values()];
    const frontends = frontendsOf(services, [...this.#slices.store.values()], [...this.#endpoints.store.values()]);
    this.#plans = routesOfServices(services, this.#routes.virtualServices, this.#routes.httpRoutes);
    this.#balance(frontends);
    const listening = frontends.filter((frontend): frontend is Listening => frontend.host !== undefined);
    const keys = new Set(listening.map(keyOf));
    for (const [key, { forwarder }] of this.#entries) {
      if (keys.has(key)) continue;
      await forwarder.refuse();
      this.#entries.delete(key);
    }
    for (const frontend of listening) await this.#serve(frontend);
  }

  #balance(frontends: Frontend[]): void {
    const keys = new Set(frontends.map(portKey));
    for (const key of this.#balancers.keys()) if (!keys.has(key)) this.#balancers.delete(key);
    for (const frontend of frontends) {
      const balancer = this.#balancers.get(portKey(frontend)) ?? new Balancer();
      balancer.update(frontend.backends, frontend.affinitySeconds);
      this.#balancers.set(portKey(frontend), balancer);
    }
  }

  async #serve(frontend: Listening): Promise<void> {
    const key = keyOf(frontend);
    const entry = this.#entries.get(key) ?? this.#open(frontend);
    this.#entries.set(key, entry);
    if (frontend.backends.length === 0 && !this.#plans.has(portKey(frontend))) return entry.forwarder.refuse();
    try {
      await entry.forwarder.listen();
      entry.failure = undefined;
    } catch (error) {
      if (entry.failure === String(error)) return;
      entry.failure = String(error);
      this.#logger.error({ listener: key, err: entry.failure }, "cannot listen for a Service");
    }
  }

  #open({ host, port, service }: Listening): Entry {
    const own: ServicePort = { service, port };
    const key = portKey(own);
    const router = new HttpRouter({
      route: ({ headers }) => {
        const plan = this.#plans.get(key);
        return plan ? chooseTarget(plan, headers, this.#random) : own;
      },
      choose: (target, client, tried) => this.#balancers.get(portKey(target))?.choose(client, tried),
    });
    const forwarder = new Forwarder({
      host,
      port,
      choose: (client, tried) => this.#balancers.get(key)?.choose(client, tried),
      route: (client) => {
        if (!this.#plans.has(key)) return false;
        router.take(client);
        return true;
      },
    });
    return { forwarder, router };
  }
}

/** With the Service's name: an address that another Service takes over is listened on anew. */
function keyOf({ service, host, port }: Listening): string {
  return `${service} at ${host}:${port}`;
}
