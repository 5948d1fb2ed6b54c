import { defineConfig } from "@playwright/test";
import journeys from "./playwright.config.ts";

/** Journeys of many minutes: `npm run test:slow`. None is tried again: somebody watches. */
export default defineConfig({ ...journeys, testDir: "./slow", testMatch: "**/*.spec.ts", retries: 0 });
