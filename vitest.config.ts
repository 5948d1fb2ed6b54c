import { globSync, readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";

const exclude = ["node_modules/**", ".next/**", ".switchyard/**"];

const components = globSync("app/**/*.test.tsx");
/** A file that puts something in the place of modules or of the clock needs modules of its own; the others share theirs. */
const replacing = components.filter((file) => /vi\.(mock|useFakeTimers)\(/.test(readFileSync(file, "utf8")));

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
        // Components, in a document of each file's own.
        test: {
          name: "components",
          include: components.filter((file) => !replacing.includes(file)),
          setupFiles: ["./app/ui/test-setup.tsx"],
          testTimeout: 30_000,
          isolate: false,
          maxWorkers: "100%",
        },
      },
      {
        test: {
          name: "components-alone",
          include: replacing,
          setupFiles: ["./app/ui/test-setup.tsx"],
          testTimeout: 30_000,
          maxWorkers: "100%",
        },
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
