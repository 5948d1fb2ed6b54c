/**
 * A process that reads the watch of pods: "peer" with client-node's Watch up to its callback, "decode" with the product's reflector up
 * to its callback, "store" up to the change in the fleet store, "resync" likewise, with the event loop watched.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { KubeConfig, Watch } from "@kubernetes/client-node";
import { FleetStore } from "#lib/domain/fleet/live.ts";
import { startFleetWatches } from "#lib/domain/fleet/watches.ts";
import { KubernetesClient } from "#lib/kubernetes/client.ts";
import { type Pod, paths } from "#lib/kubernetes/objects.ts";
import { type Changes, Reflector } from "#lib/kubernetes/reflector.ts";
import { keptOfPod, trim } from "#lib/kubernetes/trim.ts";
import { Backoff } from "#lib/runtime/backoff.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { lastPodName } from "./api-names.ts";
import { serviceName } from "./fleet-objects.ts";
import { obeyProfileOrders, type ProfileOrder } from "./profile.ts";

export type ReaderOrder =
  | ProfileOrder
  | { order: "start-clock" }
  /** Starts the clock, and reports when the pods have been listed anew. */
  | { order: "report-relist" };
export type ReaderReport = {
  ms: number;
  cpuMs: number;
  /** The longest time that the event loop did not turn, on the clock and by the CPU that this thread used meanwhile. */
  worstBlockMs: number;
  worstBlockCpuMs: number;
  rssMiB: number;
  heapMiB: number;
  peakRssMiB: number;
  pods: number;
  /** How many objects were decoded and handed on. */
  decoded: number;
};

const [kind = "store", port = "0"] = process.argv.slice(2);
const config = new KubeConfig();
config.loadFromClusterAndUser({ name: "bench", server: `http://127.0.0.1:${port}`, skipTLSVerify: true }, { name: "bench" });

const quietMs = 1000;
let startedAt = 0;
let startedCpu = process.cpuUsage();
let worstBlockMs = 0;
let worstBlockCpuMs = 0;
let peakRss = 0;
let decoded = 0;
let countPods = () => 0;
let whenChanged: (() => void) | undefined;

function startClock(): void {
  startedAt = performance.now();
  startedCpu = process.cpuUsage();
  worstBlockMs = 0;
  worstBlockCpuMs = 0;
  decoded = 0;
  delays.reset();
}

function report(): void {
  const { user, system } = process.cpuUsage(startedCpu);
  const memory = process.memoryUsage();
  const message: ReaderReport = {
    ms: performance.now() - startedAt,
    cpuMs: (user + system) / 1000,
    worstBlockMs: Math.max(worstBlockMs, delays.max / 1e6),
    worstBlockCpuMs,
    rssMiB: memory.rss / 2 ** 20,
    heapMiB: memory.heapUsed / 2 ** 20,
    peakRssMiB: peakRss / 2 ** 20,
    pods: countPods(),
    decoded,
  };
  process.send?.(message);
}

const delays = monitorEventLoopDelay({ resolution: 2 });
let probedAt = performance.now();
let probedCpu = process.threadCpuUsage();

function probe(): void {
  const cpu = process.threadCpuUsage(probedCpu);
  worstBlockMs = Math.max(worstBlockMs, performance.now() - probedAt - 2);
  worstBlockCpuMs = Math.max(worstBlockCpuMs, (cpu.user + cpu.system) / 1000);
  probedAt = performance.now();
  probedCpu = process.threadCpuUsage();
  peakRss = Math.max(peakRss, process.memoryUsage.rss());
}

obeyProfileOrders();
process.on("message", ({ order }: ReaderOrder) => {
  if (order !== "start-clock" && order !== "report-relist") return;
  startClock();
  if (order === "report-relist") whenChanged = report;
  process.send?.("started");
});
process.on("disconnect", () => process.exit(0));

startClock();
const client = new KubernetesClient(config);
const logger = createLogger("bench", "silent");
if (kind === "peer") await followWithPeer();
else if (kind === "decode") decodeOnly();
else fillStore();

async function followWithPeer(): Promise<void> {
  const onEvent = (_: string, pod: Pod) => {
    decoded += 1;
    if (pod.metadata.name === lastPodName) report();
  };
  await new Watch(config).watch("/api/v1/pods", { resourceVersion: "1" }, onEvent, () => {});
}

function decodeOnly(): void {
  const onChanges = ({ upserted }: Changes<Pod>) => {
    decoded += upserted.length;
    if (upserted.some(({ metadata }) => metadata.name === lastPodName)) report();
  };
  const backoff = new Backoff({ initialMs: 250, maxMs: 5000 });
  const options = { client, path: paths.pods, trim: trim.pod, kept: keptOfPod, backoff, logger };
  new Reflector<Pod>({ ...options, onChanges, onState: () => {} }).start();
}

function fillStore(): void {
  if (kind === "resync") {
    delays.enable();
    setInterval(probe, 2);
  }
  const store = new FleetStore({ now: () => new Date() });
  countPods = () => store.index.listPods().length;
  for (const id of [null, `fleet/${serviceName(0)}`]) void follow(store, id);
  const watches = startFleetWatches(client, withNotice(store), logger);
  const timer = setInterval(() => {
    if (!watches.isSynced() || store.listServices().length === 0) return;
    clearInterval(timer);
    report();
  }, 20);
}

/** As an open page does: takes what it is sent. */
async function follow(store: FleetStore, id: string | null): Promise<void> {
  const subscription = store.subscribe(id);
  while ((await subscription.next(10_000)) !== null);
}

let quiet: NodeJS.Timeout | undefined;

/** Half a second after the last change; the report's own time is too long by that. */
function reportWhenQuiet(): void {
  clearTimeout(quiet);
  quiet = setTimeout(() => {
    startedAt += quietMs;
    whenChanged?.();
    whenChanged = undefined;
  }, quietMs);
}

/** The store, which tells when the last pod was applied and the page was told. */
function withNotice(store: FleetStore): FleetStore {
  const apply = store.applyPods.bind(store);
  store.applyPods = (changes: Changes<Pod>) => {
    apply(changes);
    decoded += changes.upserted.length;
    if (whenChanged) reportWhenQuiet();
    if (changes.upserted.some(({ metadata }) => metadata.name === lastPodName)) {
      store.listServices();
      report();
    }
  };
  return store;
}
