import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HubFleet, readMetric, waitFor } from "#lib/protocol/testing/hub-fleet.ts";

let fleet: HubFleet;
beforeEach(() => {
  fleet = new HubFleet();
});
afterEach(() => fleet.stop());

/** Writes readings and gives the edge's answers. */
async function write(path: string, ...values: number[]): Promise<unknown[]> {
  const socket = connect(path);
  for (const value of values) socket.write(`${JSON.stringify({ id: value, sensor: "s", value })}\n`);
  const answers: unknown[] = [];
  for await (const line of createInterface(socket)) {
    answers.push(JSON.parse(line));
    if (answers.length === values.length) break;
  }
  socket.destroy();
  return answers;
}

test("the variables of the Rust runtime are said to have no effect, RUST_LOG says what is logged, and messages are counted", async () => {
  await fleet.startHub();
  const edge = await fleet.startEdge("e1", { RUST_BACKTRACE: "1", TOKIO_WORKER_THREADS: "4", RUST_LOG: "warn,edge=debug" });
  const accepted = edge.lines.filter(({ msg }) => msg === "this variable is accepted and has no effect here");
  expect(accepted.map(({ variable }) => variable).toSorted()).toEqual(["RUST_BACKTRACE", "TOKIO_WORKER_THREADS"]);
  expect(await write(edge.socketPath, 1, 2)).toEqual([{ ack: 1 }, { ack: 2 }]);
  const socket = connect(edge.socketPath);
  socket.write("no JSON\n");
  expect(await edge.logged("a sensor's line was refused")).toMatchObject({ level: "debug" });
  socket.destroy();
  const read = async (name: string) => (await readMetric(edge.healthPort, name)) ?? Number.NaN;
  await waitFor(async () => (await read("edge_buffer_depth")) === 0 || undefined);
  expect(await read("connections_active")).toBe(1);
  const [sent, received] = [await read("messages_sent"), await read("messages_received")];
  // A hello, a batch at least, and their answers.
  expect(sent).toBeGreaterThanOrEqual(2);
  expect(received).toBeGreaterThanOrEqual(2);
  expect(await read("messages_total")).toBeGreaterThanOrEqual(sent + received);
});

test("after EDGE_DRAIN_TIMEOUT_MS an edge that stops waits no longer for its hub", async () => {
  const edge = await fleet.startEdge("e1", { HUB_ADDRESS: "127.0.0.1:1", EDGE_DRAIN_TIMEOUT_MS: "1000" });
  expect(await write(edge.socketPath, 1)).toEqual([{ ack: 1 }]);
  const startedAt = performance.now();
  expect(await edge.end("SIGTERM")).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

test("readings that the disk does not take are refused, and counted with the reason", async () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-disk-"));
  const buffer = join(folder, "buffer");
  const edge = await fleet.startEdge("e1", { HUB_ADDRESS: "127.0.0.1:1", EDGE_BUFFER_DIR: buffer });
  expect(await readMetric(edge.healthPort, 'edge_not_kept_total{reason="disk_full"}')).toBe(0);
  rmSync(buffer, { recursive: true });
  // Its open segment is gone, so that what is written goes on until the next one is opened.
  const value = "x".repeat(15_000);
  const socket = connect(edge.socketPath);
  const refused = new Promise<string>((resolve) => {
    createInterface(socket).on("line", (line) => {
      if (line.includes("error")) resolve(line);
    });
  });
  for (let id = 1; id <= 200; id += 1) socket.write(`${JSON.stringify({ id, sensor: "s", value })}\n`);
  expect(JSON.parse(await refused)).toMatchObject({ error: expect.stringContaining("not kept") });
  socket.destroy();
  expect(await readMetric(edge.healthPort, 'edge_not_kept_total{reason="disk_failed"}')).toBeGreaterThan(0);
  rmSync(folder, { recursive: true });
});
