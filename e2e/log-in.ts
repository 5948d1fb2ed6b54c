import type { APIRequestContext, Page } from "@playwright/test";

type Person = { username: string; password: string };

/** Logs in by the form and waits for the first page. */
export async function logIn(page: Page, person: Person): Promise<void> {
  await page.goto("/login");
  await page.getByLabel("Name").fill(person.username);
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.waitForURL((url) => !url.pathname.startsWith("/login"));
}

/** Logs in without a browser: the session is in the cookies of `request` from then on. */
export async function logInByApi(request: APIRequestContext, person: Person): Promise<void> {
  const { csrfToken } = await (await request.get("/api/auth/csrf")).json();
  const form = { ...person, csrfToken, json: "true" };
  const answer = await request.post("/api/auth/callback/credentials", { form });
  if (!answer.ok()) throw new Error(`${person.username} could not be logged in (${answer.status()}): is the password right?`);
}
