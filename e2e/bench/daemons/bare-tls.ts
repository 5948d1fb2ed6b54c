/**
 * The least that a server can do with a connection: it answers the first bytes of each with so many bytes, over TLS when it gets a
 * certificate. Sends its port.
 *
 *   node bare-tls.ts REPLY_BYTES [CERT_FILE KEY_FILE]
 */
import { readFileSync } from "node:fs";
import { createServer as createTcpServer, type Socket } from "node:net";
import { createServer } from "node:tls";
import { portOf } from "./peers.ts";

const [replyBytes = "100", certFile, keyFile] = process.argv.slice(2);
const reply = Buffer.alloc(Number(replyBytes), "x");
const onConnection = (socket: Socket) => {
  socket.on("error", () => {}).once("data", () => socket.write(reply));
};
const server =
  certFile && keyFile
    ? createServer(
        { cert: readFileSync(certFile), key: readFileSync(keyFile), minVersion: "TLSv1.3", noDelay: true },
        onConnection,
      )
    : createTcpServer({ noDelay: true }, onConnection);
server.on("tlsClientError", () => {});
server.listen(0, "127.0.0.1", 4096, () => process.send?.(portOf(server)));
process.once("disconnect", () => process.exit());
