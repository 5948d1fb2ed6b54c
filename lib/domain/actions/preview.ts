import { paths, type Workload } from "#lib/kubernetes/objects.ts";
import { authorise, type Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { serviceRefSchema } from "../fleet/schemas.ts";
import { templateYaml } from "../fleet/template.ts";
import { queryConnections } from "../metrics/figures.ts";
import { parseInput } from "../validation.ts";
import { type BreakerAction, previewBreakers } from "./breaker-action.ts";
import { type ActionRequest, preparePlan, readAction } from "./commands.ts";
import { previewFailOver } from "./fail-over.ts";
import { takeSnapshot, type WorkloadAction } from "./plan.ts";
import { type ActionPreview, type ActionVerb, actionSchemas, isBreakerVerb } from "./schemas.ts";
import { readTarget } from "./target.ts";
import { listAffected, listChanges, listUnchanged } from "./texts.ts";

/** Tells what an action would change, from a dry run of the cluster itself. Writes nothing, also not to the audit. */
export async function previewAction(context: Context, { verb, ref, body }: Omit<ActionRequest, "key">): Promise<ActionPreview> {
  const service = parseInput(serviceRefSchema, ref);
  if (!Object.hasOwn(actionSchemas, verb)) throw new DomainError("not-found", `There is no action ${verb}.`);
  const known = verb as ActionVerb;
  authorise(context, "operator", `${known} a service`);
  // The reason is asked for beside the preview, not before it.
  const read = readAction(known, typeof body === "object" ? { ...body, reason: "preview" } : body);
  const target = await readTarget(context, service);
  if (isBreakerVerb(read.verb)) {
    const preview = await previewBreakers(context, read as BreakerAction, target);
    return { ...preview, unchanged: listUnchanged(known, takeSnapshot(target.workload, target.revisions)) };
  }
  const action = read as WorkloadAction;
  const { patch, nothingToDo } = await preparePlan(context, { action, target, now: context.clock() });
  const { workload, revisions } = target;
  const path = paths.workload(workload.kind, service.namespace, service.name);
  const after = await context.kubernetes.patch<Workload>(path, patch, { dryRun: true });
  const [was, becomes] = [takeSnapshot(workload, revisions), takeSnapshot({ ...after, kind: workload.kind }, revisions)];
  const connections = await findConnections(context, `${service.namespace}/${service.name}`);
  const showsTemplate = was.template !== becomes.template;
  const database = action.verb === "fail-over" ? await previewFailOver(context, workload) : null;
  return {
    changes: [...(database?.changes ?? []), ...listChanges(was, becomes)],
    template: showsTemplate ? { before: templateYaml(workload.spec.template), after: templateYaml(after.spec.template) } : null,
    unchanged: listUnchanged(known, was),
    affected: [...(database?.affected ?? []), ...listAffected(known, was, becomes, connections)],
    nothingToDo,
  };
}

async function findConnections({ prometheus, logger }: Context, serviceId: string): Promise<number | null> {
  if (!prometheus) return null;
  return queryConnections(prometheus, serviceId).catch((error: unknown) => {
    logger.warn({ err: error }, "live connections cannot be counted for a preview");
    return null;
  });
}
