import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { Admission, type AdmissionOptions } from "./admission.ts";

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function startAdmission(options: Partial<AdmissionOptions> = {}) {
  const begun: Socket[] = [];
  const turnedAway: string[] = [];
  let told = 0;
  const admission = new Admission({
    maxConnections: 100,
    handshakeTimeoutMs: 60_000,
    atOnce: 1,
    begin: (socket) => begun.push(socket),
    onWaiting: (count) => {
      told = count;
    },
    onTurnedAway: (reason) => turnedAway.push(reason),
    ...options,
  });
  const { port } = await admission.listen("127.0.0.1", 0);
  ends.push(async () => {
    const closed = admission.close();
    for (const socket of begun) socket.destroy();
    await closed;
  });
  const peer = async (bytes?: string) => {
    const socket = connect(port, "127.0.0.1");
    ends.push(() => socket.destroy());
    socket.on("error", () => {});
    await once(socket, "connect");
    if (bytes) socket.write(bytes);
    return socket;
  };
  const waiting = (count: number) => expect.poll(() => told).toBe(count);
  const portsOfBegun = () => begun.map(({ remotePort }) => remotePort);
  return { admission, begun, turnedAway, peer, waiting, portsOfBegun };
}

describe("the admission of connections", () => {
  test("begins so many handshakes at a time, in the order in which peers began to speak", async () => {
    const { admission, peer, waiting, begun, portsOfBegun } = await startAdmission({ atOnce: 2 });
    const ports: (number | undefined)[] = [];
    for (let index = 0; index < 5; index += 1) {
      ports.push((await peer("hello")).localPort);
      if (index < 2) await expect.poll(() => begun.length).toBe(index + 1);
      else await waiting(index - 1);
    }
    expect(portsOfBegun()).toEqual(ports.slice(0, 2));
    for (const done of [0, 1, 2]) {
      const socket = begun[done];
      if (socket) admission.finished(socket);
      expect(portsOfBegun()).toEqual(ports.slice(0, done + 3));
    }
    await waiting(0);
  });

  test("hands a connection over with all that was sent while it waited, of which it had read a little", async () => {
    const { begun, peer, waiting } = await startAdmission();
    await peer("first");
    await expect.poll(() => begun.length).toBe(1);
    const sent = "0123456789".repeat(30_000);
    const second = await peer(sent.slice(0, 10));
    await waiting(1);
    second.write(sent.slice(10));
    await peer("third");
    await waiting(2);
    begun[0]?.destroy();
    await expect.poll(() => begun.length).toBe(2);
    expect(begun[1]?.readableLength).toBeLessThan(70_000);
    let text = "";
    begun[1]?.on("data", (chunk) => {
      text += chunk;
    });
    await expect.poll(() => text === sent).toBe(true);
  });

  test("lets a peer that says nothing take nobody's turn, and closes it in time", async () => {
    const { begun, turnedAway, peer } = await startAdmission({ handshakeTimeoutMs: 2_000 });
    const silent = await peer();
    await peer("hello");
    await expect.poll(() => begun.length).toBe(1);
    await expect.poll(() => turnedAway, { timeout: 10_000 }).toEqual(["handshake_timeout"]);
    silent.resume();
    if (!silent.closed) await once(silent, "close");
    expect(begun[0]?.destroyed).toBe(false);
  });

  test.each([
    ["ends its connection", (socket: Socket) => socket.end()],
    ["resets it", (socket: Socket) => socket.resetAndDestroy()],
  ])("forgets a peer that %s while it waits", async (_how, leave) => {
    const { begun, turnedAway, peer, waiting, portsOfBegun } = await startAdmission();
    const first = await peer("hello");
    await expect.poll(() => begun.length).toBe(1);
    const second = await peer("hello");
    await waiting(1);
    const third = await peer("hello");
    await waiting(2);
    leave(second);
    await waiting(1);
    await expect.poll(() => turnedAway).toEqual(["no_tls"]);
    begun[0]?.destroy();
    await expect.poll(portsOfBegun).toEqual([first.localPort, third.localPort]);
  });

  test("lets a handshake that stalls keep the others waiting for a fifth of its time only", async () => {
    const { begun, peer } = await startAdmission({ handshakeTimeoutMs: 3_000 });
    await peer("hello");
    await peer("hello");
    await expect.poll(() => begun.length, { timeout: 10_000 }).toBe(2);
    expect(begun[0]?.destroyed).toBe(false);
  });

  test("counts those that wait among the connections that are allowed", async () => {
    const { turnedAway, peer, waiting } = await startAdmission({ maxConnections: 2 });
    await peer("hello");
    await peer("hello");
    await waiting(1);
    const third = await peer("hello");
    third.resume();
    if (!third.closed) await once(third, "close");
    await expect.poll(() => turnedAway).toEqual(["too_many"]);
  });

  test("closes those that wait when it stops, which is no fault of theirs", async () => {
    const { admission, begun, turnedAway, peer, waiting } = await startAdmission();
    const first = await peer("hello");
    await expect.poll(() => begun.length).toBe(1);
    const others = [await peer("hello"), await peer()];
    await waiting(1);
    const closed = admission.close();
    for (const socket of others) {
      socket.resume();
      if (!socket.closed) await once(socket, "close");
    }
    expect(first.closed).toBe(false);
    begun[0]?.destroy();
    await closed;
    expect(turnedAway).toEqual([]);
  });
});
