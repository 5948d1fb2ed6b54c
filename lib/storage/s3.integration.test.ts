import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStorage } from "./open-storage.ts";
import { parseStorageUrl } from "./settings.ts";
import { keysIn, killWriter, readAll, someBytes, testStorage } from "./test-contract.ts";
import { type Swift, startSwift } from "./test-swift.ts";

let swift: Swift;
beforeAll(async () => {
  swift = await startSwift();
});
afterAll(() => swift?.stop());

testStorage("an S3-compatible store", async () => ({
  storage: await swift.makeStorage("contract", "switchyard/prod"),
  countUnfinished: () => swift.countUploads("contract"),
}));

test("storages of two prefixes in one bucket do not see each other", async () => {
  const one = await swift.makeStorage("shared", "one");
  const two = openStorage(parseStorageUrl(`s3://shared/two?endpoint=${swift.endpoint}`, swift.credentials));
  await one.put("archive", someBytes(5));
  expect(await two.find("archive")).toBeNull();
  for await (const object of two.list("")) expect.unreachable(`sees ${object.key}`);
});

test.each([
  [
    "a key that the store does not know",
    { bucket: "contract", secretAccessKey: "hunter2" },
    "refused",
    "It refuses the key (SignatureDoesNotMatch)",
  ],
  ["a bucket that is not there", { bucket: "nobucket", secretAccessKey: "testing" }, "refused", "There is no such bucket"],
])("%s is told in a sentence without secrets", async (_case, { bucket, secretAccessKey }, code, message) => {
  const settings = parseStorageUrl(`s3://${bucket}?endpoint=${swift.endpoint}`, { ...swift.credentials, secretAccessKey });
  const error: unknown = await openStorage(settings)
    .put("a", someBytes(1))
    .catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
  expect(String(error)).not.toContain("hunter2");
});

test("a store that does not answer is unavailable", async () => {
  const storage = openStorage(parseStorageUrl("s3://contract?endpoint=http://127.0.0.1:1", swift.credentials));
  await expect(storage.find("a")).rejects.toMatchObject({ code: "unavailable" });
});

test("a connection that breaks while an object is read is taken up where it broke", async () => {
  const direct = await swift.makeStorage("broken");
  const wanted = await readAll(someBytes(20_000_000));
  await direct.put("archive", someBytes(20_000_000));
  let cuts = 0;
  // Cuts every long answer after 3 MB, until it has done so four times.
  const proxy = createServer((client: Socket) => {
    const server = connect(Number(new URL(swift.endpoint).port), "127.0.0.1");
    let passed = 0;
    server.on("data", (chunk: Buffer) => {
      passed += chunk.length;
      if (cuts < 4 && passed > 3_000_000) {
        cuts += 1;
        client.destroy();
        server.destroy();
      } else if (!client.write(chunk)) {
        server.pause();
        client.once("drain", () => server.resume());
      }
    });
    client.pipe(server);
    for (const socket of [client, server]) socket.on("error", () => undefined);
    client.on("close", () => server.destroy());
    server.on("close", () => client.end());
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  try {
    const { port } = proxy.address() as { port: number };
    const storage = openStorage(parseStorageUrl(`s3://broken?endpoint=http://127.0.0.1:${port}`, swift.credentials));
    expect((await readAll(await storage.get("archive"))).equals(wanted)).toBe(true);
    expect(cuts).toBe(4);
  } finally {
    proxy.close();
  }
});

test("an upload whose writer is killed with -9 is not visible, and is taken back", async () => {
  const storage = await swift.makeStorage("killed", "prod");
  await storage.put("former", someBytes(10));
  const begunAt = new Date();

  await killWriter(`s3://killed/prod?endpoint=${swift.endpoint}`, "former", swift.credentials);

  expect(await readAll(await storage.get("former"))).toHaveLength(10);
  expect(await swift.countUploads("killed")).toBe(1);
  expect(await storage.removeUnfinished(new Date(begunAt.getTime() - 1000))).toBe(0);
  expect(await storage.removeUnfinished(new Date(Date.now() + 1000))).toBe(1);
  expect(await swift.countUploads("killed")).toBe(0);
  expect(await keysIn(storage, "")).toEqual(["former"]);
});
