import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type IncidentWorld, startIncidentWorld } from "../test-incidents.ts";
import { changeTimelineRow } from "./edit.ts";
import { addImage, getImage, imageLimits, pruneImages } from "./images.ts";
import { addNote } from "./notes.ts";

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

test("an incident has room for so much, and a day, too; the same picture again needs none", async () => {
  const { id } = await world.report();
  const paste = (rest: string, limits: Partial<typeof imageLimits>) =>
    addImage(world.context, id, picture(png, rest), { ...imageLimits, ...limits });
  await paste("one", {});
  const tight = { images: 1, bytes: 11, bytesADay: 0 };
  await paste("one", tight);
  for (const [name, limit] of Object.entries(tight)) {
    await expect(paste("two", { [name]: limit })).rejects.toMatchObject({ code: "precondition-failed" });
  }
  await paste("two", { images: 2, bytes: 22 });
});

test("a picture that nothing shows goes after 30 days, one of a hidden note 30 days after that", async () => {
  const { id } = await world.report();
  const paste = async (rest: string) => (await addImage(world.context, id, picture(png, rest))).address;
  const left = async () => {
    await pruneImages(world.db, world.now());
    return (await world.db.incidentImage.findMany({ where: { incidentId: id } })).map(({ id: one }) => one);
  };
  const idOf = (address: string) => address.split("/").at(-1);
  const [unshown, shown, hidden] = [await paste("a"), await paste("b"), await paste("c")];
  for (const address of [shown, hidden]) await addNote(world.context, id, { text: `![](${address})` });
  const row = (await world.detail(id)).timeline.find(({ message }) => message.includes(hidden));
  world.pass(29 * 86_400);
  await changeTimelineRow(world.context, id, row?.id ?? "", { isHidden: true, reason: "it shows a password" });
  expect(await left()).toContain(idOf(unshown));
  world.pass(2 * 86_400);
  expect((await left()).toSorted()).toEqual([idOf(shown), idOf(hidden)].toSorted());
  world.pass(30 * 86_400);
  expect(await left()).toEqual([idOf(shown)]);
});
