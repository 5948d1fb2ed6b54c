import type { Readable } from "node:stream";
import type { RawData, WebSocket } from "ws";
import type { ExecProcess } from "./exec-process.ts";
import { channels, type ExecRequest, readFrame, statusOf, writeFrame } from "./exec-protocol.ts";

const maxBufferedBytes = 1024 * 1024;
const drainMs = 20;
/** How long output is waited for when the command has ended but something that it started keeps its pipes open. */
const quietMs = 500;

/** Connects a command to its client until the command ends, and says how it ended. A client that leaves ends the command. */
export async function runExecSession(socket: WebSocket, opened: ExecProcess, request: ExecRequest): Promise<void> {
  const { stdin, stdout, stderr } = opened;
  socket.on("error", () => {});
  socket.once("close", () => opened.kill());
  let size: { columns: number; rows: number } | undefined;
  socket.on("message", (data: RawData) => {
    const frame = readFrame(toBuffer(data));
    if (frame.type === "resize") {
      size = frame;
      opened.resize(frame.columns, frame.rows);
    } else if (frame.type === "end-of-input") stdin.end();
    else if (frame.type === "input" && request.stdin && stdin.writable && !stdin.write(frame.bytes)) {
      socket.pause();
      stdin.once("drain", () => socket.resume());
      stdin.once("close", () => socket.resume());
    }
  });
  // Says that the stream is there, as Kubernetes does, before there is any output.
  socket.send(Buffer.of(request.stdout ? channels.stdout : request.stderr ? channels.stderr : channels.error));
  if (!request.stdin) stdin.end();
  const outputs = [
    pass(stdout, request.stdout ? channels.stdout : undefined, socket),
    pass(stderr, request.stderr ? channels.stderr : undefined, socket),
  ];
  // The terminal exists once something is written to it at the latest; the size may have come before.
  stdout.once("data", () => size && opened.resize(size.columns, size.rows));
  const end = await opened.ended;
  for (const output of outputs) await output.finished();
  if (socket.readyState !== socket.OPEN) return;
  socket.send(writeFrame(channels.error, Buffer.from(JSON.stringify(statusOf(end, request.command)))));
  socket.close(1000);
}

/** Sends what a stream brings, no faster than the client takes it; without a channel it is thrown away. */
function pass(stream: Readable, channel: number | undefined, socket: WebSocket): { finished: () => Promise<void> } {
  let lastMs = performance.now();
  let isPaused = false;
  stream.on("error", () => {});
  stream.on("data", (chunk: Buffer) => {
    lastMs = performance.now();
    if (channel === undefined || socket.readyState !== socket.OPEN) return;
    socket.send(writeFrame(channel, chunk));
    if (socket.bufferedAmount <= maxBufferedBytes) return;
    isPaused = true;
    stream.pause();
    const timer = setInterval(() => {
      lastMs = performance.now();
      if (socket.bufferedAmount > maxBufferedBytes / 2 && socket.readyState === socket.OPEN) return;
      clearInterval(timer);
      isPaused = false;
      stream.resume();
    }, drainMs);
  });
  return {
    finished: async () => {
      lastMs = Math.max(lastMs, performance.now());
      while (!stream.closed && (isPaused || performance.now() - lastMs < quietMs)) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      stream.destroy();
    },
  };
}

function toBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
