/** Kubernetes' remote command protocol over WebSocket: each binary frame is a channel's number and then its bytes. */
export const execProtocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

export const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;

/** v5 only: says that the channel named in the next byte has ended. */
const closeChannel = 255;

export type ExecRequest = { command: string[]; stdin: boolean; stdout: boolean; stderr: boolean; tty: boolean };

export type ExecEnd = { exitCode: number } | { failure: string };

export type ClientFrame =
  | { type: "input"; bytes: Buffer }
  | { type: "end-of-input" }
  | { type: "resize"; columns: number; rows: number }
  | { type: "other" };

/** The query of an exec request; a sentence when it cannot be used. */
export function parseExecRequest(params: URLSearchParams): ExecRequest | string {
  const flag = (name: string) => ["true", "1"].includes(params.get(name) ?? "");
  const command = params.getAll("command");
  const request = { command, stdin: flag("stdin"), stdout: flag("stdout"), stderr: flag("stderr"), tty: flag("tty") };
  if (command.length === 0) return "you must specify a command";
  if (command.some((part) => part.includes("\0"))) return "a command may not contain null bytes";
  if (!request.stdin && !request.stdout && !request.stderr) return "you must specify at least 1 of stdin, stdout, stderr";
  if (request.tty && request.stderr) return "tty and stderr cannot both be true";
  return request;
}

export function readFrame(bytes: Buffer): ClientFrame {
  const [channel] = bytes;
  const rest = bytes.subarray(1);
  if (channel === channels.stdin) return { type: "input", bytes: rest };
  if (channel === closeChannel && rest[0] === channels.stdin) return { type: "end-of-input" };
  if (channel === channels.resize) return readResize(rest.toString());
  return { type: "other" };
}

function readResize(text: string): ClientFrame {
  try {
    const { Width, Height } = JSON.parse(text) as { Width?: unknown; Height?: unknown };
    if (isTerminalSize(Width) && isTerminalSize(Height)) return { type: "resize", columns: Width, rows: Height };
  } catch {}
  return { type: "other" };
}

function isTerminalSize(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535;
}

export function writeFrame(channel: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(channel), bytes]);
}

/** The v1 Status that the error channel ends with. */
export function statusOf(end: ExecEnd, command: string[]): object {
  if ("failure" in end) {
    const message = `Internal error occurred: error executing command in container: ${end.failure}`;
    const details = { causes: [{ message: `error executing command in container: ${end.failure}` }] };
    return { metadata: {}, status: "Failure", message, reason: "InternalError", details, code: 500 };
  }
  if (end.exitCode === 0) return { metadata: {}, status: "Success" };
  return {
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: error executing command [${command.join(" ")}], exit code ${end.exitCode}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(end.exitCode) }] },
  };
}
