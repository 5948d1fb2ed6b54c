import { chromium } from "@playwright/test";
import { logIn } from "./log-in.ts";
import { startSystem, system } from "./system.ts";

/** Starts a fresh system for all journeys and logs the administrator in; ends it after them. */
export default async function setup(): Promise<() => Promise<void>> {
  const started = await startSystem({ fresh: true });
  process.stdout.write(started.output());
  try {
    await keepSession(started.password);
  } catch (error) {
    await started.stop();
    throw error;
  }
  return async () => {
    const code = await started.stop();
    if (code !== 0) throw new Error(`The launcher ended with ${code}:\n${started.output()}`);
  };
}

async function keepSession(password: string | undefined): Promise<void> {
  if (!password) throw new Error("The first start printed no administrator's password.");
  process.env.SWITCHYARD_E2E_PASSWORD = password;
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium", args });
  const context = await browser.newContext({ baseURL: system.url });
  await logIn(await context.newPage(), { username: "admin", password });
  await context.storageState({ path: ".switchyard/e2e-session.json" });
  await browser.close();
}
