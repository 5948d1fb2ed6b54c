import { globSync } from "node:fs";
import { expect, test } from "@playwright/test";
import { logIn } from "../log-in.ts";
import { system } from "../system.ts";

const nobody = { storageState: { cookies: [], origins: [] } };
const open = ["/api/health", "/api/ready"];

test.describe("without a session", () => {
  test.use(nobody);

  test("every page leads to the login, and back after it", async ({ page }) => {
    for (const path of ["/", "/fleet", "/fleet/fleet/relay", "/rollouts", "/audit", "/settings"]) {
      await page.goto(path);
      expect(new URL(page.url()).pathname, path).toBe("/login");
    }
    await page.goto("/fleet/fleet/relay?tab=events");
    await page.getByLabel("Name").fill("admin");
    await page.getByLabel("Password").fill(process.env.SWITCHYARD_E2E_PASSWORD ?? "");
    await page.getByRole("button", { name: "Log in" }).click();
    await expect(page).toHaveURL(/\/fleet\/fleet\/relay\?tab=events/);
  });

  test("every route but the health endpoints answers 401 as problem+json", async ({ request }) => {
    const routes = globSync("app/api/**/route.ts")
      .map((file) => file.replace(/^app/, "").replace(/\/route\.ts$/, ""))
      .filter((route) => !route.includes("[...nextauth]"))
      .map((route) =>
        route.replace("[namespace]", "fleet").replace("[name]", "relay").replace("[verb]", "scale").replace("[id]", "x"),
      );
    expect(routes.length).toBeGreaterThan(15);
    for (const route of routes) {
      const answer = await request.get(route);
      if (open.includes(route)) expect(answer.status(), route).toBe(200);
      else {
        expect(answer.status(), route).toBe(401);
        expect(answer.headers()["content-type"], route).toContain("application/problem+json");
      }
    }
  });

  test("a wrong password is refused in words, and after a few tries so is the right one", async ({ page }) => {
    await page.goto("/login");
    for (let attempt = 0; attempt < 6; attempt += 1) {
      await page.getByLabel("Name").fill("nobody-here");
      await page.getByLabel("Password").fill("wrong password");
      await page.getByRole("button", { name: "Log in" }).click();
      await expect(page.getByRole("alert").filter({ hasText: /./ }).first()).toBeVisible();
      await expect(page.getByRole("button", { name: "Log in" })).toBeEnabled();
    }
    await expect(page.getByText(/too many/i)).toBeVisible();
  });
});

test("the security headers are strict", async ({ request }) => {
  const headers = (await request.get("/fleet")).headers();
  expect(headers["content-security-policy"]).toMatch(/script-src[^;]*'nonce-/);
  expect(headers["content-security-policy"]).not.toMatch(/script-src[^;]*'unsafe-inline'/);
  expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
  expect(headers["x-content-type-options"]).toBe("nosniff");
});

test("a changing request from a foreign origin is refused", async ({ request }) => {
  const answer = await request.post("/api/tokens", {
    data: { name: "stolen", role: "admin", expiresInDays: 1 },
    headers: { Origin: "https://evil.example" },
  });
  expect(answer.status()).toBe(403);
});

test("a token made in Settings opens the API with its role, until it is revoked", async ({ page, playwright }) => {
  await page.goto("/settings");
  const made = await page.request.post("/api/tokens", {
    data: { name: "journey", role: "viewer", expiresInDays: 1 },
    headers: { Origin: system.url },
  });
  expect(made.status()).toBe(201);
  const { token, secret } = await made.json();
  const api = await playwright.request.newContext({
    baseURL: system.url,
    extraHTTPHeaders: { Authorization: `Bearer ${secret}` },
    storageState: nobody.storageState,
  });
  expect((await api.get("/api/services")).status()).toBe(200);
  const scaled = await api.post("/api/services/fleet/relay/actions/scale", {
    data: { replicas: 9, reason: "a viewer may not", seen: { uid: "x", replicas: 3 } },
    headers: { "Idempotency-Key": "viewer-1" },
  });
  expect(scaled.status()).toBe(403);
  const revoked = await page.request.delete(`/api/tokens/${token.id}`, { headers: { Origin: system.url } });
  expect(revoked.ok()).toBe(true);
  expect((await api.get("/api/services")).status()).toBe(401);
});

test("a viewer sees the actions disabled with the reason", async ({ page, browser }) => {
  const viewer = { username: "viewer-journey", name: "Vera Viewer", role: "viewer", password: "correct horse battery" };
  const made = await page.request.post("/api/users", { data: viewer, headers: { Origin: system.url } });
  expect([201, 409, 422]).toContain(made.status());
  const context = await browser.newContext({ baseURL: system.url, ...nobody });
  const seen = await context.newPage();
  await logIn(seen, viewer);
  await seen.goto("/fleet/fleet/relay");
  const scale = seen.getByRole("button", { name: "Scale", exact: true });
  await expect(scale).toHaveAttribute("aria-disabled", "true");
  // The first hover may come before the page has its scripts.
  await expect(async () => {
    await seen.mouse.move(0, 0);
    await scale.hover();
    await expect(seen.getByRole("tooltip")).toContainText(/operator/i, { timeout: 2_000 });
  }).toPass({ timeout: 30_000 });
  await context.close();
});
