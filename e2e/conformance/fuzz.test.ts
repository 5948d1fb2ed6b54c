import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readKubeconfig } from "#services/cluster/api-client.ts";
import { Random } from "./fuzz/random.ts";
import { rawBytes, sendRaw } from "./fuzz/raw-sockets.ts";
import { type FuzzRequest, fuzzRequest, seedRequests } from "./fuzz/requests.ts";
import { startTestCluster, type TestCluster } from "./harness.ts";

const seed = Number(process.env.SWITCHYARD_FUZZ_SEED ?? 20_261_121);
const requestCount = Number(process.env.SWITCHYARD_FUZZ_REQUESTS ?? 9_700);
const rawCount = Math.round((requestCount * 3) / 97);
const concurrency = 24;
const silenceMs = 20_000;

type Answer = { status: number; body: string };

let cluster: TestCluster;
let agent: Agent;
let authorization: string;
let ca: string | Buffer;

beforeAll(async () => {
  // A heap that would not hold what is sent in all: keeping any of it ends the server.
  cluster = await startTestCluster({ NODE_OPTIONS: "--max-old-space-size=160 --max-semi-space-size=8" });
  const connection = readKubeconfig(cluster.kubeconfigPath);
  ca = connection.ca ?? "";
  authorization = `Bearer ${connection.token}`;
  agent = new Agent({ keepAlive: true, maxSockets: concurrency, ca });
  for (const one of seedRequests()) {
    const { status, body } = await send(one);
    expect([201, 409], `${one.path}: ${body}`).toContain(status);
  }
});

afterAll(async () => {
  agent?.destroy();
  await cluster?.stop();
});

/** The answer; status 0 when the server ended the connection instead. */
function send({ method, path, headers, body }: FuzzRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const isEndless = /[?&](watch|follow)=/.test(path);
    const options = { method, agent, headers: { authorization, ...headers }, timeout: silenceMs };
    const outgoing = request(`${cluster.address}${path}`, options, (response) => {
      const status = response.statusCode ?? 0;
      let text = "";
      const done = () => resolve({ status, body: text });
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        if (text.length < 20_000) text += chunk;
      });
      response.on("close", done);
      response.on("error", done);
      if (isEndless) setTimeout(() => outgoing.destroy(), 5);
    });
    outgoing.on("timeout", () => reject(new Error(`no answer within ${silenceMs} ms`)));
    outgoing.on("error", () => resolve({ status: 0, body: "" }));
    outgoing.end(body);
  });
}

function residentMiB(): number {
  const status = readFileSync(`/proc/${cluster.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

/** What is wrong with an answer, if anything: an internal error, or a refusal that is no v1 Status. */
function complaintAbout({ method }: FuzzRequest, { status, body }: Answer): string | undefined {
  if (status >= 500 && !body.includes("ResourceVersionTooLarge")) return `${status}`;
  if (status < 400 || method === "HEAD" || body === "") return undefined;
  try {
    const refusal = JSON.parse(body) as { kind?: string; code?: number; message?: string };
    if (refusal.kind === "Status" && refusal.code === status && refusal.message) return undefined;
  } catch {
    // Told below: what is no JSON is no Status.
  }
  return `${status} without a Status: ${body.slice(0, 200)}`;
}

describe("whatever a client sends", () => {
  it(`is answered without an internal error, ${requestCount} malformed requests long (seed ${seed})`, async () => {
    const { pid } = cluster;
    const random = new Random(seed);
    const complaints: string[] = [];
    const statuses = new Map<number, number>();
    let sent = 0;
    const client = async () => {
      while (sent < requestCount) {
        const number = sent++;
        // What was deleted comes back, so that there is something to get wrong.
        if (number % 500 === 0) await Promise.all(seedRequests().map(send));
        const one = fuzzRequest(random);
        const say = (what: string) =>
          complaints.push(
            `request ${number}: ${what}: ${one.method} ${one.path.slice(0, 300)} ${one.headers["content-type"] ?? ""} ${one.body?.toString().slice(0, 500)}`,
          );
        const answer = await send(one).catch((error: Error) => say(error.message));
        if (typeof answer !== "object") continue;
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        const complaint = complaintAbout(one, answer);
        if (complaint) say(complaint);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, client));
    if (process.env.SWITCHYARD_FUZZ_VERBOSE)
      process.stderr.write(`${JSON.stringify([...statuses].sort((a, b) => a[0] - b[0]))}\n${residentMiB()} MiB\n`);
    expect([...complaints.slice(0, 20), ...cluster.errors.slice(0, 20)]).toEqual([]);
    expect(cluster.pid).toBe(pid);
    // The requests have to get past the first check often enough to be worth sending.
    const accepted = [...statuses].reduce((sum, [status, count]) => sum + (status >= 200 && status < 300 ? count : 0), 0);
    expect(accepted).toBeGreaterThan(requestCount / 20);
    expect(statuses.get(422) ?? 0).toBeGreaterThan(requestCount / 50);
  }, 240_000);

  it(`does not end the server, ${rawCount} times what is no proper HTTP`, async () => {
    const target = { port: Number(new URL(cluster.address).port), ca, authorization };
    const random = new Random(seed + 1);
    let sent = 0;
    const client = async () => {
      while (sent < rawCount) {
        sent += 1;
        const answer = await sendRaw(target, rawBytes(random, target), 300);
        expect(answer).not.toMatch(/^HTTP\/1.1 500/);
      }
    };
    await Promise.all(Array.from({ length: 16 }, client));
    expect((await send({ method: "GET", path: "/readyz", headers: {} })).body).toBe("ok");
  }, 120_000);

  it("leaves the server in order: its memory bounded, its objects whole, its prototypes its own", async () => {
    expect(residentMiB()).toBeLessThan(600);
    const name = "after-the-storm";
    const headers = { "content-type": "application/json" };
    const body = Buffer.from(JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { k: "v" } }));
    const path = "/api/v1/namespaces/default/configmaps";
    const created = await send({ method: "POST", path, headers, body });
    expect(created.status).toBe(201);
    expect(created.body).not.toContain("polluted");
    for (const kind of ["pods", "services", "configmaps"]) {
      const list = await send({ method: "GET", path: `/api/v1/${kind}`, headers: {} });
      expect(list.status).toBe(200);
    }
    await cluster.restart("SIGKILL");
    expect((await send({ method: "GET", path: `${path}/${name}`, headers: {} })).status).toBe(200);
  });
});
