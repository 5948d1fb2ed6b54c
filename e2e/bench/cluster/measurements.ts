import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:https";
import { fileURLToPath } from "node:url";
import { median, percentile } from "../figures.ts";
import type { MeasuredServer } from "./measured-server.ts";
import { nowMs, type WatchersOrder, type WatchersReport } from "./watchers.ts";
import { changeVersion, namespace, untilComplete } from "./workload.ts";

export type Timed = { seconds: number; cpuSeconds: number };

/** How long something took, and the CPU time that the server spent on it. */
export async function timed(server: MeasuredServer, action: () => Promise<unknown>): Promise<Timed> {
  const before = await server.read();
  const startedAt = performance.now();
  await action();
  const seconds = (performance.now() - startedAt) / 1000;
  return { seconds, cpuSeconds: (await server.read()).cpuSeconds - before.cpuSeconds };
}

export type ListFigures = { p50Ms: number; p95Ms: number; megabytes: number; cpuMs: number };

/** Lists all pods again and again over one connection; the answer is read, not parsed. */
export async function measureList(server: MeasuredServer, path: string, accept: string, count: number): Promise<ListFigures> {
  const { server: address, token, ca, cert, key } = server.connection;
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca, cert, key });
  const headers = { accept, ...(token ? { authorization: `Bearer ${token}` } : {}) };
  const times: number[] = [];
  let bytes = 0;
  const { cpuSeconds } = await timed(server, async () => {
    for (let index = 0; index < count; index += 1) {
      const startedAt = performance.now();
      bytes = await answerSize(new URL(path, address), { agent, headers });
      times.push(performance.now() - startedAt);
    }
  });
  agent.destroy();
  return {
    p50Ms: median(times),
    p95Ms: percentile(times, 0.95),
    megabytes: bytes / 1e6,
    cpuMs: (cpuSeconds * 1000) / count,
  };
}

function answerSize(url: URL, options: { agent: Agent; headers: Record<string, string> }): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, options, (response) => {
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on("end", () =>
        response.statusCode === 200
          ? resolve(bytes)
          : reject(new Error(`${url.pathname} was answered with ${response.statusCode}`)),
      );
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}

/** The process that holds the watch connections. */
export class Watchers {
  readonly #child: ChildProcess;
  readonly count: number;

  private constructor(child: ChildProcess, count: number) {
    this.#child = child;
    this.count = count;
  }

  static async connect(server: MeasuredServer, count: number): Promise<Watchers> {
    const child = fork(fileURLToPath(new URL("./watchers.ts", import.meta.url)), { execArgv: [] });
    const watchers = new Watchers(child, count);
    const { metadata } = await server.client.get<{ metadata: { resourceVersion: string } }>("/api/v1/pods?limit=1");
    const path = `/api/v1/pods?watch=true&allowWatchBookmarks=true&resourceVersion=${metadata.resourceVersion}`;
    await watchers.#ask({ order: "connect", kubeconfigPath: server.kubeconfigPath, count, path });
    return watchers;
  }

  reset(): Promise<unknown> {
    return this.#ask({ order: "reset" });
  }

  async report(): Promise<WatchersReport> {
    return (await this.#ask({ order: "report" })) as WatchersReport;
  }

  async end(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.disconnect();
    await exited;
  }

  async #ask(order: WatchersOrder): Promise<unknown> {
    this.#child.send(order);
    const [answer] = await once(this.#child, "message");
    return answer;
  }
}

export type FanOut = {
  /** From the sending of the write to its arrival at a watcher, over all watchers and writes. */
  fromSending: { p50Ms: number; p95Ms: number; p99Ms: number };
  /** From the writer's reading of the answer; negative when the watcher was faster. */
  fromAnswer: { p50Ms: number; p95Ms: number; p99Ms: number };
  writeP50Ms: number;
  /** Of the server, for one write with its deliveries. */
  cpuMsPerWrite: number;
  lost: number;
};

/** Patches pods at a steady rate and looks when each change reaches each watcher. */
export async function measureFanOut(
  server: MeasuredServer,
  watchers: Watchers,
  { writes, perSecond, round }: { writes: number; perSecond: number; round: number },
): Promise<FanOut> {
  const { client } = server;
  const list = await client.get<{ items: { metadata: { name: string } }[] }>(`/api/v1/namespaces/${namespace}/pods?limit=50`);
  await watchers.reset();
  const sent: Record<string, { at: number; answeredAt: number }> = {};
  const { cpuSeconds } = await timed(server, async () => {
    const startedAt = performance.now();
    const answers: Promise<void>[] = [];
    for (let index = 0; index < writes; index += 1) {
      const dueMs = startedAt + (index * 1000) / perSecond - performance.now();
      if (dueMs > 0) await new Promise((resolve) => setTimeout(resolve, dueMs));
      const { name } = list.items[index % list.items.length]?.metadata ?? { name: "" };
      answers.push(write(name, `${round}-${index}`));
    }
    await Promise.all(answers);
    await untilDelivered(watchers, writes);
  });
  const report = await watchers.report();
  const marks = Object.entries(sent);
  const each = (from: (mark: { at: number; answeredAt: number }) => number) =>
    quantiles(marks.flatMap(([mark, times]) => (report.arrivals[mark] ?? []).map((arrived) => arrived - from(times))));
  return {
    fromSending: each(({ at }) => at),
    fromAnswer: each(({ answeredAt }) => answeredAt),
    writeP50Ms: median(marks.map(([, { at, answeredAt }]) => answeredAt - at)),
    cpuMsPerWrite: (cpuSeconds * 1000) / writes,
    lost: marks.reduce((sum, [mark]) => sum + watchers.count - (report.arrivals[mark]?.length ?? 0), 0),
  };

  async function write(name: string, mark: string): Promise<void> {
    const times = { at: nowMs(), answeredAt: Number.NaN };
    sent[mark] = times;
    const json = { metadata: { annotations: { "bench/mark": mark } } };
    const contentType = "application/merge-patch+json";
    await client.send(`/api/v1/namespaces/${namespace}/pods/${name}`, { method: "PATCH", json, contentType });
    times.answeredAt = nowMs();
  }
}

async function untilDelivered(watchers: Watchers, writes: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline) {
    const { arrivals } = await watchers.report();
    const delivered = Object.values(arrivals).reduce((sum, times) => sum + times.length, 0);
    if (delivered >= writes * watchers.count) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function quantiles(values: number[]): { p50Ms: number; p95Ms: number; p99Ms: number } {
  return { p50Ms: median(values), p95Ms: percentile(values, 0.95), p99Ms: percentile(values, 0.99) };
}

export type Rollout = Timed & { events: number };

/** Changes the template of a deployment and waits until all of its pods are new. `events` is what one watcher of pods saw. */
export async function measureRollout(
  server: MeasuredServer,
  watchers: Watchers,
  name: string,
  version: string,
): Promise<Rollout> {
  await watchers.reset();
  const times = await timed(server, async () => {
    await changeVersion(server.client, name, version);
    await untilComplete(server.client);
  });
  const { events } = await watchers.report();
  return { ...times, events: events / watchers.count };
}
