/**
 * Listens on so many ports of an address and sends which. Connections are taken and closed; with a backlog nobody takes them once
 * this process is stopped (SIGSTOP).
 *
 *   node open-ports.ts ADDRESS FIRST COUNT [BACKLOG]
 */
import { once } from "node:events";
import { createServer } from "node:net";

const [address = "127.0.0.1", first = "20000", count = "1", backlog = "511"] = process.argv.slice(2);
const ports: number[] = [];
for (let port = Number(first); ports.length < Number(count) && port < 32_768; port += 1) {
  const server = createServer((socket) => socket.on("error", () => {}).destroy());
  server.listen({ host: address, port, backlog: Number(backlog) });
  const listens = await Promise.race([once(server, "listening").then(() => true), once(server, "error").then(() => false)]).catch(
    () => false,
  );
  if (listens) ports.push(port);
}
process.send?.(ports);
process.once("disconnect", () => process.exit());
