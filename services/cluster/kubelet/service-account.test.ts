import { beforeEach, describe, expect, it } from "vitest";
import { ApiError } from "../api-client.ts";
import type { Container, Pod } from "./pod.ts";
import { accessVolumeOf, PodTokens, wantsToken, withAccess } from "./service-account.ts";

const metadata = { name: "p", namespace: "n", uid: "u", resourceVersion: "1" };
const pod: Pod = { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [], serviceAccountName: "robot" } };

let nowMs: number;
let asked: { path: string; json: unknown }[];
let failure: Error | undefined;
const client = {
  async send<T>(path: string, { json }: { json: unknown }): Promise<T> {
    asked.push({ path, json });
    if (failure) throw failure;
    const expirationTimestamp = new Date(nowMs + 3_600_000).toISOString();
    return { status: { token: `token-${asked.length}`, expirationTimestamp } } as T;
  },
  async get<T>(): Promise<T> {
    if (failure) throw failure;
    return { automountServiceAccountToken: false } as T;
  },
};

beforeEach(() => {
  nowMs = Date.parse("2026-01-01T00:00:00Z");
  asked = [];
  failure = undefined;
});

describe("a pod's token", () => {
  it("is asked for once, bound to the pod, for each audience", async () => {
    const tokens = new PodTokens(client, pod, () => nowMs);
    expect([await tokens.get("a", 3600), await tokens.get("a", 3600), await tokens.get(undefined, 3600)]).toEqual([
      "token-1",
      "token-1",
      "token-2",
    ]);
    expect(asked[0]).toMatchObject({
      path: "/api/v1/namespaces/n/serviceaccounts/robot/token",
      json: {
        spec: {
          audiences: ["a"],
          expirationSeconds: 3600,
          boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "p", uid: "u" },
        },
      },
    });
  });

  it("is renewed when four fifths of its time are over", async () => {
    const tokens = new PodTokens(client, pod, () => nowMs);
    await tokens.get("a", 3600);
    nowMs += 0.79 * 3_600_000;
    expect(await tokens.get("a", 3600)).toBe("token-1");
    nowMs += 0.02 * 3_600_000;
    expect(await tokens.get("a", 3600)).toBe("token-2");
  });

  it("is used on while the API is away, but not beyond its end", async () => {
    const tokens = new PodTokens(client, pod, () => nowMs);
    await tokens.get("a", 3600);
    failure = new Error("connection refused");
    nowMs += 3_500_000;
    expect(await tokens.get("a", 3600)).toBe("token-1");
    nowMs += 200_000;
    await expect(tokens.get("a", 3600)).rejects.toThrow("failed to fetch token: connection refused");
  });
});

describe("a container's access to the API", () => {
  it("is as the pod says, else as its service account does", async () => {
    const withSetting = (automountServiceAccountToken: boolean) => ({
      ...pod,
      spec: { ...pod.spec, automountServiceAccountToken },
    });
    expect(await wantsToken(client, withSetting(true))).toBe(true);
    expect(await wantsToken(client, withSetting(false))).toBe(false);
    expect(await wantsToken(client, pod)).toBe(false);
    failure = new ApiError(404, "NotFound", "not found");
    await expect(wantsToken(client, pod)).rejects.toThrow('serviceaccount "robot" not found');
  });

  it("leaves alone what the manifest mounts there itself", () => {
    const volume = accessVolumeOf(pod.spec);
    const container: Container = { name: "c", image: "i" };
    const path = "/var/run/secrets/kubernetes.io/serviceaccount";
    expect(withAccess(container, volume).volumeMounts).toEqual([{ name: "kube-api-access", mountPath: path, readOnly: true }]);
    const own = { ...container, volumeMounts: [{ name: "mine", mountPath: `${path}/` }] };
    expect(withAccess(own, volume)).toBe(own);
    expect(withAccess(container, undefined)).toBe(container);
    expect(accessVolumeOf({ containers: [], volumes: [{ name: "kube-api-access" }] }).name).not.toBe("kube-api-access");
  });
});
