import { defineConfig } from "@playwright/test";
import { system } from "./system.ts";

export default defineConfig({
  testDir: "./journeys",
  outputDir: "../test-results",
  globalSetup: "./journeys.setup.ts",
  // The journeys change one shared fleet: one after the other.
  workers: 1,
  // One that passes then is named by `npm test` as unstable.
  retries: 1,
  fullyParallel: false,
  timeout: 180_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  use: {
    baseURL: system.url,
    viewport: { width: 1440, height: 900 },
    storageState: ".switchyard/e2e-session.json",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
      args: [
        ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
