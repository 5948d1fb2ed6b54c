import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inClusterAccess, readKubeconfig } from "./cluster-access.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "switchyard-access-"));
  for (const name of ["ca.crt", "client.crt", "client.key"]) writeFileSync(join(folder, name), `the ${name}`);
  writeFileSync(join(folder, "token"), "of-the-account\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const base64 = (text: string) => Buffer.from(text).toString("base64");

function writeConfig(cluster: object, user: object | null): string {
  const file = join(folder, "config");
  const document = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "one",
    clusters: [
      { name: "another", cluster: { server: "https://another" } },
      { name: "c", cluster: { server: "https://127.0.0.1:6443/", ...cluster } },
    ],
    users: [{ name: "u", user }],
    contexts: [{ name: "one", context: { cluster: "c", user: "u", namespace: "fleet" } }],
  };
  writeFileSync(file, JSON.stringify(document));
  return file;
}

/** What client-node makes of the same file. */
async function byClientNode(file: string): Promise<RequestOptions> {
  const config = new KubeConfig();
  config.loadFromFile(file);
  return applied(config);
}

async function applied(access: Pick<KubeConfig, "applyToHTTPSOptions">): Promise<RequestOptions> {
  const options: RequestOptions = {};
  await access.applyToHTTPSOptions(options);
  const { agent: _, ...rest } = options;
  return { ...rest, headers: { ...options.headers } };
}

describe("a kubeconfig", () => {
  test.each([
    ["a token", { "certificate-authority-data": base64("ca") }, { token: "t" }],
    [
      "certificates",
      { "certificate-authority-data": base64("ca") },
      { "client-certificate-data": base64("crt"), "client-key-data": base64("key") },
    ],
    [
      "files beside it",
      { "certificate-authority": "ca.crt" },
      { "client-certificate": "client.crt", "client-key": "client.key" },
    ],
    ["a password", {}, { username: "ada", password: "pass:word" }],
    ["no verification", { "insecure-skip-tls-verify": true, "tls-server-name": "api.example" }, { token: "t" }],
    ["somebody else's name", {}, { token: "t", as: "bob" }],
    ["nothing", {}, {}],
    ["no user", {}, null],
  ])("with %s is read as client-node reads it", async (_case, cluster, user) => {
    const file = writeConfig(cluster, user);
    const access = readKubeconfig(file);
    expect(await applied(access)).toEqual(await byClientNode(file));
    expect(access.getCurrentCluster()).toEqual({ server: "https://127.0.0.1:6443" });
  });

  test("with a program that gives tokens, or behind a proxy, is left to client-node", async () => {
    const token = { apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status: { token: "made" } };
    const exec = { apiVersion: token.apiVersion, command: "echo", args: [JSON.stringify(token)], interactiveMode: "Never" };
    const options = await applied(readKubeconfig(writeConfig({}, { exec })));
    expect(options.headers).toMatchObject({ Authorization: "Bearer made" });
    const proxied = readKubeconfig(writeConfig({ "proxy-url": "http://127.0.0.1:3128" }, { token: "t" }));
    expect(proxied.getCurrentCluster()).toMatchObject({ proxyUrl: "http://127.0.0.1:3128" });
    const behind: RequestOptions = {};
    await proxied.applyToHTTPSOptions(behind);
    expect(behind.agent?.constructor.name).toBe("HttpsProxyAgent");
  });

  test("that names no current cluster is refused with its name", () => {
    const file = join(folder, "empty");
    writeFileSync(file, "apiVersion: v1\nkind: Config\n");
    expect(() => readKubeconfig(file)).toThrow(`${file} names no current cluster`);
  });
});

test("in a pod the service account's token is sent, and trust is its authority", async () => {
  const access = inClusterAccess({ KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "6443" }, folder);
  expect(access.getCurrentCluster()).toEqual({ server: "https://[fd00::1]:6443" });
  expect(await applied(access)).toEqual({
    ca: Buffer.from("the ca.crt"),
    headers: { Authorization: "Bearer of-the-account" },
  });
});
