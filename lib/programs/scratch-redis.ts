/** A Redis of one's own on loopback that holds what is in an RDB. Nothing in it expires by itself. */
export type ScratchRedis = {
  /** With its password. */
  url: string;
  version: string;
  /** Stops it and removes all of it. */
  stop(): Promise<void>;
};

export type ScratchRedisOptions = {
  workDir: string;
  /** What it loads; an empty one by default. */
  rdb?: AsyncIterable<Uint8Array>;
  signal?: AbortSignal;
};

/** Starts a Redis in a temporary folder. Throws an Error with a sentence when it cannot load the RDB, or is not installed. */
export declare function startScratchRedis(options: ScratchRedisOptions): Promise<ScratchRedis>;
