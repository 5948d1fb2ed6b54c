import { afterAll, beforeAll, expect, it } from "vitest";
import {
  eventually,
  freePort,
  type RelayStack,
  startDaemon,
  startRelayStack,
  type TestProcess,
} from "#lib/protocol/testing/relay-stack.ts";

let stack: RelayStack;
let prober: TestProcess;
let metricsUrl: string;

beforeAll(async () => {
  stack = await startRelayStack();
  const relay = await stack.startRelay();
  const port = await freePort();
  metricsUrl = `http://127.0.0.1:${port}/metrics`;
  prober = await startDaemon("prober", port, {
    BIND_ADDRESS: `127.0.0.1:${port}`,
    POD_IP: "127.0.0.1",
    RELAY_URL: `${relay.url}/collab`,
    ISSUER_URL: stack.issuer.url,
    ISSUER_CLIENT_SECRET: stack.issuer.clientSecret,
    PROBER_RATE_HZ: "50",
    PROBER_RECONNECT_SECONDS: "1",
  });
});

afterAll(async () => {
  await prober?.end("SIGKILL");
  await stack?.stop();
});

async function read(sample: string): Promise<number> {
  const lines = (await (await fetch(metricsUrl)).text()).split("\n");
  return Number(lines.find((line) => line.startsWith(`${sample} `))?.slice(sample.length + 1));
}

const requests = (operation: string, result: string) =>
  read(`switchyard_probe_requests_total{target="relay",operation="${operation}",result="${result}"}`);
const ledger = async () =>
  Promise.all(["lost", "duplicated", "reordered"].map((what) => read(`switchyard_probe_${what}_total{target="relay"}`)));

it("measures acknowledgements and deliveries of real operations across reconnects, and loses none", async () => {
  await eventually(async () => (await requests("insert", "ok")) > 100 && (await requests("connect", "ok")) > 10, 30_000);
  expect(await read('switchyard_probe_up{target="relay"}')).toBe(1);
  expect(await requests("deliver", "ok")).toBeGreaterThan(90);
  expect(await read('switchyard_probe_latency_seconds_count{target="relay",operation="deliver"}')).toBeGreaterThan(90);
  expect(await requests("insert", "error")).toBe(0);
  expect(await ledger()).toEqual([0, 0, 0]);
});

it("says that the relay is down while its database is away, and finds nothing lost when it is back", async () => {
  await stack.postgres.stop("SIGQUIT");
  await eventually(async () => (await read('switchyard_probe_up{target="relay"}')) === 0, 20_000);
  await stack.postgres.start();
  await eventually(async () => (await read('switchyard_probe_up{target="relay"}')) === 1, 30_000);
  const delivered = await requests("deliver", "ok");
  await eventually(async () => (await requests("deliver", "ok")) > delivered + 50, 20_000);
  expect(await ledger()).toEqual([0, 0, 0]);
});

it("ends with exit code 0 on SIGTERM", async () => {
  expect(await prober.end("SIGTERM")).toBe(0);
});
