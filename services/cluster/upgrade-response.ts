import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * What a request for another protocol is answered with as long as it is not granted; the connection ends with the answer.
 * Undefined when an earlier request of the connection is not answered yet: who wants a tunnel does not send two at once, and
 * the connection is cut.
 */
export function openUpgradeResponse(request: IncomingMessage, socket: Socket): ServerResponse | undefined {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  try {
    response.assignSocket(socket);
  } catch {
    socket.destroy();
    return undefined;
  }
  response.once("finish", () => socket.end());
  return response;
}
