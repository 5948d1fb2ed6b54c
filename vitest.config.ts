import { defineConfig } from "vitest/config";

const exclude = ["node_modules/**", ".next/**", ".switchyard/**"];

export default defineConfig({
  test: {
    projects: [
      {
        // Pure tests: no network, no processes, no files outside a temporary folder.
        test: {
          name: "unit",
          include: ["{app,lib,prisma,services,e2e/bench,e2e/loss}/**/*.test.ts"],
          exclude: [...exclude, "**/*.integration.test.ts", "**/*.domain.test.ts"],
          // A quick test on a machine that is busy with something else.
          testTimeout: 30_000,
          // Most files take less time than loading their modules anew.
          isolate: false,
          maxWorkers: "100%",
        },
      },
      {
        // Components in a document of their own each, with the clocks and stores that their modules hold.
        test: { name: "components", include: ["app/**/*.test.tsx"], exclude, testTimeout: 30_000, maxWorkers: "100%" },
      },
      {
        // Real processes and sockets on loopback: the daemons and the local cluster.
        test: {
          name: "integration",
          include: ["{lib,services,deploy,e2e/loss}/**/*.integration.test.ts"],
          exclude,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // They wait for processes most of the time. Two at once at most: some of them count what a load costs.
          maxWorkers: 2,
          isolate: false,
        },
      },
      {
        // The product's rules on a real PostgreSQL.
        test: {
          name: "domain",
          include: ["{lib,services}/**/*.domain.test.ts"],
          exclude,
          globalSetup: ["./e2e/postgres.setup.ts"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          // Each file has a database of its own, and the modules need not be loaded anew for it.
          maxWorkers: 2,
          isolate: false,
        },
      },
      {
        // Real kubectl and the client library against the local cluster.
        test: {
          name: "conformance",
          include: ["e2e/conformance/**/*.test.ts"],
          exclude,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Two clusters at a time, each on a network of its own: most of their time is waiting.
          maxWorkers: 2,
        },
      },
      {
        // What takes many minutes; `npm run test:slow`.
        test: {
          name: "slow",
          include: ["e2e/slow/**/*.test.ts"],
          exclude,
          globalSetup: ["./e2e/postgres.setup.ts"],
          fileParallelism: false,
        },
      },
    ],
  },
});
