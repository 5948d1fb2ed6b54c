import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { LocalNode, processesWith, until } from "./test/local-node.ts";

const node = new LocalNode();
const forever = "trap 'exit 0' TERM; while :; do sleep 0.1; done";

beforeAll(async () => {
  await node.start();
  await node.createPod("target", {
    securityContext: { runAsUser: 1000 },
    containers: [
      { command: ["sh", "-c", forever], env: [{ name: "COLOUR", value: "green" }], workingDir: "/tmp/work" },
      { name: "second", command: ["sh", "-c", forever] },
    ],
  });
  await node.untilReady("target");
});
afterAll(() => node.stop());

type Status = { status: string; reason?: string; message?: string; details?: { causes: { reason?: string; message: string }[] } };

/** A client of the remote command protocol. */
class Session {
  readonly socket: WebSocket;
  readonly closed: Promise<void>;
  readonly output: Record<number, string> = { 1: "", 2: "", 3: "" };
  refusal: { status: number; body: string } | undefined;

  constructor(path: string, { protocols = ["v5.channel.k8s.io"], token = node.token } = {}) {
    this.socket = new WebSocket(`wss://${node.address}:${node.kubeletPort}${path}`, protocols, {
      ca: readFileSync(join(node.folder, "pki", "ca.crt")),
      headers: { authorization: `Bearer ${token}` },
    });
    this.socket.on("message", (data: Buffer) => {
      this.output[data[0] ?? 0] += data.subarray(1).toString();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on("close", () => resolve());
      this.socket.on("error", () => {});
      this.socket.on("unexpected-response", (_, response) => {
        let body = "";
        response.on("data", (part: Buffer) => {
          body += part;
        });
        response.on("end", () => {
          this.refusal = { status: response.statusCode ?? 0, body };
          resolve();
        });
      });
    });
  }

  async opened(): Promise<this> {
    await new Promise((resolve) => this.socket.once("open", resolve));
    return this;
  }

  send(channel: number, data: string | number[]): void {
    this.socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(data as string)]));
  }

  get status(): Status {
    return JSON.parse(this.output[3] ?? "") as Status;
  }
}

function path(command: string[], options: Record<string, string> = {}, container = "main"): string {
  const query = new URLSearchParams(command.map((part) => ["command", part]));
  for (const [name, value] of Object.entries({ stdout: "true", stderr: "true", ...options })) query.set(name, value);
  return `/exec/default/target/${container}?${query}`;
}

async function run(command: string[], options: Record<string, string> = {}): Promise<Session> {
  const session = new Session(path(command, options));
  await session.closed;
  return session;
}

const sh = (script: string) => ["sh", "-c", script];

describe("a command in a container", () => {
  it("runs with the container's user, environment, directory, names and processes", async () => {
    const session = await run(
      sh('id -u; echo "$COLOUR"; pwd; hostname; tr "\\0" " " < /proc/1/cmdline | cut -c1-5; echo oops >&2'),
    );
    const uid = process.getuid?.() === 0 ? 1000 : process.getuid?.();
    expect(session.output[1]).toBe(`${uid}\ngreen\n/tmp/work\ntarget\nsh -c\n`);
    expect(session.output[2]).toBe("oops\n");
    expect(session.status).toEqual({ metadata: {}, status: "Success" });
  });

  it("tells its exit code as Kubernetes does", async () => {
    const session = await run(["sh", "-c", "exit 7"]);
    expect(session.status).toEqual({
      metadata: {},
      status: "Failure",
      reason: "NonZeroExitCode",
      message: "command terminated with non-zero exit code: error executing command [sh -c exit 7], exit code 7",
      details: { causes: [{ reason: "ExitCode", message: "7" }] },
    });
    expect((await run(sh("kill -9 $$"))).status.details?.causes[0]?.message).toBe("137");
  });

  it("that does not exist is an internal error that names it", async () => {
    const { status } = await run(["no-such-program"]);
    expect(status).toMatchObject({ status: "Failure", reason: "InternalError" });
    expect(status.message).toContain('exec: "no-such-program": executable file not found in $PATH');
  });

  it("reads what the client sends until the client ends it", async () => {
    const session = await new Session(path(["cat"], { stdin: "true" })).opened();
    session.send(0, "one\n");
    await until("the echo", () => session.output[1] === "one\n");
    session.send(0, "two");
    session.send(255, [0]);
    await session.closed;
    expect(session.output[1]).toBe("one\ntwo");
    expect(session.status.status).toBe("Success");
  });

  it("loses nothing of much output for a client that is slow", async () => {
    const session = await new Session(path(sh("head -c 20000000 /dev/zero | tr '\\0' x"))).opened();
    session.socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 300));
    session.socket.resume();
    await session.closed;
    expect(session.output[1]).toHaveLength(20_000_000);
  });

  it("is ended, with all that it started, when its client leaves", async () => {
    const mark = `left-${process.pid}`;
    const session = await new Session(path(sh(`(sleep 1000; : ${mark}) & echo up; sleep 1000; : ${mark}`))).opened();
    await until("its start", () => session.output[1] === "up\n");
    session.socket.terminate();
    await until("its end", () => processesWith(mark).length === 0);
    expect(await run(["true"])).toMatchObject({ status: { status: "Success" } });
  });

  it("has a terminal with a size when asked", async () => {
    const options = { stdin: "true", stderr: "false", tty: "true" };
    const script = 'test -t 0 && test -t 1 && echo terminal; while read line; do stty size; test "$line" = end && exit 3; done';
    const session = await new Session(path(sh(script), options)).opened();
    session.send(4, JSON.stringify({ Width: 91, Height: 33 }));
    await until("the terminal", () => session.output[1]?.startsWith("terminal\r\n"));
    await until("its size", () => {
      session.send(0, "size\n");
      return session.output[1]?.includes("33 91");
    });
    session.send(4, JSON.stringify({ Width: 120, Height: 40 }));
    await until("its new size", () => {
      session.send(0, "size\n");
      return session.output[1]?.includes("40 120");
    });
    session.send(0, "end\n");
    await session.closed;
    expect(session.status.details?.causes[0]).toEqual({ reason: "ExitCode", message: "3" });
  });

  it("on a terminal ends with its client too", async () => {
    const mark = `terminal-${process.pid}`;
    const options = { stdin: "true", stderr: "false", tty: "true" };
    const session = await new Session(path(sh(`echo up; sleep 1000; : ${mark}`), options)).opened();
    await until("its start", () => session.output[1]?.startsWith("up"));
    session.socket.close();
    await until("its end", () => processesWith(mark).length === 0);
  });
});

describe("the exec endpoint", () => {
  it("chooses the newest protocol that the client offers", async () => {
    for (const [protocols, chosen] of [
      [["v4.channel.k8s.io", "v5.channel.k8s.io"], "v5.channel.k8s.io"],
      [["v4.channel.k8s.io"], "v4.channel.k8s.io"],
    ] as const) {
      const session = await new Session(path(["true"]), { protocols: [...protocols] }).opened();
      expect(session.socket.protocol).toBe(chosen);
      await session.closed;
    }
  });

  it.each([
    ["a wrong token", () => new Session(path(["true"]), { token: "wrong" }), 401, "Unauthorized"],
    ["another protocol", () => new Session(path(["true"]), { protocols: ["v1.other"] }), 400, "wants one of the subprotocols"],
    ["no command", () => new Session(path([])), 400, "you must specify a command"],
    [
      "no stream",
      () => new Session(path(["true"], { stdout: "false", stderr: "false" })),
      400,
      "at least 1 of stdin, stdout, stderr",
    ],
    ["a terminal with stderr", () => new Session(path(["true"], { tty: "true" })), 400, "tty and stderr cannot both be true"],
    ["an unknown container", () => new Session(path(["true"], {}, "absent")), 404, 'container not found ("absent")'],
    ["an unknown pod", () => new Session("/exec/default/absent/main?command=x&stdout=1"), 404, "pod does not exist"],
  ])("refuses %s", async (_, open, status, message) => {
    const session = open();
    await session.closed;
    expect(session.refusal?.status).toBe(status);
    expect(session.refusal?.body).toContain(message);
  });
});
