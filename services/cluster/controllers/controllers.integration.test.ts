import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import { Registry } from "../registry/registry.ts";
import { Store } from "../store/store.ts";
import { describeControllers } from "./test/scenarios.ts";

describe("on the API server's registry with its log on disk", () => {
  describeControllers(async (time) => {
    const directory = await mkdtemp(join(tmpdir(), "switchyard-controllers-"));
    const fail = (error: unknown) => {
      throw error;
    };
    const store = await Store.open({ directory, logger: createLogger("store-test", "silent"), onFailure: fail });
    const cluster = new Registry({ store, now: () => time.now() });
    return {
      cluster,
      async close() {
        await store.close();
        await rm(directory, { recursive: true });
      },
    };
  });
});
