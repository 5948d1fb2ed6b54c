import { afterAll, beforeAll, expect, test } from "vitest";
import { watchFeeds } from "./feed-outages.ts";
import { createTarget } from "./targets.ts";
import { type NotificationWorld, startNotificationWorld } from "./test-world.ts";

let world: NotificationWorld;
const start = new Date("2026-11-21T03:00:00Z");

beforeAll(async () => {
  world = await startNotificationWorld();
});
afterAll(() => world?.drop());

test("a feed that does not answer for a minute is told of once for each outage, by however many controllers see it", async () => {
  const { db, clock } = world;
  await createTarget(world.as("admin"), {
    kind: "slack",
    name: "chat",
    filter: { events: ["feed-lost"] },
    settings: { url: "https://chat.example.org/hook" },
  });
  let isThere = false;
  const check = () => (isThere ? Promise.resolve() : Promise.reject(new Error("Prometheus answered with HTTP 502")));
  const prometheus = { id: "prometheus", name: "Prometheus", check };
  const fine = { id: "kubernetes", name: "The cluster", check: () => Promise.resolve() };
  async function at(seconds: number): Promise<string[]> {
    world.setClock(new Date(start.getTime() + seconds * 1000));
    await Promise.all([1, 2].map(() => watchFeeds({ db, clock }, [prometheus, fine])));
    const told = await db.notification.findMany({ orderBy: { createdAt: "asc" } });
    return told.map(({ title, payload }) => `${title}: ${(payload as { text: string }).text}`);
  }
  const sentence = (time: string) =>
    `Prometheus does not answer: Prometheus answered with HTTP 502. What Switchyard shows of it is from before ${time} UTC.`;
  const first = sentence("03:00");
  expect(await at(0)).toEqual([]);
  expect(await at(59)).toEqual([]);
  expect(await at(60)).toEqual([first]);
  expect(await at(3600)).toEqual([first]);
  isThere = true;
  expect(await at(3601)).toEqual([first]);
  isThere = false;
  expect(await at(3602)).toEqual([first]);
  expect(await at(3662)).toEqual([first, sentence("04:00")]);
});
