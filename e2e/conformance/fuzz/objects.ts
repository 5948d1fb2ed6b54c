import types from "#services/cluster/schema/types.json" with { type: "json" };
import type { Random } from "./random.ts";

type Fields = Record<string, string>;
const fieldsByType = types as Record<string, Fields>;

const deep = (depth: number): unknown => {
  let value: unknown = {};
  for (let level = 0; level < depth; level += 1) value = level % 2 ? [value] : { a: value };
  return value;
};

/** Values that no field wants, or that are at the edge of what one takes. */
const oddities: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 31,
  2 ** 53,
  -(2 ** 63),
  1e308,
  Number.MIN_VALUE,
  "",
  " ",
  "0",
  "-1",
  "1e999999",
  "999999999999999999999999Gi",
  "NaN",
  "__proto__",
  "constructor",
  "../../etc/passwd",
  "a".repeat(300),
  "A_b.c",
  "\u0000",
  "\ud800",
  "𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
  "2026-13-45T99:99:99Z",
  "not base64 !",
  [],
  [null],
  [[]],
  [{}],
  [1, "a", null, {}],
  {},
  { "": "" },
  { $patch: "delete" },
  { "a/b/c": null },
  JSON.parse('{"__proto__": {"polluted": "yes"}}'),
  JSON.parse('{"constructor": {"prototype": {"polluted": "yes"}}}'),
  deep(40),
  deep(3000),
];

export function oddity(random: Random): unknown {
  const value = random.pick(oddities);
  return typeof value === "object" && value !== null ? (JSON.parse(JSON.stringify(value)) as unknown) : value;
}

/** An object of a type that a server might take, with some of its fields. */
export function plausible(random: Random, type: string, depth = 0): unknown {
  if (type.startsWith("[]")) {
    const count = depth > 7 ? 0 : random.below(3);
    return Array.from({ length: count }, () => plausible(random, type.slice(2), depth + 1));
  }
  if (type.startsWith("{}")) {
    const keys = random.chance(0.7) ? ["app", "example.com/name"].slice(0, random.below(3)) : [String(oddity(random))];
    return Object.fromEntries(keys.map((key) => [key, plausible(random, type.slice(2), depth + 1)]));
  }
  const fields = fieldsByType[type];
  if (!fields) return scalar(random, type);
  if (depth > 8) return {};
  const share = depth === 0 ? 0.9 : 0.35;
  const chosen = Object.entries(fields).filter(() => random.chance(share));
  return Object.fromEntries(chosen.map(([key, fieldType]) => [key, plausible(random, fieldType, depth + 1)]));
}

const words = [
  "a",
  "main",
  "web-1",
  "default",
  "node-1",
  "Always",
  "Never",
  "ClusterIP",
  "TCP",
  "UTF8",
  "/data",
  "x:1",
  "10m",
  "1Gi",
];

function scalar(random: Random, type: string): unknown {
  switch (type) {
    case "bool":
      return random.chance(0.5);
    case "int32":
    case "int64":
    case "double":
      return random.pick([0, 1, 2, 80, 8080, 70000, -1]);
    case "time":
    case "microtime":
      return "2026-01-01T00:00:00Z";
    case "bytes":
      return "YQ==";
    case "quantity":
      return random.pick(["1", "100m", "1Gi", "1e3", "x", "-1", 1]);
    case "intOrString":
      return random.pick([1, "25%", "http", "x%", -1]);
    default:
      return random.chance(0.9) ? random.pick(words) : oddity(random);
  }
}

/** The same tree with an odd value in `count` of its places. */
export function spoil(random: Random, tree: unknown, count: number): unknown {
  const copy: unknown = JSON.parse(JSON.stringify(tree));
  for (let round = 0; round < count; round += 1) {
    let place: unknown = copy;
    for (let step = 0; step < 12; step += 1) {
      if (typeof place !== "object" || place === null) break;
      const keys = Object.keys(place);
      const key =
        keys.length === 0 || random.chance(0.05)
          ? String(random.pick(["x", "spec", "metadata", "0", "name"]))
          : random.pick(keys);
      const inner = (place as Record<string, unknown>)[key];
      const goesOn = typeof inner === "object" && inner !== null && random.chance(0.8);
      if (goesOn) {
        place = inner;
        continue;
      }
      (place as Record<string, unknown>)[key] = oddity(random);
      break;
    }
  }
  return copy;
}
