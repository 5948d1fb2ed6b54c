import { describe } from "vitest";
import { MemoryCluster } from "./test/memory-cluster.ts";
import { describeControllers } from "./test/scenarios.ts";

describe("on a cluster in memory", () => {
  describeControllers(async (time) => ({ cluster: new MemoryCluster(time), close: async () => {} }));
});
