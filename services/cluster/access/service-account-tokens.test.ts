import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import { type KubeObject, resources } from "../api.ts";
import { MemoryCluster } from "../controllers/test/memory-cluster.ts";
import { openServiceAccountKey, type ServiceAccountKey } from "../pki/service-account-key.ts";
import { issuer, ServiceAccountTokens, type TokenBinding } from "./service-account-tokens.ts";
import { followTokenSecrets } from "./token-secrets.ts";

type Secret = KubeObject & { type?: string; data?: Record<string, string> };

let directory: string;
let key: ServiceAccountKey;
let cluster: MemoryCluster;
let tokens: ServiceAccountTokens;
let now = new Date("2026-01-01T00:00:00Z");
let binding: TokenBinding;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "switchyard-tokens-"));
  key = await openServiceAccountKey(directory);
});

afterAll(() => rm(directory, { recursive: true, force: true }));

beforeEach(async () => {
  now = new Date("2026-01-01T00:00:00Z");
  cluster = new MemoryCluster({ now: () => now });
  tokens = new ServiceAccountTokens(key, cluster, () => now);
  const make = (id: (typeof resources)["serviceAccounts" | "pods"], kind: string, name: string) =>
    cluster.create(id, { apiVersion: "v1", kind, metadata: { name, namespace: "a" } });
  const robot = await make(resources.serviceAccounts, "ServiceAccount", "robot");
  const pod = await make(resources.pods, "Pod", "p");
  binding = {
    namespace: "a",
    serviceaccount: { name: "robot", uid: robot.metadata.uid },
    pod: { name: "p", uid: pod.metadata.uid },
  };
});

describe("a token of a service account", () => {
  it("names the account, its groups and its pod", async () => {
    const { token, expiresAt } = await tokens.issue(binding, [issuer], 600);
    expect(expiresAt).toEqual(new Date("2026-01-01T00:10:00Z"));
    const verified = await tokens.verify(token, [issuer]);
    expect(verified?.user).toMatchObject({
      name: "system:serviceaccount:a:robot",
      uid: binding.serviceaccount.uid,
      groups: ["system:serviceaccounts", "system:serviceaccounts:a", "system:authenticated"],
      extra: { "authentication.kubernetes.io/pod-name": ["p"] },
    });
  });

  it("can be checked by others with the published keys", async () => {
    const { token } = await tokens.issue(binding, ["vault"], 600);
    const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: [key.jwk] }), {
      issuer,
      audience: "vault",
      currentDate: now,
    });
    expect(payload.sub).toBe("system:serviceaccount:a:robot");
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: "ES256", kid: key.keyId });
    expect(key.jwk.d).toBeUndefined();
  });

  it("ends with its time, also when it was seen before", async () => {
    const { token } = await tokens.issue(binding, [issuer], 600);
    expect(await tokens.verify(token, [issuer])).toBeDefined();
    now = new Date("2026-01-01T00:10:01Z");
    expect(await tokens.verify(token, [issuer])).toBeUndefined();
  });

  it("is good for its audience alone", async () => {
    const { token } = await tokens.issue(binding, ["vault"], 600);
    expect(await tokens.verify(token, [issuer])).toBeUndefined();
    expect((await tokens.verify(token, ["vault", "other"]))?.audiences).toEqual(["vault"]);
  });

  it("ends with its account, and does not come back with another one of the same name", async () => {
    const { token } = await tokens.issue(binding, [issuer], 600);
    await cluster.delete(resources.serviceAccounts, "a", "robot");
    expect(await tokens.verify(token, [issuer])).toBeUndefined();
    const metadata = { name: "robot", namespace: "a" };
    await cluster.create(resources.serviceAccounts, { apiVersion: "v1", kind: "ServiceAccount", metadata });
    expect(await tokens.verify(token, [issuer])).toBeUndefined();
  });

  it("ends with its pod", async () => {
    const { token } = await tokens.issue(binding, [issuer], 600);
    await cluster.delete(resources.pods, "a", "p", { gracePeriodSeconds: 0 });
    expect(await tokens.verify(token, [issuer])).toBeUndefined();
  });

  it("has an end, unless it is kept in a Secret and ends with that", async () => {
    const { token: endless } = await tokens.issue(binding, [issuer], undefined);
    expect(await tokens.verify(endless, [issuer])).toBeUndefined();
    const end = followTokenSecrets({ cluster, tokens, authority: "the authority", logger: createLogger("test", "silent") });
    await cluster.create<Secret>(resources.secrets, {
      apiVersion: "v1",
      kind: "Secret",
      type: "kubernetes.io/service-account-token",
      metadata: { name: "lasting", namespace: "a", annotations: { "kubernetes.io/service-account.name": "robot" } },
    });
    const secret = () => cluster.get<Secret>(resources.secrets, "a", "lasting");
    await vi.waitFor(() => expect(secret()?.data?.token).toBeDefined(), { timeout: 20_000 });
    const plain = (key: string) => Buffer.from(secret()?.data?.[key] ?? "", "base64").toString();
    expect([plain("namespace"), plain("ca.crt")]).toEqual(["a", "the authority"]);
    now = new Date("2027-01-01T00:00:00Z");
    const token = plain("token");
    expect((await tokens.verify(token, [issuer]))?.user.name).toBe("system:serviceaccount:a:robot");
    await cluster.delete(resources.serviceAccounts, "a", "robot");
    expect(await tokens.verify(token, [issuer])).toBeUndefined();
    await vi.waitFor(() => expect(secret()).toBeUndefined(), { timeout: 20_000 });
    end();
  });

  it("is refused when it was signed by another key, or not at all", async () => {
    const other = await mkdtemp(join(tmpdir(), "switchyard-tokens-"));
    const stranger = new ServiceAccountTokens(await openServiceAccountKey(other), cluster, () => now);
    const { token } = await stranger.issue(binding, [issuer], 600);
    expect(await tokens.verify(token, [issuer])).toBeUndefined();
    const [, payload] = token.split(".");
    const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.`;
    expect(await tokens.verify(unsigned, [issuer])).toBeUndefined();
    await rm(other, { recursive: true });
  });
});

describe("the key", () => {
  it("is kept for its owner alone, and is the same after a start", async () => {
    expect((await stat(join(directory, "sa.key"))).mode & 0o777).toBe(0o600);
    expect((await openServiceAccountKey(directory)).keyId).toBe(key.keyId);
  });
});
