import { defineConfig } from "@playwright/test";
import journeys from "./playwright.config.ts";

/** Journeys of many minutes: `npm run test:slow`. None is tried again: somebody watches. */
export default defineConfig({
  ...journeys,
  testDir: "./slow",
  retries: 0,
  projects: [
    { name: "slow", testMatch: "**/*.spec.ts", testIgnore: "**/restore.spec.ts" },
    // It loses what was acknowledged, and the alert that tells of it fires for minutes: nothing comes after it.
    { name: "loss", testMatch: "**/restore.spec.ts" },
  ],
});
