import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export type Kubectl = { path: string; version: string; minor: number };

export type Outcome = { code: number; stdout: string; stderr: string };

/** Debian's package, unpacked with dpkg -x, or the program alone. */
const oldKubectls = ["kubectl", "usr/bin/kubectl"].map((path) =>
  fileURLToPath(new URL(`../../.switchyard/tools/kubectl-1.20/${path}`, import.meta.url)),
);

/** Every kubectl of this machine that the cases run with. SWITCHYARD_KUBECTLS names more, separated by colons. */
export function findKubectls(): Kubectl[] {
  const more = (process.env.SWITCHYARD_KUBECTLS ?? "").split(":").filter((path) => path !== "");
  const paths = ["kubectl", ...oldKubectls.filter((path) => existsSync(path)).slice(0, 1), ...more];
  return paths.flatMap((path) => {
    const version = versionOf(path);
    return version ? [{ path, ...version }] : [];
  });
}

function versionOf(path: string): { version: string; minor: number } | undefined {
  try {
    const output = execFileSync(path, ["version", "--client", "-o", "json"], { encoding: "utf8" });
    const { clientVersion } = JSON.parse(output) as { clientVersion: { gitVersion: string; minor: string } };
    return { version: clientVersion.gitVersion, minor: Number.parseInt(clientVersion.minor, 10) };
  } catch {
    return undefined;
  }
}

/** Runs kubectl in one namespace of one cluster. */
export class KubectlSession {
  readonly #kubectl: Kubectl;
  readonly #kubeconfigPath: string;
  readonly #namespace: string;

  constructor(kubectl: Kubectl, kubeconfigPath: string, namespace: string) {
    this.#kubectl = kubectl;
    this.#kubeconfigPath = kubeconfigPath;
    this.#namespace = namespace;
  }

  try(args: string[], input = ""): Promise<Outcome> {
    return new Promise((resolve) => {
      const child = execFile(
        this.#kubectl.path,
        this.#arguments(args),
        { encoding: "utf8", timeout: 60_000, env: this.#environment() },
        (error, stdout, stderr) => {
          const code = error ? (typeof error.code === "number" ? error.code : 1) : 0;
          resolve({ code, stdout, stderr });
        },
      );
      child.stdin?.end(input);
    });
  }

  /** The standard output of a command that must succeed. */
  async run(args: string[], input = ""): Promise<string> {
    const { code, stdout, stderr } = await this.try(args, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")} ended with ${code}: ${stderr}`);
    return stdout;
  }

  /** The standard error of a command that must fail. */
  async refusal(args: string[], input = ""): Promise<string> {
    const { code, stdout, stderr } = await this.try(args, input);
    if (code === 0) throw new Error(`kubectl ${args.join(" ")} succeeded: ${stdout}`);
    return stderr;
  }

  async json<T>(args: string[]): Promise<T> {
    return JSON.parse(await this.run([...args, "-o", "json"])) as T;
  }

  /** A command that goes on, such as `get -w`; `lines` grows as it prints. */
  follow(args: string[]): { lines: string[]; stop(): void } {
    const child = spawn(this.#kubectl.path, this.#arguments(args), {
      stdio: ["ignore", "pipe", "ignore"],
      env: this.#environment(),
    });
    const lines: string[] = [];
    let rest = "";
    child.stdout.on("data", (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split("\n");
      rest = parts.pop() ?? "";
      lines.push(...parts);
    });
    return { lines, stop: () => child.kill("SIGKILL") };
  }

  #arguments(args: string[]): string[] {
    return ["--kubeconfig", this.#kubeconfigPath, "-n", this.#namespace, ...args];
  }

  #environment(): NodeJS.ProcessEnv {
    return { ...process.env, HOME: "/nonexistent", KUBECONFIG: "" };
  }
}
