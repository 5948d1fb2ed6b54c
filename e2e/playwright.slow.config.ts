import { defineConfig } from "@playwright/test";
import journeys from "./playwright.config.ts";

/** Journeys of many minutes: `npm run test:slow`. */
export default defineConfig({ ...journeys, testDir: "./slow", testMatch: "**/*.spec.ts" });
