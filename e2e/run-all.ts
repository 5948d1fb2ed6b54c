import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installPackages, missingPackages } from "#services/launcher/programs.ts";
import { type Failure, playwrightFailures, vitestFailures } from "./failures.ts";

/** `npm test`: installs what the tests need, then runs every suite, quick ones first, and says how each ended. */

const root = fileURLToPath(new URL("..", import.meta.url));
const tools = join(root, ".switchyard", "tools");
const bin = join(root, "node_modules", ".bin");
const debianKubectlFolder = "kubectl-1.20";
/** What only tests run, with the Debian packages of the same names. */
const testPrograms = [
  { name: "chromium", path: "/usr/bin/chromium" },
  { name: "jq", path: "/usr/bin/jq" },
  { name: "haproxy", path: "/usr/sbin/haproxy" },
  { name: "nftables", path: "/usr/sbin/nft" },
  { name: "docker-compose", path: "/usr/bin/docker-compose" },
  { name: "age", path: "/usr/bin/age" },
  { name: "swift-proxy", path: "/usr/bin/swift-proxy-server" },
  { name: "swift-account", path: "/usr/bin/swift-account-server" },
  { name: "swift-container", path: "/usr/bin/swift-container-server" },
  { name: "swift-object", path: "/usr/bin/swift-object-server" },
];
const debianKubectl = join(tools, debianKubectlFolder, "usr", "bin");
const environment = {
  ...process.env,
  PATH: `${bin}:${process.env.PATH}:${debianKubectl}`,
  FORCE_COLOR: "0",
  NEXT_TELEMETRY_DISABLED: "1",
};

/** `again`: the command that runs only these files of it; without one a suite is not tried again, or does so itself. */
type Suite = {
  name: string;
  command: string[];
  failuresOf?: (report: string) => Failure[];
  again?: (files: string[]) => string[];
};
/** Failures of a suite that ended well are those of tests that passed when they were run again. */
type Result = { name: string; ok: boolean; seconds: number; failures: Failure[] };

/** More than this is no accident. */
const mostFilesAgain = 3;

const reports = join(root, ".switchyard", "reports");
const reportOf = (name: string) => join(reports, `${name.replaceAll(" ", "-")}.json`);

const checks: Suite[] = [
  { name: "format and lint", command: ["biome", "ci", "."] },
  { name: "types", command: ["tsc", "--noEmit"] },
];
const suites: Suite[] = ["unit", "components", "components-alone", "domain", "integration", "conformance"].map((project) => {
  const reporters = ["--reporter", "default", "--reporter", "json", "--outputFile.json", reportOf(project)];
  const command = ["vitest", "run", "--project", project, ...reporters];
  return { name: project, command, failuresOf: vitestFailures, again: (files) => [...command, ...files] };
});
const journeys: Suite = {
  name: "end to end",
  command: ["playwright", "test", "--config", "e2e/playwright.config.ts", "--reporter", "list,json"],
  failuresOf: playwrightFailures,
};

await prepare();
const results: Result[] = [];
for (const suite of checks) results.push(await run(suite));
// Not before: a build writes types, too.
const webBuild = buildWebMeanwhile();
for (const suite of suites) results.push(await run(suite));
await webBuild;
results.push(await run(journeys));

print("");
for (const { name, ok, seconds } of results)
  print(`${ok ? "ok    " : "FAILED"} ${name.padEnd(16)} ${seconds.toFixed(1).padStart(7)} s`);
for (const { name, ok, failures } of results)
  for (const { test, message } of failures) {
    print(ok ? `UNSTABLE ${name}: ${test} failed, and passed when it was run again` : `FAILED ${name}: ${test}`);
    print(`       ${message}`);
  }
const failed = results.filter((result) => !result.ok).length;
print(`suites: ${results.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

async function prepare(): Promise<void> {
  mkdirSync(tools, { recursive: true });
  rmSync(reports, { recursive: true, force: true });
  const missing = () => [...missingPackages(), ...testPrograms.filter(({ path }) => !existsSync(path)).map(({ name }) => name)];
  const packages = missing();
  if (packages.length > 0) {
    print(`installing ${packages.join(", ")}`);
    await installPackages(packages, join(root, ".switchyard", "apt-get.log"), new AbortController().signal);
    if (missing().length > 0) {
      print(`could not install ${missing().join(", ")}; .switchyard/apt-get.log says why. Install them and run npm test again.`);
      process.exit(1);
    }
  }
  // Debian's own kubectl (1.20), beside whatever kubectl the machine has: the conformance suite runs both.
  unpackDebian("kubernetes-client", debianKubectlFolder, "kubectl");
  // Debian's Prometheus has no discovery of Kubernetes; vmagent reads the same configuration.
  unpackDebian("victoria-metrics", "vmagent", "vmagent");
}

/** Unpacks a Debian package below .switchyard/tools without installing it. */
function unpackDebian(name: string, folder: string, program: string): void {
  const target = join(tools, folder);
  if (existsSync(join(target, "usr", "bin", program))) return;
  const script = 'rm -f "$1"_*.deb; apt-get download "$1" && dpkg -x "$1"_*.deb "$2" && rm "$1"_*.deb';
  const unpack = () => spawnSync("sh", ["-c", script, "sh", name, target], { cwd: tools, stdio: "ignore" }).status === 0;
  if (unpack()) return;
  spawnSync("apt-get", ["update"], { stdio: "ignore" });
  if (unpack()) return;
  rmSync(target, { recursive: true, force: true });
  print(`${name} could not be downloaded with apt-get: the conformance suite needs it. Check the package sources.`);
  process.exit(1);
}

async function run({ name, command, failuresOf, again }: Suite): Promise<Result> {
  const started = performance.now();
  const passes = async (words: string[]) => {
    print(`\n> ${words.join(" ")}`);
    const [program = "", ...args] = words;
    const env = { ...environment, PLAYWRIGHT_JSON_OUTPUT_FILE: reportOf(name) };
    return (await ended(spawn(join(bin, program), args, { cwd: root, env, stdio: "inherit" }))) === 0;
  };
  let ok = await passes(command);
  const failures = failuresOf?.(reportOf(name)) ?? [];
  const files = [...new Set(failures.map(({ file }) => file))];
  if (!ok && again && files.length > 0 && files.length <= mostFilesAgain) ok = await passes(again(files));
  return { name, ok, seconds: (performance.now() - started) / 1000, failures };
}

/**
 * Builds the web process in what the suites leave of the processor. When that fails, the start of the journeys builds it again and
 * says why.
 */
function buildWebMeanwhile(): Promise<number | null> {
  const script = join(root, "e2e", "build-web.ts");
  const log = join(root, ".switchyard", "web-build.log");
  const node = [process.execPath, "--disable-warning=ExperimentalWarning"];
  return ended(spawn("nice", ["-n", "19", ...node, script, log], { cwd: root, env: environment, stdio: "ignore" }));
}

/** Its exit code; null when it could not be started or was ended by a signal. */
function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once("error", () => resolve(null));
    child.once("exit", resolve);
  });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
