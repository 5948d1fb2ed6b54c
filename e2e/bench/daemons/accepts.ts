import { connect } from "node:tls";
import { cpuSeconds } from "./process-figures.ts";

export type Greeting = { port: number; ca: string; hello: Buffer };

export type Accepts = {
  /** Connections a second of wall time, with clients and server on this machine. */
  perSecond: number;
  /** Connections for each second of the server's CPU, which other load on the machine disturbs little. */
  perCpuSecond: number;
};

/** Makes connections, so many at a time, each from TCP to the server's answer to a hello. Resumed ones show a ticket of an earlier one. */
export async function measureAccepts(
  { pid, ...greeting }: Greeting & { pid: number },
  { count, atOnce, resumed }: { count: number; atOnce: number; resumed: boolean },
): Promise<Accepts> {
  const ticket = resumed ? (await greet(greeting, { wantsTicket: true })).ticket : undefined;
  const cpuBefore = cpuSeconds(pid);
  const startedAt = performance.now();
  let begun = 0;
  let resumptions = 0;
  const work = async () => {
    while (begun < count) {
      begun += 1;
      const { wasResumed } = await greet(greeting, { session: ticket });
      if (wasResumed) resumptions += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  if (resumptions !== (resumed ? count : 0)) throw new Error(`${resumptions} of ${count} handshakes were resumed`);
  return {
    perSecond: count / ((performance.now() - startedAt) / 1000),
    perCpuSecond: count / (cpuSeconds(pid) - cpuBefore),
  };
}

/** One connection up to the server's answer; with `wantsTicket` also up to its ticket, which some resumed ones do not get. */
function greet(
  { port, ca, hello }: Greeting,
  { session, wantsTicket = false }: { session?: Buffer | undefined; wantsTicket?: boolean },
): Promise<{ ticket: Buffer | undefined; wasResumed: boolean }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, ca, minVersion: "TLSv1.3", ...(session && { session }) });
    let ticket: Buffer | undefined;
    let isAnswered = false;
    const finish = () => {
      if (!isAnswered || (wantsTicket && !ticket)) return;
      const wasResumed = socket.isSessionReused();
      socket.off("close", onClose).destroy();
      resolve({ ticket, wasResumed });
    };
    const onClose = () => reject(new Error(`port ${port} closed a connection before its answer`));
    socket.once("secureConnect", () => socket.write(hello));
    socket.on("session", (given: Buffer) => {
      ticket = given;
      finish();
    });
    socket.once("data", () => {
      isAnswered = true;
      finish();
    });
    socket.once("error", (error) => reject(new Error(`port ${port}: ${error.message}`))).once("close", onClose);
  });
}
