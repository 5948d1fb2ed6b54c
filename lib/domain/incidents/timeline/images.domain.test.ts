import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type IncidentWorld, startIncidentWorld } from "../test-incidents.ts";
import { addImage, getImage } from "./images.ts";

let world: IncidentWorld;
beforeAll(async () => {
  world = await startIncidentWorld();
});
afterAll(() => world?.drop());

/** The beginning of a picture, and something after it. */
const picture = (begin: string, rest = "pixels") => Buffer.from(begin + rest, "latin1");
const png = "\x89PNG\r\n\x1a\n";

test("a pasted picture is kept once and given back as it came, as what it is", async () => {
  const { id } = await world.report();
  const bytes = picture(png, "\0\xff pixels");
  const [first, second] = await Promise.all([addImage(world.context, id, bytes), addImage(world.as("mihai"), id, bytes)]);
  expect(second).toEqual(first);
  expect(first.address).toBe(`/api/incidents/${id}/images/${first.id}`);
  const kept = await getImage(world.as("vera", "viewer"), id, first.id);
  expect(kept.type).toBe("image/png");
  expect(Buffer.from(kept.bytes).equals(bytes)).toBe(true);
  expect(await world.db.auditEntry.findMany({ where: { targetUid: id, verb: "paste" } })).toMatchObject([
    { after: { type: "image/png", size: bytes.length } },
  ]);
});

test.each([
  ["image/jpeg", "\xff\xd8\xff\xe0"],
  ["image/gif", "GIF89a"],
  ["image/webp", "RIFF\x10\0\0\0WEBP"],
])("%s is told by its first bytes", async (type, begin) => {
  const { id } = await world.report();
  const { id: imageId } = await addImage(world.context, id, picture(begin));
  expect((await getImage(world.context, id, imageId)).type).toBe(type);
});

test.each<[string, unknown]>([
  ["a drawing that could run scripts", Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>')],
  ["a page", Buffer.from("<!doctype html>")],
  ["nothing", undefined],
  ["JSON", { type: "image/png" }],
])("%s is no picture", async (_, body) => {
  const { id } = await world.report();
  await expect(addImage(world.context, id, body)).rejects.toMatchObject({ code: "invalid-input" });
});

test("a picture is found under its own incident only; viewers paste none", async () => {
  const [one, other] = [await world.report(), await world.report()];
  const { id: imageId } = await addImage(world.context, one.id, picture(png));
  await expect(getImage(world.context, other.id, imageId)).rejects.toMatchObject({ code: "not-found" });
  await expect(addImage(world.context, randomUUID(), picture(png))).rejects.toMatchObject({ code: "not-found" });
  await expect(addImage(world.as("vera", "viewer"), one.id, picture(png))).rejects.toMatchObject({ code: "not-permitted" });
});
