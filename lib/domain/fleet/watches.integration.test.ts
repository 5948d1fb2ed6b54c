import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import fc from "fast-check";
import { afterEach, beforeEach, test } from "vitest";
import { KubernetesClient } from "#lib/kubernetes/client.ts";
import type { Pod } from "#lib/kubernetes/objects.ts";
import { Reflector } from "#lib/kubernetes/reflector.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { keptOfPod, trim } from "#lib/kubernetes/trim.ts";
import { Backoff } from "#lib/runtime/backoff.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { FleetStore } from "./live.ts";
import { deployment, pod, replicaSet } from "./test-objects.ts";

/** What happens in the cluster, and what its network does to the news of it. */
type Happening =
  | { what: "write" | "delete"; pod: number }
  | { what: "double" | "swap" }
  /** The connection stays open, and nothing comes any more. */
  | { what: "silence" }
  | { what: "gone" }
  | { what: "cut" };

const relay = deployment();
const set = replicaSet(relay);
const names = ["relay-a", "relay-b", "relay-c", "relay-d"];

/** An API server of pods with a true history, behind a network that fails as told. */
class FaultyApi {
  readonly #pods = new Map<string, Pod>();
  readonly #history: { version: number; line: string }[] = [];
  readonly #watches = new Set<ServerResponse>();
  #oldest = 0;
  #version = 1;
  #isSilent = false;
  #held: string[] = [];
  #isSwapping = false;

  get pods(): Pod[] {
    return [...this.#pods.values()];
  }

  answer(url: URL, response: ServerResponse): void {
    if (!url.searchParams.has("watch")) {
      const from = Number(url.searchParams.get("continue") ?? 0);
      const items = this.pods.slice(from, from + 2);
      const more = from + 2 < this.#pods.size ? { continue: String(from + 2) } : {};
      response.end(JSON.stringify({ metadata: { resourceVersion: String(this.#version), ...more }, items }));
      return;
    }
    const since = Number(url.searchParams.get("resourceVersion"));
    response.flushHeaders();
    this.#isSilent = false;
    if (since < this.#oldest) {
      this.#expire(response);
      return;
    }
    for (const { version, line } of this.#history) if (version > since) response.write(line);
    this.#watches.add(response);
    response.on("close", () => this.#watches.delete(response));
  }

  happen(happening: Happening): void {
    const { what } = happening;
    if (what === "write" || what === "delete") this.#change(what, names[happening.pod] ?? "");
    else if (what === "silence") this.#isSilent = true;
    else if (what === "double") this.#send(this.#history.at(-1)?.line ?? "");
    else if (what === "swap") this.#isSwapping = true;
    else {
      if (what === "gone") this.#oldest = this.#version;
      for (const response of this.#watches) what === "gone" ? this.#expire(response) : response.destroy();
    }
  }

  /** The network works again; what it held back arrives late. */
  heal(): void {
    this.#isSwapping = false;
    for (const line of this.#held.splice(0)) this.#send(line);
  }

  #change(what: "write" | "delete", name: string): void {
    this.#version += 1;
    const known = this.#pods.get(name);
    if (what === "delete" && !known) return;
    const restartCount = this.#version;
    const made = pod(set, name, { container: { ready: restartCount % 2 === 0, restartCount } });
    const uid = known?.metadata.uid ?? `uid-${this.#version}`;
    const object = { ...made, metadata: { ...made.metadata, uid, resourceVersion: String(this.#version) } };
    if (what === "delete") this.#pods.delete(name);
    else this.#pods.set(name, object);
    const type = what === "delete" ? "DELETED" : known ? "MODIFIED" : "ADDED";
    const line = `${JSON.stringify({ type, object })}\n`;
    this.#history.push({ version: this.#version, line });
    if (this.#isSwapping && this.#held.length === 0) {
      this.#held.push(line);
      return;
    }
    this.#send(line);
    for (const held of this.#held.splice(0)) this.#send(held);
    this.#isSwapping = false;
  }

  #send(line: string): void {
    if (!this.#isSilent) for (const response of this.#watches) response.write(line);
  }

  #expire(response: ServerResponse): void {
    response.end(`${JSON.stringify({ type: "ERROR", object: { code: 410, reason: "Expired", message: "too old" } })}\n`);
  }
}

let server: Server;
let client: KubernetesClient;
let api: FaultyApi;

beforeEach(async () => {
  server = createServer((request, response) => api.answer(new URL(request.url ?? "/", "http://localhost"), response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const config = new KubeConfig();
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  config.loadFromClusterAndUser({ name: "test", server: address, skipTLSVerify: true }, { name: "test" });
  client = new KubernetesClient(config);
});

afterEach(async () => {
  client.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function newStore(): FleetStore {
  const store = new FleetStore({ now: () => new Date("2026-11-01T10:01:00Z"), tickMs: 5 });
  store.setFeed({ name: "kubernetes", state: "connected", lastError: null, hint: null });
  store.applyWorkloads({ upserted: [relay], removed: [] });
  store.applyRevisions({ upserted: [set], removed: [] });
  return store;
}

/** What a process would show that has just listed everything. */
function freshView(): unknown {
  const store = newStore();
  store.applyPods({ upserted: api.pods.map(trim.pod), removed: [] });
  const view = viewOf(store);
  store.close();
  return view;
}

function viewOf(store: FleetStore): unknown {
  return JSON.parse(JSON.stringify(store.findService("fleet/relay")));
}

const change = (what: "write" | "delete") => fc.record({ what: fc.constant(what), pod: fc.nat(3) });
const fault = fc.constantFrom("double", "swap", "silence", "gone", "cut").map((what): Happening => ({ what }));
const happening: fc.Arbitrary<Happening> = fc.oneof(change("write"), change("delete"), fault);

test("whatever happens to the watch, the view is that of a fresh list within one resync", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 25 }), async (happenings) => {
      api = new FaultyApi();
      const store = newStore();
      const reflector: Reflector<Pod> = new Reflector<Pod>({
        client,
        path: "/api/v1/pods",
        trim: trim.pod,
        kept: keptOfPod,
        onChanges: (changes) => store.applyPods(changes),
        onState: () => {},
        backoff: new Backoff({ initialMs: 5, maxMs: 20 }),
        logger: createLogger("test", "silent"),
        watchSeconds: 0.2,
        graceSeconds: 0.1,
        resyncMs: 600,
      });
      reflector.start();
      try {
        await until("it has listed", () => reflector.state.state === "connected");
        for (const one of happenings) {
          api.happen(one);
          await new Promise((resolve) => setImmediate(resolve));
        }
        api.heal();
        const wanted = JSON.stringify(freshView());
        await until("the view is that of a fresh list", () => JSON.stringify(viewOf(store)) === wanted, 5000);
      } finally {
        await reflector.stop();
        store.close();
      }
    }),
    { numRuns: 40 },
  );
}, 120_000);
