import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { eventually } from "#lib/protocol/testing/relay-stack.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { DrillRate } from "./drill-rate.ts";
import { ProbeMetrics } from "./metrics.ts";
import { RelayProbe } from "./relay-probe.ts";
import { type Lie, LyingRelay } from "./testing/lying-relay.ts";

const logger = createLogger("prober", "silent");
let relay: LyingRelay;
let probe: RelayProbe;
let metrics: ProbeMetrics;

beforeEach(() => {
  relay = new LyingRelay();
});
afterEach(async () => {
  await probe.stop();
  relay.close();
});

async function startProbe(options: { rateHz?: number; reconnectSeconds?: number } = {}): Promise<void> {
  const port = await relay.listen();
  metrics = new ProbeMetrics();
  const url = `127.0.0.1:${port}`;
  probe = new RelayProbe({
    relayUrl: `ws://${url}`,
    issuerUrl: `http://${url}`,
    clientSecret: () => "any",
    clients: 4,
    rateHz: 100,
    reconnectSeconds: 3600,
    metrics,
    logger,
    ...options,
  });
  await probe.start();
  await eventually(() => relay.connections >= 4 && relay.submitted > 10);
}

async function ledger(): Promise<Record<string, number>> {
  const lines = (await metrics.registry.metrics()).split("\n");
  const read = (what: string) =>
    Number(lines.find((line) => line.startsWith(`switchyard_probe_${what}_total{target="relay"}`))?.split(" ")[1]);
  return { lose: read("lost"), double: read("duplicated"), reorder: read("reordered") };
}

/** How often two clients had the same at the same revision (`ok`), and how often not. */
async function comparisons(result: "ok" | "error"): Promise<number> {
  const series = `switchyard_probe_requests_total{target="relay",operation="converge",result="${result}"}`;
  const lines = (await metrics.registry.metrics()).split("\n");
  return Number(lines.find((line) => line.startsWith(`${series} `))?.slice(series.length));
}

async function lieFor(lie: Lie, times: number): Promise<void> {
  relay.lie = lie;
  if (lie !== "none") await eventually(() => relay.lies[lie] >= times);
  relay.lie = "none";
}

it("finds nothing wrong with a relay that tells the truth", async () => {
  await startProbe();
  await eventually(async () => relay.submitted > 200 && (await comparisons("ok")) > 10);
  expect(await ledger()).toEqual({ lose: 0, double: 0, reorder: 0 });
  expect(await comparisons("error")).toBe(0);
});

it("gives each connection, with the token for it, a trace of its own", async () => {
  await startProbe();
  const { tokens, connections } = relay.traces;
  expect(connections.length).toBeGreaterThanOrEqual(4);
  for (const traceparent of connections) expect(traceparent).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-01$/);
  expect(new Set(connections).size).toBe(connections.length);
  expect(tokens).toEqual(expect.arrayContaining(connections));
});

it("finds that documents differ when a relay tells one client something else than another, and nothing lost", async () => {
  await startProbe();
  await lieFor("diverge", 10);
  await eventually(async () => (await comparisons("error")) > 0);
  expect(await ledger()).toEqual({ lose: 0, double: 0, reorder: 0 });
});

it.each(["lose", "double", "reorder"] as const)(
  "counts exactly what a relay did that was told to %s, and nothing else",
  async (lie) => {
    await startProbe();
    await lieFor(lie, 10);
    const none = { lose: 0, double: 0, reorder: 0 };
    await eventually(async () => (await ledger())[lie] === relay.lies[lie]);
    await eventually(() => relay.submitted > 300);
    expect(await ledger()).toEqual({ ...none, [lie]: relay.lies[lie] });
  },
);

it("takes new connections on its schedule, each client once in an interval", async () => {
  await startProbe({ reconnectSeconds: 1 });
  const [before, startedAt] = [relay.connections, performance.now()];
  await eventually(() => relay.connections >= before + 8);
  expect(performance.now() - startedAt).toBeGreaterThan(1_700);
  expect((await ledger()).double).toBe(0);
});

it("keeps the rate that it was given, takes a drill's from a file, and goes back when the file is gone", async () => {
  const folder = await mkdtemp(join(tmpdir(), "prober-"));
  const path = join(folder, "rate");
  await startProbe({ rateHz: 40 });
  const drill = new DrillRate({ path, usualHz: 40, probe, logger, intervalMs: 20 });
  await drill.start();
  try {
    expect(await measureHz()).toBeLessThan(60);
    await writeFile(path, "200\n");
    await eventually(async () => (await measureHz()) > 80);
    await writeFile(path, "fast");
    // A busy machine may be slower for a moment; the usual rate is never that fast.
    await eventually(async () => (await measureHz()) > 80);
    await rm(path);
    await eventually(async () => (await measureHz()) < 60);
  } finally {
    await drill.stop();
    await rm(folder, { recursive: true });
  }
});

/** Operations a second that reach the relay, over the time that it takes to see 30 of them. */
async function measureHz(): Promise<number> {
  const [before, startedAt] = [relay.submitted, performance.now()];
  await eventually(() => relay.submitted >= before + 30);
  return ((relay.submitted - before) * 1000) / (performance.now() - startedAt);
}
