import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import type { ExecResult } from "./container-process.ts";
import { checkGrpcHealth } from "./grpc-health.ts";
import type { Container, Handler } from "./pod.ts";

export type HandlerTarget = {
  container: Container;
  podIP: string;
  /** The node's address, from which the connections come. */
  localAddress: string;
  exec: (command: string[], timeoutMs: number) => Promise<ExecResult>;
};

export type HandlerResult = { ok: boolean; message: string };

const timedOutCode = 124;

/** Runs a probe's or a hook's handler once: httpGet (200-399 is success), tcpSocket, grpc, exec (exit code 0), sleep. Never rejects. */
export async function runHandler(handler: Handler, target: HandlerTarget, timeoutMs: number): Promise<HandlerResult> {
  try {
    if (handler.exec) return await runExec(handler.exec.command, target, timeoutMs);
    if (handler.httpGet) return await getUrl(handler.httpGet, target, timeoutMs);
    if (handler.tcpSocket) return await dial(handler.tcpSocket, target, timeoutMs);
    if (handler.grpc) return await checkGrpcHealth({ ...handler.grpc, host: target.podIP, from: target.localAddress }, timeoutMs);
    if (handler.sleep)
      await new Promise((resolve) => setTimeout(resolve, Math.min(timeoutMs, (handler.sleep?.seconds ?? 0) * 1000)));
    return { ok: true, message: "" };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

async function runExec(command: string[], target: HandlerTarget, timeoutMs: number): Promise<HandlerResult> {
  const { exitCode, output } = await target.exec(command, timeoutMs);
  if (exitCode === timedOutCode)
    return { ok: false, message: `command timed out: "${command.join(" ")}" timed out after ${timeoutMs / 1000}s` };
  return { ok: exitCode === 0, message: output.trim() };
}

function getUrl(get: NonNullable<Handler["httpGet"]>, target: HandlerTarget, timeoutMs: number): Promise<HandlerResult> {
  const host = get.host ?? target.podIP;
  const port = portOf(get.port, target.container);
  const isTls = get.scheme === "HTTPS";
  const path = get.path ?? "/";
  const url = `${isTls ? "https" : "http"}://${host}:${port}${path.startsWith("/") ? "" : "/"}${path}`;
  const headers: Record<string, string> = { "user-agent": "kube-probe/1.34", accept: "*/*", connection: "close" };
  for (const { name, value } of get.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  return new Promise((resolve) => {
    const make = isTls ? httpsRequest : httpRequest;
    const local = host === target.podIP ? { localAddress: target.localAddress } : {};
    const request = make(url, { headers, agent: false, rejectUnauthorized: false, ...local }, (response) => {
      const status = response.statusCode ?? 0;
      finish(
        status >= 200 && status < 400
          ? { ok: true, message: "" }
          : { ok: false, message: `HTTP probe failed with statuscode: ${status}` },
      );
    });
    const deadline = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
    const timer = setTimeout(() => finish({ ok: false, message: `Get "${url}": ${deadline}` }), timeoutMs);
    request.on("error", (error: NodeJS.ErrnoException) => {
      finish({ ok: false, message: `Get "${url}": ${dialError(error, host, port)}` });
    });
    request.end();
    function finish(result: HandlerResult) {
      clearTimeout(timer);
      request.destroy();
      resolve(result);
    }
  });
}

function dial(socket: NonNullable<Handler["tcpSocket"]>, target: HandlerTarget, timeoutMs: number): Promise<HandlerResult> {
  const host = socket.host ?? target.podIP;
  const port = portOf(socket.port, target.container);
  const local = host === target.podIP ? { localAddress: target.localAddress } : {};
  return new Promise((resolve) => {
    const connection = connect({ host, port, ...local });
    const timer = setTimeout(() => finish({ ok: false, message: `dial tcp ${host}:${port}: i/o timeout` }), timeoutMs);
    connection.once("connect", () => finish({ ok: true, message: "" }));
    connection.once("error", (error: NodeJS.ErrnoException) => finish({ ok: false, message: dialError(error, host, port) }));
    function finish(result: HandlerResult) {
      clearTimeout(timer);
      connection.destroy();
      resolve(result);
    }
  });
}

function dialError(error: NodeJS.ErrnoException, host: string, port: number): string {
  if (error.code === "ECONNREFUSED") return `dial tcp ${host}:${port}: connect: connection refused`;
  if (error.code === "ECONNRESET") return `read tcp ${host}:${port}: read: connection reset by peer`;
  return error.message;
}

function portOf(port: number | string, container: Container): number {
  if (typeof port === "number") return port;
  const named = container.ports?.find(({ name }) => name === port)?.containerPort ?? Number(port);
  if (Number.isInteger(named)) return named;
  throw new Error(`couldn't find port: ${port}`);
}
