import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { askPower, type PowerSwitch, powerSocket, servePower } from "./node-power.ts";
import { Supervisor, startTime } from "./supervisor.ts";

let folder: string;
let supervisor: Supervisor;
let server: Server;
const exits: string[] = [];

const sleeper = { name: "kubelet-a", command: "/bin/sh", args: ["-c", "sleep 1000 & wait"] };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "switchyard-power-"));
  supervisor = new Supervisor(folder, (name) => exits.push(name));
  const power: PowerSwitch = {
    nodes: () => [{ name: "a", isOn: supervisor.keeps("kubelet-a") }],
    kill: () => supervisor.kill("kubelet-a"),
    start: () => supervisor.start(sleeper),
  };
  server = await servePower(powerSocket(folder), power);
});

afterEach(async () => {
  server.close();
  await supervisor.stopAll([]);
  rmSync(folder, { recursive: true });
});

it("cuts a node's power: its processes end at once and stay away until it is restored", async () => {
  const socket = powerSocket(folder);
  expect(await askPower(socket, "POST", "/nodes/a/start")).toEqual([{ name: "a", isOn: true }]);
  const pid = supervisor.pids()["kubelet-a"] ?? 0;
  expect(startTime(pid)).toBeDefined();
  expect(await askPower(socket, "POST", "/nodes/a/kill")).toEqual([{ name: "a", isOn: false }]);
  expect(startTime(pid)).toBeUndefined();
  expect(supervisor.pids()).toEqual({});
  expect(exits).toEqual([]);
  expect(await askPower(socket, "POST", "/nodes/a/start")).toEqual([{ name: "a", isOn: true }]);
  expect(supervisor.pids()["kubelet-a"]).not.toBe(pid);
});

it("leaves a node alone that is switched on again while its old processes still end", async () => {
  supervisor.start(sleeper);
  const old = supervisor.pids()["kubelet-a"] ?? 0;
  const killing = supervisor.kill("kubelet-a");
  supervisor.start(sleeper);
  const pid = supervisor.pids()["kubelet-a"] ?? 0;
  await killing;
  expect(startTime(old)).toBeUndefined();
  expect(supervisor.pids()).toEqual({ "kubelet-a": pid });
  expect(startTime(pid)).toBeDefined();
  expect(JSON.parse(readFileSync(join(folder, "run", "kubelet-a.json"), "utf8"))).toEqual({ pid, startTime: startTime(pid) });
  expect(exits).toEqual([]);
});

it("says what is wrong with a request", async () => {
  const socket = powerSocket(folder);
  await expect(askPower(socket, "POST", "/nodes/a/kill")).rejects.toThrow("a is off already");
  await expect(askPower(socket, "POST", "/nodes/b/kill")).rejects.toThrow("there is no node b; the nodes are a");
  await expect(askPower(join(folder, "other.sock"), "GET", "/nodes")).rejects.toThrow("does not run on this data directory");
});

it("lets nobody else open its socket", () => {
  expect(statSync(powerSocket(folder)).mode & 0o777).toBe(0o600);
});

it("keeps the socket's path within what the system allows", () => {
  expect(powerSocket(`/${"long/".repeat(40)}`).length).toBeLessThan(100);
});
