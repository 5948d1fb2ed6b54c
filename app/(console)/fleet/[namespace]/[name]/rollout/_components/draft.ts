import { parseDocument } from "yaml";
import { z } from "zod";
import {
  type Blocker,
  type ChangeInput,
  type ConfigChange,
  changeSchema,
  type RolloutOptions,
} from "#lib/domain/rollouts/start/start-schemas.ts";
import { type Strategy, strategySchema } from "#lib/domain/rollouts/strategy.ts";
import { fieldErrors } from "../../../../../../ui/field-errors.ts";
import { type Errors, errorsUnder } from "./form-errors.ts";

/** Key -> its new value, or null to take the key away. */
export type KeyEdits = Record<string, string | null>;

const draftSchema = z.object({
  by: z.enum(["image", "template"]),
  container: z.string(),
  image: z.string(),
  /** The template as it was edited; null while it is as it runs. */
  yaml: z.string().nullable(),
  /** By kind and name: "ConfigMap/relay". */
  config: z.record(z.string(), z.record(z.string(), z.string().nullable())),
  /** null: the service's own default. */
  strategy: strategySchema.nullable().catch(null),
});

/** What has been filled in. */
export type Draft = z.infer<typeof draftSchema>;

/** What the form shows before anything is typed. */
export function newDraft(options: RolloutOptions, mainContainer: string): Draft {
  const main = options.containers.find(({ name }) => name === mainContainer) ?? options.containers[0];
  return { by: "image", container: main?.name ?? "", image: main?.image ?? "", yaml: null, config: {}, strategy: null };
}

/** The kept text of a draft without what must not be kept: a Secret's values. */
export function writeDraft(draft: Draft): string {
  const config = Object.fromEntries(Object.entries(draft.config).filter(([object]) => object.startsWith("ConfigMap/")));
  // JSON has no NaN: what cannot be read would come back as null, which means something else.
  const strategy = strategySchema.safeParse(draft.strategy).data ?? null;
  return JSON.stringify({ ...draft, config, strategy });
}

/** A kept draft as far as it still fits the service; null when it cannot be read. */
export function readDraft(text: string, options: RolloutOptions): Draft | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const kept = draftSchema.safeParse(value).data;
  if (!kept || !options.containers.some(({ name }) => name === kept.container)) return null;
  const known = new Set(options.config.map(({ kind, name }) => `${kind}/${name}`));
  return { ...kept, config: Object.fromEntries(Object.entries(kept.config).filter(([object]) => known.has(object))) };
}

/** The strategy that the form shows. */
export const strategyOf = (draft: Draft, options: RolloutOptions): Strategy =>
  draft.strategy ?? options.strategies[options.preferred];

/** The request's change, or null while there is none; and what is wrong with it by field: image, template, config. */
export function changeOf(draft: Draft, options: RolloutOptions): { change: ChangeInput | null; errors: Errors } {
  const config = Object.entries(draft.config).flatMap(([object, data]): ConfigChange[] => {
    const [kind, name = ""] = object.split("/");
    return Object.keys(data).length === 0 ? [] : [{ kind: kind === "Secret" ? "Secret" : "ConfigMap", name, data }];
  });
  const { part, errors } = draft.by === "image" ? imagePart(draft, options) : templatePart(draft, options);
  if (Object.keys(errors).length > 0) return { change: null, errors };
  if (!part && config.length === 0) return { change: null, errors: {} };
  const change = { ...part, config };
  const found = fieldErrors(changeSchema, change);
  return Object.keys(found).length === 0
    ? { change, errors: {} }
    : { change: null, errors: { ...withRoot(found, "image"), ...withRoot(found, "template"), ...withRoot(found, "config") } };
}

type Part = { part: Pick<ChangeInput, "image" | "template"> | null; errors: Errors };

function imagePart({ container, image }: Draft, options: RolloutOptions): Part {
  const wanted = image.trim();
  const isPresent = options.containers.some((each) => each.name === container && each.image === wanted);
  return { part: isPresent ? null : { image: { container, image: wanted } }, errors: {} };
}

function templatePart({ yaml }: Draft, options: RolloutOptions): Part {
  if (yaml === null || yaml.trim() === options.template.trim()) return { part: null, errors: {} };
  const document = parseDocument(yaml);
  const [problem] = document.errors;
  if (problem) return { part: null, errors: { template: [(problem.message.split("\n")[0] ?? "").replace(/:$/, ".")] } };
  return { part: { template: document.toJS() }, errors: {} };
}

/** All that is wrong at or below a field, said at that field with the path. */
function withRoot(errors: Errors, field: string): Errors {
  const messages = Object.entries(errorsUnder(errors, field)).flatMap(([path, each]) =>
    each.map((message) => (path === "" || field === "image" ? message : `${path}: ${message}`)),
  );
  return messages.length === 0 ? {} : { [field]: messages };
}

/** Why it cannot be started now, in spite of an override and of waiting in the queue; null when it can. */
export function standingBlocker(
  blockers: readonly Blocker[],
  { overrides, queues }: { overrides: boolean; queues: boolean },
): Blocker | null {
  return blockers.find((blocker) => !(overrides && blocker.canOverride) && !(queues && blocker.canQueue)) ?? null;
}
