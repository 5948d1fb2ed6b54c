import { isIP } from "node:net";
import { Redis } from "ioredis";
import { DomainError } from "../../errors.ts";

/** A Redis with credentials (redis:// or rediss://, database number ignored: all are saved), and where to dial when its name means nothing here. */
export type RedisAddress = { url: string; host?: string };

const connectTimeoutMs = 3_000;

/** HOST:PORT, without credentials. */
export function redisName({ url }: RedisAddress): string {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port || "6379"}`;
}

/** Runs commands on a connection of their own to database 0. Throws precondition-failed when the server cannot be reached. */
export async function withRedis<T>(address: RedisAddress, run: (redis: Redis) => Promise<T>): Promise<T> {
  const { hostname, port, username, password, protocol } = new URL(address.url);
  const redis = new Redis({
    host: address.host ?? hostname,
    port: Number(port || "6379"),
    username: decodeURIComponent(username) || undefined,
    password: decodeURIComponent(password) || undefined,
    tls: protocol === "rediss:" ? { servername: isIP(hostname) === 0 ? hostname : undefined } : undefined,
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    maxRetriesPerRequest: 0,
    // One that is cut in the middle of its work is not to begin again elsewhere in it.
    retryStrategy: null,
  });
  let lastError: Error | undefined;
  redis.on("error", (error: Error) => {
    lastError = error;
  });
  try {
    await redis.connect().catch((error: Error) => {
      const message = (lastError ?? error).message;
      throw new DomainError(
        "precondition-failed",
        `Redis ${redisName(address)} does not answer: ${message}`,
        {},
        { cause: error },
      );
    });
    return await run(redis);
  } finally {
    redis.disconnect();
  }
}

/** Keys by database, those in which there are any. `expiring`: how many of the keys have an expiry. */
export async function readKeyspace(redis: Redis): Promise<{ index: number; keys: number; expiring: number }[]> {
  const text = await redis.info("keyspace");
  return [...text.matchAll(/^db(\d+):keys=(\d+),expires=(\d+)/gm)].map(([, index, keys, expires]) => ({
    index: Number(index),
    keys: Number(keys),
    expiring: Number(expires),
  }));
}

/** One figure of INFO; undefined where this server has none. */
export async function readInfo(redis: Redis, section: string): Promise<(name: string) => string | undefined> {
  const text = await redis.info(section);
  return (name) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(text)?.[1];
}

/** redis-cli's arguments and environment for a server: its password is in no argument. */
export function redisCli({ url, host }: RedisAddress): { args: string[]; env: Record<string, string> } {
  const { hostname, port, username, password, protocol } = new URL(url);
  const user = decodeURIComponent(username);
  const tls = protocol === "rediss:" ? ["--tls", ...(isIP(hostname) === 0 ? ["--sni", hostname] : [])] : [];
  return {
    args: ["-h", host ?? hostname, "-p", port || "6379", ...(user ? ["--user", user] : []), ...tls],
    env: password ? { REDISCLI_AUTH: decodeURIComponent(password) } : {},
  };
}
