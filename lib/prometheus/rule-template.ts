import { parse as parseYaml, YAMLParseError } from "yaml";
import { z } from "zod";

/** What a rule template, or a value for one of its parameters, has wrong; each problem is a sentence that names its place. */
export class RuleTemplateError extends Error {
  readonly problems: string[];

  constructor(problems: string[]) {
    super(problems.join("\n"));
    this.name = "RuleTemplateError";
    this.problems = problems;
  }
}

/** Units of parameters: a Prometheus duration, a share between 0 and 1, a number from 0, a service's name, an http(s) address. */
export const ruleUnits = ["duration", "ratio", "number", "name", "url"] as const;
export type RuleUnit = (typeof ruleUnits)[number];

const labelName = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, "wants a name of letters, digits and _");
const texts = z.record(labelName, z.string());
const scalar = z.union([z.string(), z.number()]).transform(String);

const parameterSchema = z.strictObject({
  default: scalar,
  unit: z.enum(ruleUnits),
  description: z.string().min(1),
  /** The only values that make sense, e.g. the bounds of a histogram's buckets. */
  oneOf: z.array(scalar).min(1).optional(),
});

const alertSchema = z.strictObject({
  alert: z.string().regex(/^[A-Z][A-Za-z0-9]*$/, "wants a name such as RelayHighLatency"),
  expr: z.string().min(1),
  for: scalar.optional(),
  keep_firing_for: scalar.optional(),
  labels: texts.and(z.object({ severity: z.enum(["critical", "warning", "info", "none"]) })),
  annotations: texts.and(z.object({ summary: z.string().min(1), description: z.string().min(1) })),
});

const recordSchema = z.strictObject({
  record: z.string().regex(/^[a-z_]+(:[a-z0-9_]+)+$/, "wants a name such as service:errors:ratio"),
  expr: z.string().min(1),
  labels: texts.optional(),
});

const groupSchema = z.strictObject({
  name: z.string().min(1),
  interval: scalar.optional(),
  rules: z.array(z.union([alertSchema, recordSchema])).min(1),
});

const templateSchema = z.strictObject({
  parameters: z.record(z.string().regex(/^[a-z][a-zA-Z0-9]*$/, "wants a name such as errorWindow"), parameterSchema),
  groups: z.array(groupSchema).min(1),
});

export type RuleParameter = z.output<typeof parameterSchema>;
export type RuleGroup = z.output<typeof groupSchema>;
/** Alert rules with parameters. `name` is the daemon's, by which parameters are addressed: `relay.latencyWindow`. */
export type RuleTemplate = z.output<typeof templateSchema> & { name: string };

/** What Prometheus itself gives to templates of annotations; no parameter can have such a name. */
const reserved = ["labels", "value", "externalLabels", "externalURL"];

/** `$name` as it stands in a template. */
export const parameterUse = /\$([a-z][a-zA-Z0-9]*)/g;

/** Reads a template. Throws RuleTemplateError that says everything that is wrong with it. */
export function parseRuleTemplate(name: string, text: string): RuleTemplate {
  const read = templateSchema.safeParse(parse(name, text));
  if (!read.success) {
    throw new RuleTemplateError(read.error.issues.map(({ path, message }) => `${name}: ${path.join(".")}: ${message}`));
  }
  const template = { name, ...read.data };
  const problems = [...checkUses(template), ...checkNames(template), ...checkDefaults(template)];
  if (problems.length > 0) throw new RuleTemplateError(problems.map((problem) => `${name}: ${problem}`));
  return template;
}

/** The parameters that the template's texts name, in expressions, times, labels and annotations alike. */
export function usedParameters({ groups }: Pick<RuleTemplate, "groups">): Set<string> {
  const names = [...JSON.stringify(groups).matchAll(parameterUse)].map(([, name = ""]) => name);
  return new Set(names.filter((name) => !reserved.includes(name)));
}

/** What is wrong with a value for a parameter, as the end of a sentence; null when it is good. */
export function explainValue(template: RuleTemplate, parameter: string, value: string): string | null {
  const { unit, oneOf } = template.parameters[parameter] ?? {};
  if (unit === "duration") {
    const milliseconds = parseDuration(value);
    if (milliseconds === null) return `wants a duration such as 30s, 5m or 1h30m, got "${value}"`;
    if (milliseconds === 0 && isWindow(template, parameter)) return `wants a window longer than 0, got "${value}"`;
  } else if (unit === "name") {
    if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(value)) return `wants a name of small letters, digits and -, got "${value}"`;
  } else if (unit === "url") {
    if (!isHttpUrl(value)) return `wants an address that begins with http:// or https://, got "${value}"`;
  } else {
    if (!/^\d+(\.\d+)?$/.test(value))
      return `wants ${unit === "ratio" ? "a ratio between 0 and 1" : "a number from 0"}, got "${value}"`;
    if (unit === "ratio" && Number(value) > 1) return `wants a ratio between 0 and 1, got "${value}"`;
  }
  if (oneOf && !oneOf.includes(value)) return `wants one of ${oneOf.join(", ")}, got "${value}"`;
  return null;
}

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, y: 31_536_000_000 };

/** Milliseconds of a Prometheus duration: whole numbers with units from large to small; null when it is none. */
export function parseDuration(text: string): number | null {
  const match = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/.exec(text);
  if (!match || text === "") return null;
  const units = ["y", "w", "d", "h", "m", "s", "ms"] as const;
  return units.reduce((total, unit, index) => total + Number(match[index + 1] ?? 0) * unitMs[unit], 0);
}

function parse(name: string, text: string): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    if (error instanceof YAMLParseError) throw new RuleTemplateError([`${name}: ${error.message}`]);
    throw error;
  }
}

function checkUses(template: RuleTemplate): string[] {
  const declared = Object.keys(template.parameters);
  const used = usedParameters(template);
  return [
    ...[...used].filter((name) => !declared.includes(name)).map((name) => `$${name} is used and not declared`),
    ...declared.filter((name) => !used.has(name)).map((name) => `${name} is declared and not used`),
    ...declared.filter((name) => reserved.includes(name)).map((name) => `${name} is a name that Prometheus itself fills in`),
  ];
}

function checkNames({ groups }: RuleTemplate): string[] {
  const names = groups.map(({ name }) => name);
  const repeated = names.filter((name, index) => names.indexOf(name) !== index);
  return repeated.map((name) => `two groups are named ${name}`);
}

function checkDefaults(template: RuleTemplate): string[] {
  return Object.entries(template.parameters).flatMap(([name, parameter]) => {
    const problem = explainValue(template, name, parameter.default);
    return problem ? [`the default of ${name} ${problem}`] : [];
  });
}

/** Whether the parameter is the range of a selector, which Prometheus wants to be longer than 0. */
function isWindow({ groups }: RuleTemplate, parameter: string): boolean {
  const range = new RegExp(`\\[\\$${parameter}[\\]:]`);
  return groups.some(({ rules }) => rules.some(({ expr }) => range.test(expr)));
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && !/["'{}\s]/.test(text);
}
