import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { startRolloutSchema } from "#lib/domain/rollouts/start/start-schemas.ts";

/** The script of the pipelines against a Switchyard whose answers are told here; e2e/slow has the real one. */

const script = join(import.meta.dirname, "roll-out.sh");

type Received = { method: string; path: string; search: URLSearchParams; headers: IncomingMessage["headers"]; body: unknown };
type Answer = { status?: number; body?: object; hang?: boolean };

const received: Received[] = [];
let answers: (request: Received) => Answer;
let url: string;
let dir: string;
const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "", "http://switchyard");
  const body = await text(request);
  const seen = {
    method: request.method ?? "",
    path: pathname,
    search: searchParams,
    headers: request.headers,
    body: body === "" ? undefined : JSON.parse(body),
  };
  received.push(seen);
  reply(response, answers(seen));
});

function reply(response: ServerResponse, { status = 200, body = {}, hang }: Answer): void {
  if (hang) return;
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

beforeEach(async () => {
  received.length = 0;
  dir = mkdtempSync(join(tmpdir(), "switchyard-action-"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
  rmSync(dir, { recursive: true, force: true });
});

function start(settings: Record<string, string> = {}) {
  const env = {
    ...process.env,
    GITHUB_ACTIONS: "",
    GITHUB_RUN_ID: "",
    SWITCHYARD_URL: url,
    SWITCHYARD_TOKEN: "swy_secret",
    SERVICE: "fleet/relay",
    IMAGE: "switchyard/relay:2.1.0",
    REASON: 'release "2.1.0"',
    GITHUB_OUTPUT: join(dir, "output"),
    GITHUB_STEP_SUMMARY: join(dir, "summary"),
    ...settings,
  };
  const child = spawn("sh", [script], { env, stdio: ["ignore", "pipe", "pipe"] });
  const printed = Promise.all([text(child.stdout), text(child.stderr)]).then((both) => both.join(""));
  const ended = once(child, "exit").then(async ([code]) => ({ code: code as number | null, printed: await printed }));
  return { child, ended };
}

const service = {
  uid: "uid-1",
  templateHash: "hash-1",
  container: "main",
  containers: [
    { name: "main", image: "switchyard/relay:2.0.0" },
    { name: "sidecar", image: "switchyard/relay:2.1.0" },
  ],
  candidate: null,
  desired: 3,
  updated: 3,
  available: 3,
};

function rollout(state: string, version: number, events: string[], message = `It is ${state}.`) {
  return {
    id: "rollout-1",
    service: "relay",
    fromVersion: "2.0.0",
    toVersion: "2.1.0",
    state,
    version,
    message,
    steps: [{ title: "10 % of the traffic", state: "done" }],
    events: events.map((text) => ({ id: text, at: "2026-11-21T19:00:00.000Z", kind: "step", message: text })),
  };
}

/** A rollout that is told in these states, one an answer, each with the events that are new in it. */
function telling(states: ReturnType<typeof rollout>[]): typeof answers {
  let next = 0;
  return ({ method, path }) => {
    if (path === "/api/services/fleet/relay") return { body: { service } };
    if (method === "POST") return { status: 202, body: { rolloutId: "rollout-1" } };
    const body = states[Math.min(next, states.length - 1)];
    next += 1;
    return { body };
  };
}

const starts = () => received.filter(({ path }) => path === "/api/services/fleet/relay/rollouts");
const outputs = () => readFileSync(join(dir, "output"), "utf8");

describe("a pipeline's rollout", () => {
  it("is started from what the service is, followed by long polls, each event told once, and passes when it is complete", async () => {
    answers = telling([
      rollout("progressing", 1, ["started"]),
      rollout("paused", 3, ["10 percent"]),
      rollout("complete", 7, ["all of it"], "relay runs 2.1.0."),
    ]);
    const { code, printed } = await start().ended;
    expect(code, printed).toBe(0);
    const [sent] = starts();
    expect(startRolloutSchema.parse(sent?.body)).toMatchObject({
      change: { image: { container: "main", image: "switchyard/relay:2.1.0" } },
      seen: { uid: "uid-1", templateHash: "hash-1" },
      reason: 'release "2.1.0"',
      queue: false,
      ticks: [],
      override: null,
    });
    expect(sent?.body).not.toHaveProperty("strategy");
    expect(received.every(({ headers }) => headers.authorization === "Bearer swy_secret")).toBe(true);
    const polls = received.filter(({ path }) => path === "/api/rollouts/rollout-1").map(({ search }) => search.toString());
    expect(polls).toEqual(["", "after=1&waitSeconds=30", "after=3&waitSeconds=30"]);
    expect(printed.match(/started|10 percent|all of it/g)).toEqual(["started", "10 percent", "all of it"]);
    expect(outputs()).toBe(`id=rollout-1\nurl=${url}/rollouts/rollout-1\nstate=complete\nmessage=relay runs 2.1.0.\n`);
    expect(readFileSync(join(dir, "summary"), "utf8")).toContain("- 10 % of the traffic: done");
  });

  it.each(["aborted", "failed", "superseded"])("fails with its sentence when it is %s", async (state) => {
    answers = telling([rollout(state, 2, ["started"], "p95 was 180 ms,\nthe limit is 50 ms: 100 % too slow.")]);
    const { code, printed } = await start({ GITHUB_ACTIONS: "true" }).ended;
    expect(code).toBe(1);
    expect(printed).toContain("::error title=Switchyard::p95 was 180 ms, the limit is 50 ms: 100 %25 too slow.");
    expect(outputs()).toContain(`state=${state}\n`);
  });

  it("sends strategy, container, ticks, override and queue as they are given", async () => {
    answers = telling([rollout("complete", 1, [])]);
    const strategy = {
      kind: "rolling",
      pauseAfter: 1,
      progressDeadlineSeconds: 60,
      rollbackOnFailure: true,
      analysis: null,
      stableSeconds: 0,
    };
    const { code, printed } = await start({
      STRATEGY: JSON.stringify(strategy),
      CONTAINER: "sidecar",
      IMAGE: "switchyard/relay:2.2.0",
      TICKS: "announced on-call",
      OVERRIDE_REASON: "the freeze does not cover this",
      QUEUE: "true",
    }).ended;
    expect(code, printed).toBe(0);
    expect(startRolloutSchema.parse(starts()[0]?.body)).toMatchObject({
      strategy,
      change: { image: { container: "sidecar" } },
      ticks: ["announced", "on-call"],
      override: { reason: "the freeze does not cover this" },
      queue: true,
    });
  });

  it("is not started when the service runs the image already, and passes", async () => {
    answers = () => ({ body: { service } });
    const { code, printed } = await start({ CONTAINER: "sidecar" }).ended;
    expect({ code, printed }).toEqual({ code: 0, printed: "fleet/relay runs switchyard/relay:2.1.0 already.\n" });
    expect(received).toHaveLength(1);
    expect(outputs()).toContain("state=complete\n");
  });

  it("is started when not every instance has the image yet", async () => {
    answers = telling([rollout("complete", 1, [])]);
    const told = answers;
    answers = (request) =>
      request.path === "/api/services/fleet/relay" ? { body: { service: { ...service, updated: 2 } } } : told(request);
    await start({ CONTAINER: "sidecar" }).ended;
    expect(starts()).toHaveLength(1);
  });

  it("is not started when it is refused, and says by what", async () => {
    answers = ({ method }) =>
      method === "GET"
        ? { body: { service } }
        : { status: 409, body: { status: 409, detail: "A freeze window lasts until Monday." } };
    const { code, printed } = await start().ended;
    expect(code).toBe(2);
    expect(printed).toContain("Not started: A freeze window lasts until Monday.");
    expect(received).toHaveLength(2);
  });

  it("is started once and followed on although Switchyard is away in between", async () => {
    const told = telling([rollout("progressing", 1, []), rollout("complete", 2, [])]);
    let refusals = 2;
    answers = (request) => {
      if (request.path === "/api/services/fleet/relay") return told(request);
      refusals -= 1;
      return refusals >= 0 ? { status: 503, body: { status: 503 } } : told(request);
    };
    const { code, printed } = await start().ended;
    expect(code, printed).toBe(0);
    expect(new Set(starts().map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
    expect(starts()).toHaveLength(3);
  });

  it("is aborted when the pipeline is cancelled in the middle of a long poll and asked for that", async () => {
    const { promise: polled, resolve } = Promise.withResolvers<void>();
    const told = telling([rollout("progressing", 1, [])]);
    answers = (request) => {
      if (!request.search.has("after")) return told(request);
      resolve();
      return { hang: true };
    };
    const { child, ended } = start({ ABORT_ON_CANCEL: "true" });
    await polled;
    child.kill("SIGTERM");
    const { code, printed } = await ended;
    expect(code).toBe(130);
    expect(printed).toContain("is being aborted");
    expect(received.at(-1)).toMatchObject({
      method: "POST",
      path: "/api/rollouts/rollout-1/abort",
      body: { reason: 'cancelled: release "2.1.0"' },
    });
  });

  it("goes on when the pipeline is cancelled or its time is over, and says where", async () => {
    answers = telling([rollout("progressing", 1, [])]);
    const { code, printed } = await start({ TIMEOUT_MINUTES: "0" }).ended;
    expect(code).toBe(3);
    expect(printed).toContain(`the rollout goes on: ${url}/rollouts/rollout-1`);
    expect(received.some(({ path }) => path.endsWith("/abort"))).toBe(false);
  });

  it.each([
    [{ SERVICE: "relay" }, "NAMESPACE/NAME"],
    [{ SWITCHYARD_TOKEN: "" }, "SWITCHYARD_TOKEN"],
    [{ IMAGE: "" }, "IMAGE"],
    [{ STRATEGY: "canary" }, "STRATEGY wants JSON"],
    [{ TIMEOUT_MINUTES: "soon" }, "TIMEOUT_MINUTES"],
  ])("is refused before anything is asked with %o", async (settings, complaint) => {
    answers = () => ({ status: 500 });
    const { code, printed } = await start(settings).ended;
    expect({ code, printed }).toEqual({ code: 64, printed: expect.stringContaining(complaint) });
    expect(received).toEqual([]);
  });
});

describe("the GitHub Action", () => {
  const action = parse(readFileSync(join(import.meta.dirname, "action.yml"), "utf8"));
  const [step] = action.runs.steps;

  it("hands each of its inputs to the script by a variable, and none into the text of a command", () => {
    const inputs = Object.keys(action.inputs).map((name) => `\${{ inputs.${name} }}`);
    expect(Object.values(step.env).toSorted()).toEqual(inputs.toSorted());
    expect(step.run).not.toContain("${{");
    const text = readFileSync(script, "utf8");
    for (const name of Object.keys(step.env)) expect(text).toContain(`$${name}`);
  });

  it("gives what the script writes", () => {
    const written = [...readFileSync(script, "utf8").matchAll(/say "(\w+)=/g)].map(([, name]) => name);
    expect(Object.keys(action.outputs).toSorted()).toEqual([...new Set(written)].toSorted());
  });
});
