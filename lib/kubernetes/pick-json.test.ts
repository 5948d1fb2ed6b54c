import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JsonPicker, type Shape } from "./pick-json.ts";

const shape: Shape = {
  type: true,
  object: {
    metadata: { name: true, uid: true, labels: "shared" },
    spec: { containers: { name: true, image: true } },
    status: true,
  },
};

/** What the picker has to give, said with JSON.parse. */
function expected(text: string, of: Shape = shape): unknown {
  return pruned(JSON.parse(text), of);
}

function pruned(value: unknown, of: true | "shared" | Shape): unknown {
  if (typeof of !== "object" || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => pruned(item, of));
  const members = Object.entries(value).filter(([key]) => Object.hasOwn(of, key));
  return Object.fromEntries(members.map(([key, member]) => [key, pruned(member, of[key] ?? true)]));
}

function pick(text: string, of: Shape = shape): unknown {
  return new JsonPicker(of).pick(Buffer.from(text));
}

// Keys and texts that look like those that are sought, like the syntax around them, and like what ends them.
const hostileText = fc.oneof(
  fc.constantFrom(
    ...["type", "object", "metadata", "name", "uid", "labels", "spec", "containers", "image", "status", "items", "__proto__"],
    ...['"', "\\", '\\"', '"}', '{"name":"x"}', '","uid":"y', "}]},", "\u0000", "\u2028", "é", "漢字", "🚢", "\ud800"],
  ),
  fc.string({ unit: "binary", maxLength: 8 }),
);
// JSON.parse of Node 24 reads any escaped key of one character as a backslash once an object had that key in its place.
const hostileKey = hostileText.filter((text) => text !== "\\");
const hostileValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    hostileText,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(null, true, false, 0, -1, 1e21, {}, []),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(hostileKey, tie("value"), { maxKeys: 5 }),
  ),
})).value;
const hostileObject = fc.record(
  {
    type: hostileValue,
    other: hostileValue,
    object: fc.oneof(
      hostileValue,
      fc.record(
        {
          decoy: hostileValue,
          metadata: fc.oneof(hostileValue, fc.record({ managedFields: hostileValue, name: hostileValue, labels: hostileValue })),
          spec: fc.record({
            containers: fc.array(fc.oneof(hostileValue, fc.record({ name: hostileText, image: hostileValue }))),
          }),
          status: hostileValue,
        },
        { requiredKeys: [] },
      ),
    ),
  },
  { requiredKeys: [] },
);
const space = fc.constantFrom(undefined, 1, "\t", "\n \r");
const asText = fc.tuple(hostileObject, space).map(([value, indent]) => JSON.stringify(value, null, indent));

describe("the picked parts of a text", () => {
  test("are what JSON.parse gives of them, whatever keys, escapes and nesting stand around", () => {
    fc.assert(
      fc.property(asText, (text) => {
        expect(pick(text)).toEqual(expected(text));
      }),
      { numRuns: 3000 },
    );
  });

  test("are the same when every character of the keys and texts is written as an escape", () => {
    const escaped = (text: string) =>
      text.replace(/"((?:[^"\\]|\\.)*)"/g, (_, inside: string) =>
        inside.includes("\\") ? `"${inside}"` : `"${[...inside].map((one) => escapeOf(one)).join("")}"`,
      );
    fc.assert(
      fc.property(asText, (text) => {
        expect(pick(escaped(text))).toEqual(expected(text));
      }),
    );
  });

  test("take the last of a member that comes twice, as JSON.parse does", () => {
    const text = '{"type":"a","object":{"metadata":{"name":"first"}},"type":"b","object":{"metadata":{"name":"second"}}}';
    expect(pick(text)).toEqual(expected(text));
  });

  test("never come of a text that ends early", () => {
    fc.assert(
      fc.property(asText, fc.nat(), (text, cut) => {
        const shorter = Buffer.from(text).subarray(0, cut % Buffer.byteLength(text));
        expect(() => new JsonPicker(shape).pick(shorter)).toThrow(SyntaxError);
      }),
      { numRuns: 1000 },
    );
  });

  test("are found in the middle of other bytes", () => {
    const text = '{"type":"a","object":{"status":{"x":1}}}';
    const bytes = Buffer.from(`}}]"${text}]"{`);
    expect(new JsonPicker(shape).pick(bytes, 4, 4 + text.length)).toEqual(expected(text));
  });

  test("that are shared are one object for equal texts and another for others", () => {
    const picker = new JsonPicker(shape);
    const labelsOf = (app: string) =>
      (
        picker.pick(Buffer.from(`{"object":{"metadata":{"labels":{"app":"${app}"}}}}`)) as {
          object: { metadata: { labels: object } };
        }
      ).object.metadata.labels;
    expect(labelsOf("relay")).toBe(labelsOf("relay"));
    expect(labelsOf("hub")).toEqual({ app: "hub" });
  });
});

describe("the beginning of a text", () => {
  const beginning: Shape = { type: true, object: { metadata: { name: true, uid: true } } };

  test("is read to the last wanted member and no further", () => {
    const bytes = Buffer.from('{"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"a","uid":"b","labels":{"x');
    expect(new JsonPicker(beginning).pickBeginning(bytes, 0, bytes.length)).toEqual({
      type: "ADDED",
      object: { metadata: { name: "a", uid: "b" } },
    });
  });

  test("is the whole where a wanted member is missing", () => {
    fc.assert(
      fc.property(asText, (text) => {
        const bytes = Buffer.from(text.replaceAll('"uid"', '"else"'));
        expect(new JsonPicker({ missing: true, type: true }).pickBeginning(bytes, 0, bytes.length)).toEqual(
          expected(bytes.toString(), { missing: true, type: true }),
        );
      }),
    );
  });
});

describe("the elements of a list", () => {
  const list: Shape = { metadata: { resourceVersion: true }, items: { metadata: { name: true }, status: true } };

  test("come one by one, and the rest at the end", () => {
    fc.assert(
      fc.property(fc.array(hostileObject), hostileValue, space, (items, resourceVersion, indent) => {
        const value = { items, metadata: { resourceVersion, other: items }, kind: "PodList" };
        const text = JSON.stringify(value, null, indent);
        const picked: unknown[] = [];
        const reading = new JsonPicker(list).pickEach(Buffer.from(text), "items");
        let step = reading.next();
        for (; !step.done; step = reading.next()) picked.push(step.value);
        expect({ ...(step.value as object), items: picked }).toEqual(expected(text, list));
      }),
    );
  });

  test("that end early are an error", () => {
    const reading = new JsonPicker(list).pickEach(Buffer.from('{"items":[{"status":1},{"status":'), "items");
    expect(() => [...reading]).toThrow(SyntaxError);
  });
});

function escapeOf(text: string): string {
  return [...Array(text.length).keys()].map((index) => `\\u${text.charCodeAt(index).toString(16).padStart(4, "0")}`).join("");
}
