import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ask, HubFleet, readMetric, waitFor } from "#lib/protocol/testing/hub-fleet.ts";

let fleet: HubFleet;
beforeEach(() => {
  fleet = new HubFleet();
});
afterEach(() => fleet.stop());

/** Writes a reading and gives the edge's answer. */
async function write(path: string, value: number): Promise<unknown> {
  const socket = connect(path);
  socket.write(`${JSON.stringify({ id: value, sensor: "s", value })}\n`);
  for await (const line of createInterface(socket)) {
    socket.destroy();
    return JSON.parse(line);
  }
  return undefined;
}

test("the first address is dead, the hub asks for a certificate, and the token is in a file: readings arrive all the same", async () => {
  const [caFile, keyFile, tokenFile] = ["ca.pem", "key.pem", "token"].map((name) => `${fleet.folder}/${name}`);
  writeFileSync(tokenFile ?? "", `${fleet.token}\n`);
  const hub = await fleet.startHub({ TLS_CLIENT_CA_FILE: caFile ?? "" });
  const edge = await fleet.startEdge("e1", {
    HUB_ADDRESS: `127.0.0.1:1, 127.0.0.1:${fleet.port}`,
    HUB_AUTH_TOKEN: "",
    HUB_AUTH_TOKEN_FILE: tokenFile ?? "",
    HUB_CLIENT_CERT_FILE: caFile ?? "",
    HUB_CLIENT_KEY_FILE: keyFile ?? "",
    LOCAL_ADDRESS: "127.10.20.7",
    SERVICE_VERSION: "7.8.9",
  });
  expect(await write(edge.socketPath, 1)).toEqual({ ack: 1 });
  await waitFor(async () => (await readMetric(fleet.healthPort, "hub_edge_messages_total")) || undefined);
  expect(await readMetric(edge.healthPort, "edge_hub_connected")).toBe(1);
  expect(await readMetric(edge.healthPort, "edge_breaker_state")).toBe(0);
  expect(await readMetric(edge.healthPort, "handshakes_total")).toBe(1);
  expect(await readMetric(edge.healthPort, 'service_build_info{service="edge",version="7.8.9"}')).toBe(1);
  const { trace_id } = await edge.logged("connected to the hub");
  expect(trace_id).toMatch(/^[\da-f]{32}$/);
  expect(await hub.logged("a peer is connected")).toMatchObject({ role: "edge", trace_id });
  expect(await ask(edge.healthPort, "/health")).toEqual({ status: 200, body: "OK" });
});

test("FAULT_ERROR_RATIO=1 refuses every reading of the running edge", async () => {
  const edge = await fleet.startEdge("e1", { HUB_ADDRESS: "127.0.0.1:1", FAULT_ERROR_RATIO: "1" });
  expect(await write(edge.socketPath, 1)).toEqual({ error: "refused by FAULT_ERROR_RATIO", id: 1 });
  expect(await readMetric(edge.healthPort, "edge_buffer_depth")).toBe(0);
  await waitFor(async () => (await readMetric(edge.healthPort, "edge_breaker_state")) === 2 || undefined);
});

test("while its breaker is held open by hand readings stay in the buffer, and all reach the hub once it is closed", async () => {
  await fleet.startHub();
  const token = "the admin token of this edge";
  const edge = await fleet.startEdge("e1", { ADMIN_TOKEN: token });
  await waitFor(async () => (await readMetric(edge.healthPort, "edge_hub_connected")) || undefined);
  const switchBreaker = async (state: string, given: string) => {
    const address = `http://127.0.0.1:${edge.healthPort}/admin/breaker?state=${state}`;
    const answer = await fetch(address, { method: "POST", headers: { "x-admin-token": given } });
    return { status: answer.status, body: await answer.text() };
  };
  expect(await switchBreaker("open", "another token than that one")).toMatchObject({ status: 401 });
  expect(await switchBreaker("open", token)).toEqual({ status: 200, body: '{"state":"open","held":true}' });
  await waitFor(async () => (await readMetric(edge.healthPort, "edge_hub_connected")) === 0 || undefined);
  for (const value of [1, 2, 3]) expect(await write(edge.socketPath, value)).toEqual({ ack: value });
  // Longer than EDGE_BREAKER_OPEN_MS, after which a breaker that failures had opened would let a probe pass.
  await new Promise((resolve) => setTimeout(resolve, 800));
  expect(await readMetric(edge.healthPort, "edge_breaker_state")).toBe(2);
  expect(await readMetric(edge.healthPort, "edge_buffer_depth")).toBe(3);
  expect(await switchBreaker("closed", token)).toEqual({ status: 200, body: '{"state":"closed","held":false}' });
  await waitFor(async () => (await readMetric(edge.healthPort, "edge_buffer_depth")) === 0 || undefined);
  expect(await readMetric(fleet.healthPort, "hub_edge_messages_total")).toBe(3);
});
