import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { RuleTemplateError } from "#lib/prometheus/rule-template.ts";
import { projectDir } from "./env.ts";
import { generateFiles, listParameters, printRules, readTemplates } from "./rule-files.ts";

/** `npm run rules`: makes the alert rules of their templates. */

const usage = `npm run rules                        write the files that are made of the templates
npm run rules -- --check             say which of them are not up to date, and fail if any is
npm run rules -- --parameters        list the parameters of the templates
npm run rules -- --format FORMAT     print all rules; FORMAT is file (rule_files) or prometheusrule (operator)
    --set NAME.PARAMETER=VALUE       with this value, e.g. relay.latencyWindow=15s, all.errorFor=1m; may be repeated
    --only NAME                      of this template only; may be repeated
`;

try {
  process.exitCode = run();
} catch (error) {
  const isUsage = error instanceof TypeError && "code" in error && `${error.code}`.startsWith("ERR_PARSE_ARGS");
  if (!isUsage && !(error instanceof RuleTemplateError)) throw error;
  process.stderr.write(`${error.message}\n${isUsage ? usage : ""}`);
  process.exitCode = 2;
}

function run(): number {
  const { values } = parseArgs({
    options: {
      check: { type: "boolean", default: false },
      parameters: { type: "boolean", default: false },
      format: { type: "string" },
      set: { type: "string", multiple: true, default: [] },
      only: { type: "string", multiple: true, default: [] },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const templates = readTemplates();
  const unknown = values.only.filter((name) => !templates.some((template) => template.name === name));
  if (unknown.length > 0) throw new RuleTemplateError(unknown.map((name) => `--only ${name}: there are no rules of that name`));
  const chosen = values.only.length > 0 ? templates.filter(({ name }) => values.only.includes(name)) : templates;
  const { format } = values;
  if (values.help) return print(usage);
  if (values.parameters) return print(listParameters(chosen));
  if (format === "file" || format === "prometheusrule") return print(printRules(chosen, values.set, format));
  if (format !== undefined) throw new RuleTemplateError([`--format ${format}: wants file or prometheusrule`]);
  if (values.set.length + values.only.length > 0) {
    throw new RuleTemplateError([
      "--set and --only print rules, they change no file: say --format file or --format prometheusrule",
    ]);
  }
  return values.check ? check() : write();
}

function write(): number {
  for (const { path, text } of generateFiles(readTemplates())) {
    if (read(path) === text) continue;
    writeFileSync(join(projectDir, path), text);
    print(`${path}\n`);
  }
  return 0;
}

function check(): number {
  const stale = generateFiles(readTemplates()).filter(({ path, text }) => read(path) !== text);
  for (const { path } of stale) process.stderr.write(`${path} is not up to date: npm run rules\n`);
  return stale.length > 0 ? 1 : 0;
}

function read(path: string): string | undefined {
  const file = join(projectDir, path);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
