import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openNodePower } from "./node-power.ts";

let server: Server;
let isOn: boolean;
const asked: string[] = [];

beforeEach(() => {
  isOn = true;
  asked.length = 0;
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const answer = (status: number, body: unknown) => response.writeHead(status).end(JSON.stringify(body));
    if (request.url === "/nodes") return answer(200, [{ name: "node-1", isOn }]);
    const [, node, verb] = /^\/nodes\/([^/]+)\/(kill|start)$/.exec(request.url ?? "") ?? [];
    if (node !== "node-1") return answer(404, `there is no node ${node}`);
    if (isOn === (verb === "start")) return answer(409, "it is so already");
    isOn = verb === "start";
    return answer(200, []);
  });
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

const listen = (at: string | number) =>
  new Promise<void>((resolve) => {
    if (typeof at === "string") server.listen(at, resolve);
    else server.listen(at, "127.0.0.1", resolve);
  });

describe.each(["socket", "url"])("what has the power over nodes, by a %s", (kind) => {
  async function open() {
    const socket = join(tmpdir(), `node-power-${process.pid}.sock`);
    await listen(kind === "socket" ? socket : 0);
    return openNodePower(kind === "socket" ? socket : `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  it("cuts a node's power and gives it back; what is so already stays so", async () => {
    const power = await open();
    await power.kill("node-1");
    await power.kill("node-1");
    expect(await power.list()).toEqual([{ name: "node-1", isOn: false }]);
    await power.start("node-1");
    await power.start("node-1");
    expect(await power.list()).toEqual([{ name: "node-1", isOn: true }]);
  });

  it("says what is wrong with a node that it does not know", async () => {
    const power = await open();
    await expect(power.kill("node-9")).rejects.toThrow("there is no node node-9");
  });
});

it("says what to look at when nothing answers", async () => {
  await expect(openNodePower(join(tmpdir(), "nothing.sock")).list()).rejects.toThrow("SWITCHYARD_NODE_POWER");
});
