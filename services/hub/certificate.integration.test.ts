import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type DaemonProcess, HubFleet, readMetric, waitFor } from "#lib/protocol/testing/hub-fleet.ts";
import { createSelfSignedCertificate } from "#lib/runtime/certificates.ts";

let fleet: HubFleet;
let files: Record<"TLS_CERT_FILE" | "TLS_KEY_FILE", string>;
beforeEach(() => {
  fleet = new HubFleet();
  files = { TLS_CERT_FILE: join(fleet.folder, "tls.crt"), TLS_KEY_FILE: join(fleet.folder, "tls.key") };
  writePair(fleet.certificate);
});
afterEach(() => fleet.stop());

function writePair({ cert, key }: { cert: string; key: string }): void {
  writeFileSync(files.TLS_KEY_FILE, key);
  writeFileSync(`${files.TLS_CERT_FILE}.new`, cert);
  renameSync(`${files.TLS_CERT_FILE}.new`, files.TLS_CERT_FILE);
}

/** The certificate that the hub shows now, PEM without the armour. */
function shown(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: fleet.port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().raw.toString("base64"));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

const bare = (pem: string) => pem.replace(/-----[A-Z ]+-----|\s/g, "");
const renew = () => createSelfSignedCertificate(["127.0.0.1"], Date.now() + 3_600_000 * 24 * 30);
const count = (hub: DaemonProcess, message: string) => hub.lines.filter(({ msg }) => msg === message).length;

test.each([
  { way: "SIGHUP", checkMs: "3600000" },
  { way: "the changed files", checkMs: "50" },
])("by $way a renewed certificate is in use, and open connections stay", async ({ way, checkMs }) => {
  const hub = await fleet.startHub({ ...files, HUB_CERTIFICATE_CHECK_MS: checkMs });
  const connector = await fleet.startConnector("c1");
  const client = await fleet.connectClient();
  await waitFor(async () => (await readMetric(fleet.healthPort, 'hub_peers{role="connector"}')) || undefined);
  const expiry = Number(await readMetric(fleet.healthPort, "hub_certificate_expiry_timestamp_seconds"));
  expect(await shown()).toBe(bare(fleet.certificate.cert));
  const renewed = await renewedNow();
  if (way === "SIGHUP") hub.child.kill("SIGHUP");
  await hub.logged("the renewed credentials are in use");
  expect(await shown()).toBe(bare(renewed.cert));
  expect(await readMetric(fleet.healthPort, "hub_certificate_expiry_timestamp_seconds")).toBeGreaterThan(expiry);
  const body = { target: "127.0.0.1", ports: "1", timeoutMs: 10_000, portTimeoutMs: 1_000 };
  expect((await client.request({ name: "scan", body }, { timeoutMs: 20_000 })).name).toBe("result");
  expect(await readMetric(connector.healthPort, "handshakes_total")).toBe(1);
  expect(await readMetric(fleet.healthPort, "handshakes_total")).toBe(2);
});

async function renewedNow() {
  const renewed = await renew();
  writePair(renewed);
  return renewed;
}

test("a key that is not the certificate's is reported, and the one in use stays until the files are whole", async () => {
  const hub = await fleet.startHub({ ...files, HUB_CERTIFICATE_CHECK_MS: "3600000" });
  const renewed = await renew();
  writeFileSync(files.TLS_KEY_FILE, renewed.key);
  hub.child.kill("SIGHUP");
  await hub.logged("the credentials cannot be used; those in use stay");
  expect(await shown()).toBe(bare(fleet.certificate.cert));
  writePair(renewed);
  hub.child.kill("SIGHUP");
  await hub.logged("the renewed credentials are in use");
  expect(await shown()).toBe(bare(renewed.cert));
  expect(count(hub, "stopping")).toBe(0);
});

test("the units reload the hub and give it files that a reload reads again", () => {
  const unit = (name: string) => readFileSync(join(import.meta.dirname, "deploy", name), "utf8");
  expect(unit("hub-certificate.service")).toMatch(/^ExecStart=\/usr\/bin\/systemctl reload hub\.service$/m);
  expect(unit("hub.service")).toMatch(/^ExecReload=\/bin\/kill -HUP \$MAINPID$/m);
  expect(unit("hub.service")).not.toMatch(/TLS_(CERT|KEY)_FILE=%d/);
});
