import type { Logger } from "#lib/runtime/logger.ts";
import type { ApiClient } from "../api-client.ts";
import { type Reflected, Reflector } from "../reflector.ts";
import type { HttpRoute, VirtualService } from "./routes/objects.ts";

type Definition = Reflected & { status?: { conditions?: { type: string; status: string }[] } };

export type RouteSourceOptions = { client: Pick<ApiClient, "get" | "watch">; logger: Logger; onChange: () => void };

const kinds = new Map([
  ["virtualservices.networking.istio.io", "/apis/networking.istio.io/v1/virtualservices"],
  ["httproutes.gateway.networking.k8s.io", "/apis/gateway.networking.k8s.io/v1/httproutes"],
]);

/** How long connections wait for the routes at the start: without them some would go where no route sends them. */
const patienceMs = 3_000;

/** The routes of the cluster. Their kinds are custom resources: each is followed for as long as its definition exists. */
export class RouteSource {
  readonly #options: RouteSourceOptions;
  readonly #definitions: Reflector<Definition>;
  readonly #followed = new Map<string, Reflector<Reflected>>();
  #isPatient = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RouteSourceOptions) {
    this.#options = options;
    this.#definitions = new Reflector<Definition>({
      ...options,
      path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
      onChange: () => this.#follow(),
      onSynced: options.onChange,
    });
  }

  get isKnown(): boolean {
    if (!this.#isPatient) return true;
    return this.#definitions.synced && [...this.#followed.values()].every(({ synced }) => synced);
  }

  get virtualServices(): VirtualService[] {
    return this.#storeOf("virtualservices.networking.istio.io") as VirtualService[];
  }

  get httpRoutes(): HttpRoute[] {
    return this.#storeOf("httproutes.gateway.networking.k8s.io") as HttpRoute[];
  }

  start(): void {
    this.#definitions.start();
    this.#timer = setTimeout(() => {
      this.#isPatient = false;
      this.#options.onChange();
    }, patienceMs);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all([this.#definitions, ...this.#followed.values()].map((reflector) => reflector.stop()));
  }

  #storeOf(kind: string): Reflected[] {
    return [...(this.#followed.get(kind)?.store.values() ?? [])];
  }

  #follow(): void {
    for (const [kind, path] of kinds) {
      const followed = this.#followed.get(kind);
      const conditions = this.#definitions.store.get(`/${kind}`)?.status?.conditions;
      const isServed = conditions?.some(({ type, status }) => type === "Established" && status === "True") ?? false;
      if (isServed && !followed) {
        const { client, logger, onChange } = this.#options;
        const reflector = new Reflector<Reflected>({ client, logger, path, onChange, onSynced: onChange });
        this.#followed.set(kind, reflector);
        reflector.start();
      } else if (!isServed && followed) {
        this.#followed.delete(kind);
        void followed.stop();
      }
    }
    this.#options.onChange();
  }
}
