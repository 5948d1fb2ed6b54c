import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, type Kubectl, KubectlSession, type Outcome } from "./kubectl.ts";

const projectDir = fileURLToPath(new URL("../..", import.meta.url));
const daemons = ["relay", "hub", "edge", "connector", "issuer", "prober"];
const hasNftables = has("nft");
const hasUnits = has("systemd-analyze");
const hasNewCompose = has("docker") && (await run("docker", ["compose", "version"])).code === 0;
const hasCompose = hasNewCompose || has("docker-compose");
const needs = (tool: string, isThere: boolean) => (isThere ? "" : ` (skipped: this machine has no ${tool})`);

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "switchyard-deploy-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe("manifests", () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startTestCluster();
  });
  afterAll(() => cluster?.stop());

  const newest = findKubectls().reduce<Kubectl | undefined>((a, b) => (a && a.minor >= b.minor ? a : b), undefined);

  it.each(daemons)("%s: the cluster takes every object of kubernetes.yaml", async (daemon) => {
    if (!newest) throw new Error("there is no kubectl on the PATH");
    const kubectl = new KubectlSession(newest, cluster.kubeconfigPath, "default");
    const { code, stdout, stderr } = await kubectl.try([
      "apply",
      "--dry-run=server",
      "-f",
      deployFile(daemon, "kubernetes.yaml"),
    ]);
    expect(stderr.split("\n").filter((line) => !line.startsWith("Warning: ") && line !== "")).toEqual([]);
    expect(code).toBe(0);
    const taken = stdout.trim().split("\n");
    expect(taken).toHaveLength(documents(daemon, "kubernetes.yaml").length);
    for (const line of taken) expect(line).toMatch(/ created \(server dry run\)$/);
  });

  const kubectls = findKubectls();
  const topologies = readdirSync(join(projectDir, "deploy/topologies"));

  it.each(topologies.flatMap((topology) => kubectls.map((kubectl) => ({ topology, kubectl, version: kubectl.version }))))(
    "topologies/$topology: kubectl $version builds it, and the cluster takes every object",
    async ({ topology, kubectl }) => {
      const session = new KubectlSession(kubectl, cluster.kubeconfigPath, "default");
      const built = await session.run(["kustomize", join(projectDir, "deploy/topologies", topology)]);
      const objects = parseAllDocuments(built).map((document) => document.toJS() as Manifest);
      const namespaces = objects.filter(({ kind }) => kind === "Namespace");
      // A dry run makes no namespace for what is in it.
      await session.run(["apply", "-f", "-"], JSON.stringify(listOf(namespaces)));
      for (const { metadata } of namespaces) {
        const inside = objects.filter(({ metadata: { namespace } }) => namespace === metadata.name);
        const there = new KubectlSession(kubectl, cluster.kubeconfigPath, metadata.name);
        const taken = await there.run(["apply", "--dry-run=server", "-f", "-"], JSON.stringify(listOf(inside)));
        expect(taken.trim().split("\n")).toHaveLength(inside.length);
        for (const line of taken.trim().split("\n")) expect(line).toMatch(/ created \(server dry run\)$/);
      }
      const grouped = objects.filter(({ metadata: { namespace } }) => namespace !== undefined);
      expect(grouped.length + namespaces.length).toBe(objects.length);
      const readme = readFileSync(join(projectDir, "deploy/topologies", topology, "README.md"), "utf8");
      const wanted = [...built.matchAll(/secretName: (\S+)|secretKeyRef:\s+key: \S+\s+name: (\S+)/g)].map(([, a, b]) => a ?? b);
      for (const name of [...wanted, ...namespaces.map(({ metadata }) => metadata.name)]) expect(readme).toContain(`${name}`);
    },
  );

  it("topologies/cluster: peers dial HAProxy, which has the file of the hub", async () => {
    if (!newest) throw new Error("there is no kubectl on the PATH");
    const session = new KubectlSession(newest, cluster.kubeconfigPath, "default");
    const built = await session.run(["kustomize", join(projectDir, "deploy/topologies/cluster")]);
    const objects = parseAllDocuments(built).map((document) => document.toJS() as Manifest);
    const dialled = objects.find(({ kind, metadata }) => kind === "Service" && metadata.name === "hub");
    expect(dialled?.spec).toMatchObject({ selector: { "app.kubernetes.io/name": "hub-haproxy" } });
    const config = objects.find(({ data }) => data?.["haproxy.cfg"]);
    expect(config?.data?.["haproxy.cfg"]).toBe(readFileSync(deployFile("hub", "haproxy/haproxy.cfg"), "utf8"));
  });

  it.each([
    // The local cluster refuses load balancers and has no Ingresses: kubectl looks at these by itself.
    ["hub", "load-balancer.yaml", ["apply", "--dry-run=client"], "service/hub-public created (dry run)"],
    [
      "relay",
      "ingress.yaml",
      ["label", "--local", "--dry-run=client", "looked-at=yes"],
      "ingress.networking.k8s.io/relay labeled (dry run)",
    ],
  ])("%s: kubectl takes %s", async (daemon, file, command, told) => {
    if (!newest) throw new Error("there is no kubectl on the PATH");
    const kubectl = new KubectlSession(newest, cluster.kubeconfigPath, "default");
    expect((await kubectl.run([...command, "-f", deployFile(daemon, file)])).trim()).toBe(told);
  });

  it("refuses a manifest that is wrong", async () => {
    if (!newest) throw new Error("there is no kubectl on the PATH");
    const kubectl = new KubectlSession(newest, cluster.kubeconfigPath, "default");
    const wrong = readFileSync(deployFile("relay", "kubernetes.yaml"), "utf8").replace("maxReplicas: 20", "maxReplicas: 2");
    expect(await kubectl.refusal(["apply", "--dry-run=server", "-f", "-"], wrong)).toContain("maxReplicas");
  });

  it("the Ingress and the load balancer lead to ports that the daemon serves", () => {
    const services = documents("relay", "kubernetes.yaml").filter(({ kind }) => kind === "Service");
    const [ingress] = documents("relay", "ingress.yaml") as unknown as IngressLike[];
    const backends = ingress?.spec.rules.flatMap(({ http }) => http.paths.map(({ backend }) => backend.service)) ?? [];
    expect(backends).toEqual([{ name: "relay", port: { number: 80 } }]);
    expect(services.find(({ metadata }) => metadata.name === "relay")?.spec).toMatchObject({
      ports: expect.arrayContaining([expect.objectContaining({ port: 80 })]),
    });
    const [balancer] = documents("hub", "load-balancer.yaml");
    const inside = documents("hub", "kubernetes.yaml").find(({ kind }) => kind === "Service");
    expect(balancer?.spec).toMatchObject({ type: "LoadBalancer", selector: inside?.spec?.selector, ports: inside?.spec?.ports });
  });
});

it.skipIf(!hasCompose).each(daemons)(`%s: compose.yaml is valid${needs("docker compose", hasCompose)}`, async (daemon) => {
  const path = deployFile(daemon, "compose.yaml");
  const required = [...readFileSync(path, "utf8").matchAll(/\$\{(\w+):\?/g)].map(([, name = ""]) => [name, "set"]);
  const env = Object.fromEntries(required);
  const { code, stderr } = hasNewCompose
    ? await run("docker", ["compose", "-f", path, "config", "-q"], { env })
    : await run("docker-compose", ["-f", await copyWithoutName(path), "config", "-q"], { env });
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: "" });
});

/** Debian's Compose is older than the field `name`. */
async function copyWithoutName(path: string): Promise<string> {
  const copy = join(await mkdtemp(join(directory, "compose-")), "compose.yaml");
  await writeFile(copy, readFileSync(path, "utf8").replace(/^name: .*$/m, ""));
  return copy;
}

describe("units", () => {
  it.skipIf(!hasUnits)(`systemd takes each as it is${needs("systemd-analyze", hasUnits)}`, async () => {
    const units = daemons.flatMap((daemon) => filesOf(daemon, /\.(service|path|timer|socket)$/));
    expect(units.length).toBeGreaterThanOrEqual(daemons.length);
    const copies = await Promise.all(units.map((path) => copyUnit(path)));
    const { code, stderr } = await run("systemd-analyze", ["verify", ...copies]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it.skipIf(!hasUnits)(`systemd names a setting that it does not know${needs("systemd-analyze", hasUnits)}`, async () => {
    const copy = await copyUnit(deployFile("relay", "relay.service"), "wrong.service", "ProtectSystem=", "ProtectSystm=");
    expect((await run("systemd-analyze", ["verify", copy])).stderr).toContain("ProtectSystm");
  });

  it.skipIf(!hasUnits).each(daemons)(
    `%s: its exposure is at most 2.0 of 10${needs("systemd-analyze", hasUnits)}`,
    async (daemon) => {
      const copy = await copyUnit(deployFile(daemon, `${daemon}.service`), `${daemon}-exposure.service`);
      const { code, stdout, stderr } = await run("systemd-analyze", ["security", "--offline=true", "--threshold=20", copy]);
      expect(code, `${stdout}${stderr}`).toBe(0);
    },
  );

  async function copyUnit(path: string, name = path.slice(dirname(path).length + 1), from = "", to = ""): Promise<string> {
    const copy = join(directory, name);
    const text = readFileSync(path, "utf8").replace(/^ExecStart=.*$/m, "ExecStart=/bin/true");
    await writeFile(copy, text.replace(from, to));
    return copy;
  }
});

it.skipIf(!hasNftables).each(daemons)(`%s: nft takes nftables.nft${needs("nft", hasNftables)}`, async (daemon) => {
  // Even a check asks the kernel, which answers root: without it, in a network of its own.
  const [command = "", ...args] = process.getuid?.() === 0 ? ["nft"] : ["unshare", "-rn", "nft"];
  const { code, stderr } = await run(command, [...args, "-c", "-f", deployFile(daemon, "nftables.nft")]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

it.each(daemons)("%s: its README tells of every variable that the files set and every metric that the rules ask", (daemon) => {
  const readme = readFileSync(join(projectDir, "services", daemon, "README.md"), "utf8");
  // What the controller exports of every service is no daemon's own.
  const controller = readFileSync(join(projectDir, "services", "controller", "controller.ts"), "utf8");
  const names = [...variablesSet(daemon), ...[...metricsAsked(daemon)].filter((name) => !controller.includes(`"${name}"`))];
  expect(names.length).toBeGreaterThan(3);
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(readme))).toEqual([]);
});

describe("images", () => {
  it.each(daemons)("%s: the Dockerfile keeps the packages that the daemon imports, and no other", (daemon) => {
    expect(keptPackages(daemon)).toEqual([...importsOf(daemon).packages].sort());
  });

  it.each(daemons)("%s: what the Dockerfile copies is enough to start", async (daemon) => {
    const root = join(directory, daemon);
    await mkdir(join(root, "node_modules"), { recursive: true });
    const dockerfile = readFileSync(deployFile(daemon, "Dockerfile"), "utf8");
    const copies = [...dockerfile.slice(dockerfile.lastIndexOf("\nFROM ")).matchAll(/^COPY (\S+) \.\/(\S*)$/gm)];
    const isLeftOut = (path: string) => /\.test\.ts$|\/(testing|deploy)$|\/README\.md$/.test(path);
    for (const [, from = "", to = ""] of copies) {
      const target = to === "" ? from : to;
      await cp(join(projectDir, from), join(root, target), { recursive: true, filter: (path) => !isLeftOut(path) });
    }
    for (const name of await neededPackages(keptPackages(daemon))) {
      await cp(join(projectDir, name), join(root, name), { recursive: true });
    }
    // Without settings a daemon ends as soon as its modules are loaded, and names what it wants.
    const { code, stderr } = await run(process.execPath, [`services/${daemon}/main.ts`], { cwd: root, env: {} });
    expect(stderr).toMatch(/^[A-Z_]+: it is not set; /);
    expect(code).toBe(78);
    const later = [...importsOf(daemon).files, ...keptPackages(daemon)].map((name) => name.replace(projectDir, "./"));
    const imports = later.filter((name) => !name.endsWith("/main.ts")).map((name) => `await import(${JSON.stringify(name)});`);
    expect(await run(process.execPath, ["--input-type=module", "-e", imports.join("\n")], { cwd: root })).toMatchObject({
      code: 0,
      stderr: "",
    });
  });
});

type IngressLike = {
  spec: { rules: { http: { paths: { backend: { service: { name: string; port: { number: number } } } }[] } }[] };
};
type DeploymentLike = { spec: { template: { spec: { containers: { env: { name: string }[] }[] } } } };
type ComposeLike = { services: Record<string, { environment: Record<string, string> }> };
type Manifest = {
  kind: string;
  metadata: { name: string; namespace?: string };
  spec?: Record<string, unknown>;
  data?: Record<string, string>;
};

function listOf(items: Manifest[]) {
  return { apiVersion: "v1", kind: "List", items };
}

function deployFile(daemon: string, name: string): string {
  return join(projectDir, "services", daemon, "deploy", name);
}

function filesOf(daemon: string, pattern: RegExp): string[] {
  return readdirSync(deployFile(daemon, "."))
    .filter((name) => pattern.test(name))
    .map((name) => deployFile(daemon, name));
}

function documents(daemon: string, name: string): Manifest[] {
  return parseAllDocuments(readFileSync(deployFile(daemon, name), "utf8")).map((document) => document.toJS() as Manifest);
}

function variablesSet(daemon: string): Set<string> {
  const objects = documents(daemon, "kubernetes.yaml");
  const settings = objects.flatMap(({ kind, data = {} }) => (kind === "ConfigMap" ? Object.keys(data) : []));
  const [deployment] = objects.filter(({ kind }) => kind === "Deployment") as unknown as DeploymentLike[];
  const containers = deployment?.spec.template.spec.containers ?? [];
  const [compose] = documents(daemon, "compose.yaml") as unknown as ComposeLike[];
  const unit = readFileSync(deployFile(daemon, `${daemon}.service`), "utf8");
  const names = [
    ...settings.filter((name) => name !== "config.toml"),
    ...containers.flatMap(({ env }) => env.map(({ name }) => name)),
    ...Object.keys(compose?.services[daemon]?.environment ?? {}),
    ...[...unit.matchAll(/^Environment=(.*)$/gm)].flatMap(([, line = ""]) =>
      line.split(" ").map((word) => word.split("=", 1)[0] ?? ""),
    ),
  ];
  // The manifests' own: the other addresses are made of it.
  return new Set(names.filter((name) => name !== "POD_IP"));
}

function metricsAsked(daemon: string): Set<string> {
  const rules = readFileSync(deployFile(daemon, "alerts.yaml"), "utf8");
  const names = [...rules.matchAll(/\b([a-z]+(?:_[a-z]+)+)(?=[{[ )])/g)].map(([, name = ""]) => name.replace(/_bucket$/, ""));
  return new Set(names.filter((name) => name !== "histogram_quantile"));
}

function has(tool: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, tool)));
}

function run(command: string, args: string[], options: { cwd?: string; env?: Record<string, string> } = {}): Promise<Outcome> {
  const { PATH, HOME, NODE_ENV } = process.env;
  const env = { PATH, HOME, NODE_ENV, ...options.env };
  return new Promise((done) => {
    execFile(command, args, { encoding: "utf8", timeout: 60_000, cwd: options.cwd, env }, (error, stdout, stderr) => {
      done({ code: error ? (typeof error.code === "number" ? error.code : 1) : 0, stdout, stderr });
    });
  });
}

function keptPackages(daemon: string): string[] {
  const list = /^ARG PACKAGES='(.*)'$/m.exec(readFileSync(deployFile(daemon, "Dockerfile"), "utf8"))?.[1] ?? "";
  return [...list.matchAll(/\[name="([^"]+)"\]/g)].map(([, name = ""]) => name).sort();
}

/** By the Dockerfile's own query, from this checkout's node_modules. */
async function neededPackages(names: string[]): Promise<string[]> {
  const chosen = names.map((name) => `[name="${name}"]`).join(", ");
  const { stdout } = await run("npm", ["query", `:is(${chosen}), :is(${chosen}) *`], { cwd: projectDir });
  const locations = (JSON.parse(stdout) as { location: string }[]).map(({ location }) => location);
  return [...new Set(locations.filter((path) => path.lastIndexOf("node_modules/") === 0))];
}

/** The files that the daemon's main.ts reaches by its imports, and the packages that these name; imports of types are none. */
function importsOf(daemon: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  visit(join(projectDir, "services", daemon, "main.ts"));
  return { files, packages };

  function visit(file: string): void {
    if (files.has(file)) return;
    files.add(file);
    const text = readFileSync(file, "utf8").replace(/^import type [^;]*;/gm, "");
    for (const [, from = ""] of text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)"([^"]+)"/gm)) {
      if (from.startsWith("node:")) continue;
      if (from.startsWith(".")) visit(resolve(dirname(file), from));
      else if (from.startsWith("#")) visit(join(projectDir, from.slice(1)));
      else packages.add(from.split("/", from.startsWith("@") ? 2 : 1).join("/"));
    }
    const isKnown = /^(lib\/(runtime|protocol)|services\/[^/]+)\//.test(relative(projectDir, file));
    if (!isKnown) throw new Error(`${daemon} imports ${file}, which its image does not have`);
  }
}
