/** For tests only: a fleet on a virtual node, the prober's words for what its clients see, and time that passes only when it is told to. */

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { TestWorld } from "#lib/domain/actions/test-fleet.ts";
import type { Context } from "#lib/domain/context.ts";
import { storeAlert } from "#lib/domain/incidents/test-happenings.ts";
import { DrillRunnerPass } from "#lib/domain/recovery/drills/carry-out.ts";
import { startDrill } from "#lib/domain/recovery/drills/commands.ts";
import type { NodePower } from "#lib/domain/recovery/drills/node-power.ts";
import { getDrill } from "#lib/domain/recovery/drills/queries.ts";
import type { DrillDetail } from "#lib/domain/recovery/drills/schemas.ts";
import { type Pod, paths } from "#lib/kubernetes/objects.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import type { PrometheusClient } from "#lib/prometheus/client.ts";
import type { ObservationsPage } from "#lib/protocol/observations.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";

/** What clients saw, in the prober's words: a try on each of two paths every 200 ms of the test's time. */
class Clients {
  readonly epoch = randomUUID();
  readonly outcomes: ObservationsPage["outcomes"] = [];
  readonly losses: [number, number][] = [];
  /** The paths that are away. */
  away: number[] = [];
  /** Whether the prober tells nothing. */
  isMute = false;

  pass(fromMs: number, toMs: number): void {
    for (let at = fromMs + 200; at <= toMs; at += 200) {
      for (const path of [0, 1]) this.outcomes.push([path, at, 10, this.away.includes(path) ? 0 : 1]);
    }
  }

  page(target: string, since: number, at: number): ObservationsPage {
    return {
      epoch: this.epoch,
      at,
      target,
      next: this.outcomes.length,
      isAll: true,
      forgotten: 0,
      paths: ["client 1", "client 2"].map((name) => ({ name, intervalMs: 200 })),
      outcomes: this.outcomes.slice(since),
      ledger: {
        acknowledged: this.outcomes.length,
        lost: this.losses.length,
        duplicated: 0,
        reordered: 0,
        lastAcknowledgedAt: at,
        unsettled: 0,
        oldestUnsettledAt: null,
        losses: this.losses,
      },
    };
  }
}

type ServiceOptions = { dependsOn?: string; replicas?: number; port?: number };

/** A managed Deployment; its metrics are on a port that `serve` answers on. */
export const drilled = (
  name: string,
  kind: string,
  { dependsOn = "", replicas = 1, port = 8080 }: ServiceOptions = {},
): string => `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  namespace: fleet
  labels: { switchyard.dev/kind: ${kind} }
  annotations: { switchyard.dev/depends-on: "${dependsOn}", switchyard.dev/owner: network }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} }, annotations: { prometheus.io/port: "${port}" } }
    spec: { containers: [{ name: ${name}, image: "switchyard/${kind}:1.0.0" }] }
`;

/** A node whose pods are said to run. */
export const virtualNode = (name: string): string =>
  `apiVersion: v1\nkind: Node\nmetadata: { name: ${name}, labels: { switchyard.dev/virtual: "true" } }\n`;

const prometheus = {
  rules: async () => [
    { name: "g", file: "f", rules: [{ type: "alerting", name: "ProbeInterrupted", query: "x", health: "ok" }] },
  ],
} as unknown as PrometheusClient;

export const isReady = ({ status }: Pod) =>
  status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;

/** How many instances a service is to have before each test, by name. */
type Fleet = Record<string, number>;

type Operator = Context & { nodePower: NodePower | null };

export class DrillWorld {
  readonly world: TestWorld;
  readonly operator: Operator;
  clients = new Clients();
  /** Carries the drills out: another one is another controller. */
  runner: DrillRunnerPass;
  /** What else controllers do while a second goes by. */
  meanwhile: () => Promise<unknown> = async () => {};
  readonly #fleet: Fleet;
  readonly #servers: Server[] = [];
  readonly #began = Date.now();
  #aheadMs = 0;

  private constructor(world: TestWorld, fleet: Fleet, nodePower: NodePower | null) {
    this.world = world;
    this.#fleet = fleet;
    this.operator = { ...world.context, prometheus, clock: () => new Date(this.now()), nodePower };
    this.runner = new DrillRunnerPass(this.operator);
  }

  /** The services of `yaml` on a node of their own, in a namespace that is labelled for drills, and a prober that depends on some. */
  static async start(
    world: TestWorld,
    of: { yaml: string[]; fleet: Fleet; probed: string; nodePower?: NodePower },
  ): Promise<DrillWorld> {
    const drills = new DrillWorld(world, of.fleet, of.nodePower ?? null);
    await world.kubernetes.patch(paths.namespace("fleet"), [
      { op: "add", path: "/metadata/labels/switchyard.dev~1drills", value: "allowed" },
    ]);
    const prober = drilled("prober", "prober", { dependsOn: of.probed, port: await freePort() });
    await world.cluster.create([virtualNode("roomy"), ...of.yaml, prober].join("---\n"));
    await drills.serve("prober", (request, response) => {
      if (drills.clients.isMute) return response.writeHead(503).end();
      const query = new URL(request.url ?? "", "http://prober").searchParams;
      const page = drills.clients.page(query.get("target") ?? "", Number(query.get("since")), drills.now());
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(page));
    });
    return drills;
  }

  /**
   * Answers for the first instance of a service, which is virtual and runs nothing. The pods of another test's cluster have the same
   * addresses: the port has to be free.
   */
  async serve(app: string, answer: RequestListener): Promise<void> {
    const { metadata, status } = await until(`${app} runs`, async () => (await this.listPods(app)).find(isReady));
    const server = createServer(answer);
    this.#servers.push(server);
    server.listen(Number(metadata.annotations?.["prometheus.io/port"]), status?.podIP);
    await once(server, "listening");
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) server.close();
    await this.world.stop();
  }

  /** Before each test: other clients, another controller, and every service well. */
  async begin(): Promise<void> {
    this.clients = new Clients();
    this.clients.pass(this.now() - 20_000, this.now());
    this.runner = new DrillRunnerPass(this.operator);
    for (const [app, instances] of Object.entries(this.#fleet)) await this.untilReady(app, instances);
  }

  /** After each test: what it left open is over, and ten minutes go by. */
  async clear(): Promise<void> {
    const { db } = this.world;
    await db.alertEpisode.updateMany({ data: { openKey: null, state: "resolved", endsAt: new Date(this.now()) } });
    await db.drill.updateMany({ data: { activeKey: null } });
    this.#aheadMs += 600_000;
  }

  /** Time passes only by `pass` and `skip`, however busy the machine is. */
  now(): number {
    return this.#began + this.#aheadMs;
  }

  /** Time goes by while no controller looks. */
  skip(ms: number): void {
    this.#aheadMs += ms;
    this.clients.pass(this.now() - ms, this.now());
  }

  /** A second goes by, and a controller looks. */
  async pass(seconds = 1): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      this.skip(1_000);
      await this.runner.pass();
      await this.meanwhile();
    }
  }

  async passUntil(id: string, what: string, isSo: (detail: DrillDetail) => boolean, most = 200): Promise<DrillDetail> {
    for (let second = 0; second < most; second += 1) {
      const detail = await getDrill(this.operator, id);
      if (isSo(detail)) return detail;
      await this.pass();
    }
    throw new Error(`waited in vain until ${what}: ${JSON.stringify((await getDrill(this.operator, id)).drill)}`);
  }

  ask(scenario: string, over: object = {}, actor = this.operator) {
    return startDrill(actor, { scenario, subject: "fleet/relay", reason: "every quarter", ...over }, randomUUID());
  }

  admin(): Operator {
    return { ...this.operator, actor: { ...this.operator.actor, role: "admin" } };
  }

  strike(id: string): Promise<DrillDetail> {
    return this.passUntil(id, "it strikes", ({ drill }) => drill.faultAt !== null);
  }

  async end(id: string): Promise<DrillDetail> {
    await this.untilReady("relay");
    return this.passUntil(id, "it ends", ({ drill }) => drill.finishedAt !== null, 600);
  }

  /** ProbeInterrupted arrives for a service. */
  fire(name = "relay"): Promise<unknown> {
    return storeAlert(this.world.db, {
      name: "ProbeInterrupted",
      severity: "warning",
      startsAt: new Date(this.now()),
      service: { namespace: "fleet", name },
    });
  }

  listPods(app: string, namespace = "fleet"): Promise<Pod[]> {
    return this.world.kubernetes.list<Pod>(paths.podsOf(namespace), { labelSelector: `app=${app}` });
  }

  /** The cluster's own time goes by, which this world's does not. */
  async untilReady(app: string, instances = this.#fleet[app] ?? 0): Promise<void> {
    await until(`${app} has ${instances} instances`, async () => (await this.listPods(app)).filter(isReady).length === instances);
  }
}
