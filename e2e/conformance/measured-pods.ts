import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { eventually } from "./harness.ts";

/** An HTTP server that burns a fifth of a core after POST /burn, and whose gauge `queue_length` is set by POST /queue?N. */
const script = `
let burns = false;
let length = 0;
setInterval(() => {
  const end = performance.now() + 30;
  while (burns && performance.now() < end);
}, 150);
require("node:http").createServer(({ url, method }, response) => {
  if (method === "POST" && url === "/burn") burns = true;
  if (method === "POST" && url === "/rest") burns = false;
  if (method === "POST" && url.startsWith("/queue?")) length = Number(url.slice(7));
  response.end('queue_length{kind="mail"} ' + length + '\\nqueue_length{kind="spam"} 999\\n');
}).listen(8080, process.env.POD_IP);
process.on("SIGTERM", () => process.exit(0));
`;

export const burnerImage = {
  name: "demo/burner",
  command: [process.execPath, "-e", script],
  readOnlyPaths: [dirname(process.execPath)],
  tags: { "1.0.0": {} },
};

/** A pod template of the burner, which asks for a tenth of a core. */
export function burnerTemplate(app: string) {
  const podIP = { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } };
  const container = {
    name: "main",
    image: "demo/burner:1.0.0",
    env: [podIP],
    ports: [{ containerPort: 8080 }],
    readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
    resources: { requests: { cpu: "100m", memory: "64Mi" } },
  };
  return { metadata: { labels: { app } }, spec: { terminationGracePeriodSeconds: 1, containers: [container] } };
}

export async function tellPod(address: string | undefined, path: string): Promise<void> {
  const response = await fetch(`http://${address}:8080${path}`, { method: "POST" });
  if (!response.ok) throw new Error(`the pod answered ${response.status}`);
}

export type ScrapedPod = { address: string; namespace: string; pod: string };

export type RunningPrometheus = { url: string; child: ChildProcess; scrape(pods: ScrapedPod[]): Promise<void> };

/** Where a Prometheus of a test is going to listen. */
export async function freePort(): Promise<number> {
  for (let port = 23_000 + (process.pid % 400) * 20; ; port += 1) {
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    server.close();
    if (isFree) return port;
  }
}

/** Starts a Prometheus that scrapes given pods every second, with the labels `namespace` and `pod` on what it finds. */
export async function startPrometheus(directory: string, port: number): Promise<RunningPrometheus> {
  await mkdir(directory, { recursive: true });
  const targets = join(directory, "targets.json");
  await writeFile(targets, "[]");
  const config = `global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs: [{ job_name: pods, file_sd_configs: [{ files: [${JSON.stringify(targets)}], refresh_interval: 1s }] }]
`;
  await writeFile(join(directory, "prometheus.yml"), config);
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(
    "prometheus",
    [
      `--config.file=${join(directory, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(directory, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=error",
    ],
    { stdio: ["ignore", "inherit", "inherit"] },
  );
  const isReady = () =>
    fetch(`${url}/-/ready`)
      .then((answer) => answer.ok)
      .catch(() => false);
  await eventually(isReady, "Prometheus is ready");
  return {
    url,
    child,
    async scrape(pods) {
      const entries = pods.map(({ address, ...labels }) => ({ targets: [`${address}:8080`], labels }));
      await writeFile(`${targets}.new`, JSON.stringify(entries));
      await rename(`${targets}.new`, targets);
    },
  };
}
