import { randomUUID } from "node:crypto";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { type FastifyInstance, fastify } from "fastify";
import { z } from "zod";
import { hubMessageSchemas, hubRoles, label } from "#lib/protocol/hub-messages.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { createTraceparent } from "#lib/runtime/trace.ts";
import { AdminProblem, describeProblem, pageQuery, parseInput } from "./admin-problem.ts";
import type { HubCertificate } from "./certificate.ts";
import type { JobRunner } from "./jobs.ts";
import type { PeerRegistry } from "./peers.ts";
import { listLatest, listSeries, type ReadingStore } from "./readings.ts";
import { createSecretCheck } from "./secret.ts";
import { type JobStore, jobPhases } from "./state.ts";

export type AdminOptions = {
  address: { host: string; port: number };
  /** What callers must show as a bearer token. */
  token: string;
  /** The hub's own: its token is not to go over the network in the clear. */
  certificate: HubCertificate;
  peers: PeerRegistry;
  jobs: JobRunner;
  jobStore: JobStore;
  readings: ReadingStore;
  /** Starts the drain of this hub; again is the same. */
  drain: () => unknown;
  logger: Logger;
  /** For TLS, and again for the headers of a request. */
  handshakeTimeoutMs: number;
  onAnswer?: (status: number) => void;
  /** Called for a connection that is one too many. */
  onDrop?: () => void;
};

const peersQuery = z.object({ ...pageQuery, role: z.enum(hubRoles).optional(), tenant: label.optional() });
const jobCursor = z
  .string()
  .regex(/^\d{1,16}$/, "is no `next` of this list")
  .optional();
const jobsQuery = z.object({ ...pageQuery, after: jobCursor, state: z.enum(jobPhases), tenant: label.optional() });
const readingsQuery = z.object({ ...pageQuery, tenant: label.optional(), edge: label.optional(), sensor: label.optional() });
const seriesQuery = z.object({
  tenant: label.optional(),
  edge: label.optional(),
  sensor: label,
  limit: z.coerce.number().int().min(1).max(10_000).default(100),
});
const newJob = z.strictObject({ tenant: label, id: label.optional(), scan: hubMessageSchemas.scan.omit({ job: true }) });
const jobPath = z.object({ tenant: label, id: label });

const limits = {
  bodyLimit: 256 * 1024,
  requestTimeout: 10_000,
  connectionTimeout: 30_000,
  keepAliveTimeout: 5_000,
  routerOptions: { maxParamLength: 2_000 },
};

/** The HTTP API for operators and their programs, over TLS with a bearer token. Errors are problem+json. */
export class AdminServer {
  readonly #app: FastifyInstance;
  readonly #options: AdminOptions;

  constructor(options: AdminOptions) {
    this.#options = options;
    const { certificate, handshakeTimeoutMs: timeout } = options;
    const https = {
      cert: certificate.cert,
      key: certificate.key,
      minVersion: "TLSv1.3" as const,
      handshakeTimeout: timeout,
      headersTimeout: timeout,
      connectionsCheckingInterval: Math.min(1_000, timeout),
    };
    const app = fastify({ ...limits, https, genReqId: () => randomUUID(), logger: false }) as unknown as FastifyInstance;
    this.#app = app;
    app.server.maxConnections = 100;
    app.server.on("drop", () => options.onDrop?.());
    this.#guard(app);
    this.#servePeers(app);
    this.#serveJobs(app);
    this.#serveReadings(app);
    app.post("/api/v1/drain", (_request, reply) => {
      options.drain();
      return reply.code(202).send({ state: "draining" });
    });
  }

  async listen(): Promise<AddressInfo> {
    const { host, port } = this.#options.address;
    await this.#app.listen({ host, port });
    return this.#app.server.address() as AddressInfo;
  }

  /** For connections from now on. */
  setCertificate({ cert, key }: HubCertificate): void {
    (this.#app.server as Server).setSecureContext({ cert, key, minVersion: "TLSv1.3" });
  }

  stop(): Promise<void> {
    this.#app.server.closeAllConnections();
    return this.#app.close();
  }

  #guard(app: FastifyInstance): void {
    const { token, logger, onAnswer } = this.#options;
    const isToken = createSecretCheck(token);
    app.addHook("onRequest", async (request, reply) => {
      const [, given = ""] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "") ?? [];
      if (isToken(given)) return;
      reply.header("www-authenticate", "Bearer").header("connection", "close");
      throw new AdminProblem(401, "unauthorized", "wants the header Authorization: Bearer TOKEN with the hub's admin token");
    });
    app.addHook("onSend", async (_request, reply) => void reply.header("cache-control", "no-store"));
    app.addHook("onResponse", async ({ method, url, id, ip }, { statusCode: status }) => {
      onAnswer?.(status);
      const level = method === "GET" ? "debug" : "info";
      logger[level]({ request_id: id, method, url, status, address: ip }, "the admin API answered");
    });
    app.setErrorHandler((error, { id }, reply) => {
      const problem = describeProblem(error, id);
      if (problem.status >= 500) {
        const level = problem.status === 500 ? "error" : "warn";
        logger[level]({ err: error, request_id: id }, "a request of the admin API failed");
      }
      return reply.code(problem.status).type("application/problem+json").send(JSON.stringify(problem));
    });
    app.setNotFoundHandler(() => {
      throw new AdminProblem(404, "not_found", "there is nothing at this path");
    });
  }

  #servePeers(app: FastifyInstance): void {
    const { peers } = this.#options;
    app.get("/api/v1/peers", async ({ query }) => {
      const found = await peers.list(parseInput(peersQuery, query));
      return { items: found.peers, next: found.next };
    });
    app.delete("/api/v1/peers/:id", async ({ params }, reply) => {
      const { id } = parseInput(z.object({ id: label }), params);
      if (!(await peers.disconnect(id))) throw new AdminProblem(404, "not_found", `no peer ${id} is connected`);
      return reply.code(204).send();
    });
  }

  #serveJobs(app: FastifyInstance): void {
    const { jobs, jobStore } = this.#options;
    app.get("/api/v1/jobs", async ({ query }) => {
      const found = await jobStore.list(parseInput(jobsQuery, query));
      return { items: found.jobs, next: found.next };
    });
    app.post("/api/v1/jobs", async ({ body }, reply) => {
      const { tenant, id = randomUUID(), scan } = parseInput(newJob, body);
      const state = await jobs.enqueue(tenant, id, { traceparent: createTraceparent(), ...scan });
      if (state === "full") throw new AdminProblem(429, "full", `tenant ${tenant} has as many open jobs as it may have`);
      const location = `/api/v1/jobs/${encodeURIComponent(tenant)}/${encodeURIComponent(id)}`;
      return reply.code(202).header("location", location).send({ tenant, id, location });
    });
    app.get("/api/v1/jobs/:tenant/:id", async ({ params }) => this.#findJob(parseInput(jobPath, params)));
    app.delete("/api/v1/jobs/:tenant/:id", async ({ params }, reply) => {
      const { tenant, id } = parseInput(jobPath, params);
      if (await jobs.cancel(tenant, id)) return reply.code(204).send();
      const { state } = await this.#findJob({ tenant, id });
      throw new AdminProblem(409, "ended", `the job is ${state} already`);
    });
  }

  async #findJob({ tenant, id }: { tenant: string; id: string }) {
    const job = await this.#options.jobStore.get(tenant, id);
    if (!job) throw new AdminProblem(404, "not_found", `tenant ${tenant} has no job ${id}`);
    return job;
  }

  #serveReadings(app: FastifyInstance): void {
    const { readings } = this.#options;
    app.get("/api/v1/readings", async ({ query }) => {
      const found = await listLatest(readings, parseInput(readingsQuery, query));
      return { items: found.readings, next: found.next };
    });
    app.get("/api/v1/readings/series", async ({ query }) => ({
      items: await listSeries(readings, parseInput(seriesQuery, query)),
    }));
    app.get("/api/v1/streams", async () => ({ totals: await readings.totals() }));
  }
}
