import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Server } from "socket.io";
import { io } from "socket.io-client";
import type { CaseGroup, Load } from "./case.ts";
import { FaultProxy } from "./fault-proxy.ts";
import type { History } from "./history.ts";

type Message = { producer: string; sequence: number };

/** Others under the faults that ours stand. They are shown beside ours, and no verdict depends on them. */
export function peerCases(load: Load): CaseGroup {
  const cutThreeTimes = (recoveryMs?: number) => (history: History) => broadcastBySocketIo(history, load, recoveryMs);
  const cases = [
    { name: "peer: Socket.IO by default, network cut three times", isPeer: true, run: cutThreeTimes() },
    { name: "peer: Socket.IO with recovery of connections, network cut three times", isPeer: true, run: cutThreeTimes(120_000) },
  ];
  return { cases, stop: async () => {} };
}

/** Acknowledged when the server has it and has sent it to everybody; the one subscriber is behind the network that is cut. */
async function broadcastBySocketIo(history: History, load: Load, recoveryMs?: number): Promise<void> {
  const http = createServer();
  const server = new Server(http, recoveryMs ? { connectionStateRecovery: { maxDisconnectionDuration: recoveryMs } } : {});
  server.on("connection", (socket) => {
    socket.on("message", (message: Message, acknowledge: () => void) => {
      server.emit("message", message);
      acknowledge();
    });
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  const network = new FaultProxy(() => ({ host: "127.0.0.1", port }));
  const options = { transports: ["websocket"], reconnectionDelay: 50, reconnectionDelayMax: 500, forceNew: true };
  const publisher = io(`http://127.0.0.1:${port}`, options);
  const subscriber = io(`http://127.0.0.1:${await network.listen()}`, options);
  subscriber.on("message", (message: Message) => history.add({ kind: "delivered", observer: "subscriber", ...message }));
  try {
    await Promise.all(
      [publisher, subscriber].map((one) => one.connected || new Promise<void>((done) => one.once("connect", done))),
    );
    let sequence = 0;
    const timer = setInterval(() => {
      sequence += 1;
      const message = { producer: "p0", sequence };
      history.add({ kind: "sent", ...message });
      publisher.emit("message", message, () => history.add({ kind: "acknowledged", ...message }));
    }, 1_000 / load.perSecond);
    await sleep(1_000);
    for (const cutMs of [50, 500, 2_000]) {
      network.cut();
      await sleep(cutMs);
      network.mend();
      await sleep(700);
    }
    await sleep(1_500);
    clearInterval(timer);
    await sleep(1_000);
  } finally {
    publisher.close();
    subscriber.close();
    await server.close();
    await network.close();
  }
}
