import { type ApiClient, ApiError } from "../api-client.ts";
import type { Lookup } from "./environment.ts";

type ConfigMap = { data?: Record<string, string>; binaryData?: Record<string, string> };
type Secret = { data?: Record<string, string> };

/** Reads ConfigMaps and Secrets of a namespace when they are needed: nothing of them stays in the kubelet's memory. */
export function configurationOf(client: Pick<ApiClient, "get">, namespace: string): Lookup {
  return async (kind, name) => {
    const path = `/api/v1/namespaces/${namespace}/${kind === "secret" ? "secrets" : "configmaps"}/${encodeURIComponent(name)}`;
    try {
      const object = await client.get<ConfigMap & Secret>(path);
      if (kind === "secret") return decode(object.data, "base64");
      return { ...decode(object.data, "utf8"), ...decode(object.binaryData, "base64") };
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
  };
}

function decode(data: Record<string, string> | undefined, encoding: "base64" | "utf8"): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, encoding)]));
}
