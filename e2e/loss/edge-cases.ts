import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readMetric } from "#lib/protocol/testing/hub-fleet.ts";
import { eventually } from "#lib/protocol/testing/relay-stack.ts";
import { createSelfSignedCertificate } from "#lib/runtime/certificates.ts";
import { type CaseGroup, type Load, Skip } from "./case.ts";
import { burst, type EdgeRun, type EdgeScenario, edgeCase, underLoad } from "./edge-run.ts";
import type { EdgeSite } from "./edge-site.ts";
import type { Passing } from "./hub-tap.ts";

/** The guide's size of the offline buffer, which is the edge's default. */
const bufferSize = 10_000;
const yearMs = 365 * 24 * 60 * 60 * 1000;

const scenarios: EdgeScenario[] = [
  ...[9_999, 10_000, 10_001, 50_000].map((count) => outage(count)),
  { ...outage(50_000), name: "edge: an outage of 50,000 readings, buffer on disk", settings: onDisk },
  {
    name: "edge: an outage that overfills the buffer while sensors write",
    settings: () => ({ edges: [{ EDGE_OFFLINE_BUFFER_SIZE: "200" }] }),
    breaks: underLoad(async ({ network }) => {
      network.cut();
      await sleep(3_000);
      network.mend();
    }),
  },
  {
    name: "edge: kill -9 of the edge, three times",
    settings: onDisk,
    breaks: underLoad(async (site) => {
      for (const _ of [1, 2, 3]) {
        await sleep(500 + Math.random() * 300);
        await site.killEdge();
      }
    }),
  },
  { name: "edge: kill -9 of the edge while the hub is away", settings: onDisk, breaks: underLoad(killEdgeWithoutHub) },
  {
    name: "edge: network cut three times",
    breaks: underLoad(async ({ network }) => {
      for (const cutMs of [50, 500, 2_000]) {
        network.cut();
        await sleep(cutMs);
        network.mend();
        await sleep(700);
      }
    }),
  },
  {
    name: "edge: resets in mid-frame",
    breaks: underLoad(async ({ network }) => {
      network.faults = { resetAfterBytes: 30_000 };
      await sleep(4_000);
      network.faults = {};
      network.reset();
    }),
  },
  {
    name: "edge: slices of 7 bytes, 20 ms late",
    breaks: underLoad(async ({ network }) => {
      network.faults = { sliceBytes: 7, latencyMs: 20 };
      await sleep(3_000);
      network.faults = {};
    }),
  },
  {
    name: "edge: connections that end 1.5 s late",
    breaks: underLoad(async (site) => {
      site.network.faults = { slowCloseMs: 1_500 };
      for (const _ of [1, 2]) await site.killHub(() => sleep(300));
      await sleep(2_000);
      site.network.faults = {};
    }),
  },
  {
    name: "edge: the network half open for 6 s",
    breaks: underLoad(async ({ network }) => {
      network.faults = { timeoutMs: 0 };
      await sleep(6_000);
      network.faults = {};
    }),
  },
  { name: "edge: frozen past the heartbeat", breaks: underLoad(freezeEdge) },
  {
    name: "edge: every acknowledgement twice",
    breaks: underLoad((site) => replacing(site, ({ name, bytes }) => (name === "ack" ? [bytes, bytes] : [bytes]))),
  },
  {
    name: "edge: acknowledgements that never come",
    breaks: underLoad((site) => replacing(site, ({ name, bytes }) => (name === "ack" ? [] : [bytes]))),
  },
  {
    name: "edge: frames of an oversized length to the hub",
    breaks: underLoad((site) => replacing(site, spoil("hub", oversize))),
  },
  {
    name: "edge: frames of an oversized length to the edge",
    breaks: underLoad((site) => replacing(site, spoil("edge", oversize))),
  },
  { name: "edge: a bit flipped in frames to the hub", breaks: underLoad((site) => replacing(site, spoil("hub", flipBit))) },
  expiredCertificate(),
  { name: "edge: the disk of the buffer full", settings: onTinyDisk, mayRefuse: true, breaks: fillDisk },
  {
    name: "control: kill -9 of an edge without a disk, the hub away",
    control: "lost",
    breaks: underLoad(killEdgeWithoutHub),
  },
];

/** What breaks at the edge and before the hub; each case has a hub and an edge of its own. */
export function edgeCases(load: Load): CaseGroup {
  return { cases: scenarios.map((scenario) => edgeCase(scenario, load)), stop: async () => {} };
}

function onDisk() {
  return { edges: [{ EDGE_BUFFER_DIR: mkdtempSync(join(tmpdir(), "buffer-")) }] };
}

/** Without a hub, so many readings are kept or dropped: exactly those that are too many, and the oldest. */
function outage(count: number): EdgeScenario {
  return {
    name: `edge: an outage of ${count.toLocaleString("en")} readings`,
    async breaks(run) {
      const { site, history } = run;
      site.network.cut();
      await site.untilCutOff();
      await burst(run, count);
      const dropped = Math.max(0, count - bufferSize);
      const depth = await site.metric("edge_buffer_depth");
      if (depth !== count - dropped) history.add({ kind: "wrong", what: `${depth} readings are buffered` });
      if ((await site.dropped()) !== dropped)
        history.add({ kind: "wrong", what: `${await site.dropped()} are counted as dropped, not ${dropped}` });
      site.network.mend();
      await site.untilDrained();
      const early = history.events.find((event) => event.kind === "delivered" && event.sequence <= dropped);
      if (early) history.add({ kind: "wrong", what: `${JSON.stringify(early)} is one of the ${dropped} oldest` });
    },
  };
}

/** For longer than three heartbeats, after which the hub has cut the edge. */
async function freezeEdge({ edge, hub }: EdgeSite): Promise<void> {
  const before = (await readMetric(hub.healthPort, "handshakes_total")) ?? 0;
  edge.child.kill("SIGSTOP");
  await sleep(4_000);
  const peers = await readMetric(hub.healthPort, 'hub_peers{role="edge"}');
  edge.child.kill("SIGCONT");
  if (peers !== 0) throw new Error(`the hub still has ${peers} edges after three heartbeats`);
  await eventually(async () => ((await readMetric(hub.healthPort, "handshakes_total")) ?? 0) > before);
}

async function killEdgeWithoutHub(site: EdgeSite): Promise<void> {
  await site.killHub(async () => {
    await sleep(700);
    await site.killEdge();
  });
}

async function replacing({ tap }: EdgeSite, replace: (frame: Passing) => Buffer[]): Promise<void> {
  tap.replace = replace;
  await sleep(4_000);
  tap.replace = ({ bytes }) => [bytes];
}

/** Every twentieth frame to that side. */
function spoil(side: Passing["to"], change: (bytes: Buffer) => void): (frame: Passing) => Buffer[] {
  let count = 0;
  return ({ to, bytes }) => {
    if (to !== side) return [bytes];
    count += 1;
    if (count % 20 === 0) change(bytes);
    return [bytes];
  };
}

function oversize(frame: Buffer): void {
  frame.writeUInt32BE(0xffff_ffff, 12);
}

function flipBit(frame: Buffer): void {
  const last = frame.length - 1;
  frame.writeUInt8(frame.readUInt8(last) ^ 1, last);
}

const certificates = {
  expired: await createSelfSignedCertificate(["edge-expired"], Date.now() - 2 * yearMs),
  renewed: await createSelfSignedCertificate(["edge-renewed"]),
};

/** As whoever renews a certificate does: the key first. */
function writeCertificate(folder: string, name: keyof typeof certificates): Record<string, string> {
  const { cert, key } = certificates[name];
  const [certFile, keyFile] = [join(folder, "edge.crt"), join(folder, "edge.key")];
  writeFileSync(keyFile, key);
  writeFileSync(certFile, cert);
  return { HUB_CLIENT_CERT_FILE: certFile, HUB_CLIENT_KEY_FILE: keyFile };
}

/**
 * The edge runs on, with its buffer in memory. Hub and tap trust both certificates, and only the date speaks against the first one:
 * the hub itself refuses it, and the tap takes the renewed one.
 */
function expiredCertificate(): EdgeScenario {
  let folder = "";
  return {
    name: "edge: an expired client certificate, renewed while the edge runs",
    settings: () => {
      folder = mkdtempSync(join(tmpdir(), "client-certificates-"));
      const authorities = join(folder, "authorities.pem");
      const clientAuthorities = certificates.expired.cert + certificates.renewed.cert;
      writeFileSync(authorities, clientAuthorities);
      return {
        hub: { TLS_CLIENT_CA_FILE: authorities },
        edges: [{ EDGE_CERTIFICATE_CHECK_MS: "100", ...writeCertificate(folder, "expired") }],
        clientCertificate: () => certificates.renewed,
        clientAuthorities,
      };
    },
    async breaks(run) {
      const { site, history } = run;
      const count = 1_000;
      site.isPastTap = true;
      await burst(run, count);
      const refusals = 'hub_rejected_connections_total{reason="tls_failed"}';
      await eventually(async () => ((await readMetric(site.hub.healthPort, refusals)) ?? 0) >= 2);
      const kept = await site.metric("edge_buffer_depth");
      if (kept !== count) history.add({ kind: "wrong", what: `the edge that was refused keeps ${kept} of ${count} readings` });
      site.isPastTap = false;
      writeCertificate(folder, "renewed");
    },
  };
}

function onTinyDisk() {
  const folder = join(tmpdir(), "tiny-disk");
  mkdirSync(folder, { recursive: true });
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=512k", "none", folder], { encoding: "utf8" });
  if (status !== 0) throw new Skip(`a tmpfs cannot be mounted here (${stderr?.trim() || "no mount"}); it takes root`);
  return { edges: [{ EDGE_BUFFER_DIR: folder }] };
}

/** Sensors are told what is not kept, and once the hub has taken the rest there is room again. */
async function fillDisk(run: EdgeRun): Promise<void> {
  const { site, history } = run;
  site.network.cut();
  await site.untilCutOff();
  await burst(run, 8_000);
  const isRefused = () => history.events.some(({ kind }) => kind === "refused");
  if (!isRefused()) history.add({ kind: "wrong", what: "8,000 readings fitted on the disk" });
  site.network.mend();
  await site.untilDrained();
  const before = history.events.length;
  await burst(run, 100);
  if (history.events.slice(before).some(({ kind }) => kind === "refused"))
    history.add({ kind: "wrong", what: "readings were refused although there was room again" });
}
