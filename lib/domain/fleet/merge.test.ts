import { expect, test } from "vitest";
import { merge } from "./merge.ts";

async function* count(name: string, to: number, onEnd = () => {}) {
  try {
    for (let index = 1; index <= to; index += 1) yield `${name}${index}`;
  } finally {
    onEnd();
  }
}

async function collect(source: AsyncIterable<string>) {
  const items: string[] = [];
  for await (const item of source) items.push(item);
  return items;
}

test("all items come, each source's in its own order", async () => {
  const items = await collect(merge([count("a", 1000), count("b", 3), count("c", 0)]));
  expect(items).toHaveLength(1003);
  expect(items.filter((item) => item.startsWith("b"))).toEqual(["b1", "b2", "b3"]);
});

test("a source is held back while nobody reads", async () => {
  let made = 0;
  async function* endless() {
    for (;;) {
      made += 1;
      yield `${made}`;
    }
  }
  const merged = merge([endless()]);
  await merged.next();
  await new Promise((resolve) => setImmediate(resolve));
  expect(made).toBeLessThanOrEqual(258);
  await merged.return(undefined);
});

test("leaving early returns the sources, and a source that throws ends the merge", async () => {
  let ended = 0;
  for await (const _ of merge([count("a", 1_000_000, () => (ended += 1))])) break;
  await new Promise((resolve) => setImmediate(resolve));
  expect(ended).toBe(1);
  async function* broken(): AsyncGenerator<string> {
    yield "first";
    throw new Error("cut");
  }
  await expect(collect(merge([broken()]))).rejects.toThrow("cut");
});
