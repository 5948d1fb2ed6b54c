import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { type Bench, untilListening } from "./peers.ts";

/** A path that messages take from a sender over TLS to the far end. */
export type Link = {
  /** The servers on the way. */
  pids: number[];
  /** Sends so many messages of `payloadBytes` and resolves with the seconds until the last one is at the far end. */
  send(count: number, payloadBytes: number): Promise<number>;
  end(): void;
};

/** PEM files: the certificate is its own authority. */
export type TlsFiles = { certFile: string; keyFile: string };

const patienceMs = 60_000;
const subject = "s";
const chunkMessages = 500;

/** Publisher -> NATS server -> leaf connection over TLS -> NATS server -> subscriber; nothing is acknowledged. */
export async function startNatsLeaf(bench: Bench, nats: string, { certFile, keyFile }: TlsFiles): Promise<Link> {
  const [hubPort, leafPort, linkPort] = [await freePort(), await freePort(), await freePort()];
  const tls = `cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${certFile}"`;
  const pids: number[] = [];
  const start = (name: string, configuration: string) => {
    const path = join(bench.folder, `${name}.conf`);
    writeFileSync(path, configuration);
    pids.push(bench.start(nats, ["-c", path]).pid ?? 0);
  };
  start(
    "nats-hub",
    `listen: "127.0.0.1:${hubPort}"\nleafnodes { listen: "127.0.0.1:${linkPort}", tls { ${tls}, verify: true } }\n`,
  );
  await untilListening(linkPort);
  const remote = `{ url: "tls://127.0.0.1:${linkPort}", tls { ${tls} } }`;
  start("nats-leaf", `listen: "127.0.0.1:${leafPort}"\nleafnodes { remotes: [ ${remote} ] }\n`);
  await untilListening(leafPort);
  const subscriber = await openNats(hubPort);
  const publisher = await openNats(leafPort);
  subscriber.write(`SUB ${subject} 1\r\n`);
  const received = new ByteCount(subscriber);
  // The leaf learns of the subscription a while later.
  const deadline = Date.now() + patienceMs;
  while (received.bytes === 0) {
    if (Date.now() > deadline) throw new Error("nothing came over the NATS leaf connection");
    publisher.write(`PUB ${subject} 0\r\n\r\n`);
    await sleep(50);
  }
  await sleep(200);
  return {
    pids,
    async send(count, payloadBytes) {
      const payload = "x".repeat(payloadBytes);
      const chunk = Buffer.from(`PUB ${subject} ${payloadBytes}\r\n${payload}\r\n`.repeat(chunkMessages));
      const messageBytes = `MSG ${subject} 1 ${payloadBytes}\r\n${payload}\r\n`.length;
      const startedAt = performance.now();
      const arrived = received.more(count * messageBytes);
      for (let sent = 0; sent < count; sent += chunkMessages) await writeAll(publisher, chunk);
      await arrived;
      return (performance.now() - startedAt) / 1000;
    },
    end() {
      publisher.destroy();
      subscriber.destroy();
    },
  };
}

async function openNats(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true }).on("error", () => {});
  await once(socket, "data");
  socket.write('CONNECT {"verbose":false,"pedantic":false}\r\nPING\r\n');
  await once(socket, "data");
  return socket;
}

/** Publisher -> mosquitto -> bridge over TLS -> mosquitto -> subscriber; QoS 1 on the way: acknowledged to the publisher and by the bridge. */
export async function startMosquittoBridge(bench: Bench, mosquitto: string, { certFile, keyFile }: TlsFiles): Promise<Link> {
  const [farPort, nearPort, linkPort] = [await freePort(), await freePort(), await freePort()];
  const common =
    "user root\nallow_anonymous true\npersistence false\nmax_queued_messages 0\nmax_inflight_messages 1000\nlog_dest none\n";
  const pids: number[] = [];
  const start = (name: string, configuration: string) => {
    const path = join(bench.folder, `${name}.conf`);
    writeFileSync(path, common + configuration);
    pids.push(bench.start(mosquitto, ["-c", path]).pid ?? 0);
  };
  const tls = `certfile ${certFile}\nkeyfile ${keyFile}\n`;
  start("mosquitto-far", `listener ${farPort} 127.0.0.1\nlistener ${linkPort} 127.0.0.1\n${tls}`);
  await untilListening(linkPort);
  const bridge = `connection bridge\naddress 127.0.0.1:${linkPort}\ntopic ${subject} out 1\nbridge_cafile ${certFile}\n`;
  start("mosquitto-near", `listener ${nearPort} 127.0.0.1\n${bridge}bridge_protocol_version mqttv311\n`);
  await untilListening(nearPort);
  const subscriber = await openMqtt(farPort, "subscriber");
  const publisher = await openMqtt(nearPort, "publisher");
  subscriber.write(Buffer.from([0x82, 6, 0, 1, 0, 1, subject.charCodeAt(0), 0]));
  await once(subscriber, "data");
  const received = new ByteCount(subscriber);
  const acknowledged = new ByteCount(publisher);
  const deadline = Date.now() + patienceMs;
  while (received.bytes === 0) {
    if (Date.now() > deadline) throw new Error("nothing came over the bridge of mosquitto");
    publisher.write(publishPacket(Buffer.alloc(0), 1));
    await sleep(100);
  }
  await sleep(200);
  return {
    pids,
    async send(count, payloadBytes) {
      const payload = Buffer.alloc(payloadBytes, "x");
      // Without the packet id, which the subscriber's QoS 0 does not have.
      const messageBytes = publishPacket(payload, 1).length - 2;
      const startedAt = performance.now();
      const arrived = received.more(count * messageBytes);
      const confirmed = acknowledged.more(count * 4);
      const before = acknowledged.bytes;
      const window = 1_000;
      for (let sent = 0; sent < count; sent += 100) {
        const packets = Array.from({ length: 100 }, (_, index) => publishPacket(payload, 1 + ((sent + index) % 60_000)));
        await writeAll(publisher, Buffer.concat(packets));
        if (sent + 100 >= window) await acknowledged.reach(before + (sent + 100 - window) * 4);
      }
      await Promise.all([arrived, confirmed]);
      return (performance.now() - startedAt) / 1000;
    },
    end() {
      publisher.destroy();
      subscriber.destroy();
    },
  };
}

async function openMqtt(port: number, name: string): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true }).on("error", () => {});
  const body = Buffer.concat([
    Buffer.from([0, 4]),
    Buffer.from("MQTT"),
    Buffer.from([4, 2, 0, 0, 0, name.length]),
    Buffer.from(name),
  ]);
  socket.write(Buffer.concat([Buffer.from([0x10, body.length]), body]));
  await once(socket, "data");
  return socket;
}

/** PUBLISH with QoS 1. */
function publishPacket(payload: Buffer, id: number): Buffer {
  const length = 2 + subject.length + 2 + payload.length;
  const lengthBytes: number[] = [];
  for (let rest = length; ; rest = Math.floor(rest / 128)) {
    lengthBytes.push(rest >= 128 ? (rest % 128) + 128 : rest);
    if (rest < 128) break;
  }
  const head = [0x32, ...lengthBytes, 0, subject.length, subject.charCodeAt(0), id >> 8, id & 0xff];
  return Buffer.concat([Buffer.from(head), payload]);
}

/** Counts what a socket receives; messages of a known size need not be parsed. */
class ByteCount {
  bytes = 0;
  #waiting: { bytes: number; resolve: () => void }[] = [];

  constructor(socket: Socket) {
    socket.on("data", (chunk: Buffer) => {
      this.bytes += chunk.length;
      for (const waiting of this.#waiting) if (waiting.bytes <= this.bytes) waiting.resolve();
      this.#waiting = this.#waiting.filter(({ bytes }) => bytes > this.bytes);
    });
  }

  more(bytes: number): Promise<void> {
    return this.reach(this.bytes + bytes);
  }

  reach(bytes: number): Promise<void> {
    if (this.bytes >= bytes) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`${this.bytes} of ${bytes} bytes came in ${patienceMs / 1000} s`));
      const timer = setTimeout(late, patienceMs);
      const settle = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#waiting.push({ bytes, resolve: settle });
    });
  }
}

async function writeAll(socket: Socket, bytes: Buffer): Promise<void> {
  if (!socket.write(bytes)) await once(socket, "drain");
}
