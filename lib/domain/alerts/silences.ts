import type { AlertmanagerSilence, SilenceInput } from "#lib/alertmanager/schemas.ts";
import type { Prisma } from "#lib/database/generated/client.ts";
import { settleAudit, writeAudit } from "../audit.ts";
import { authorise, type Context, transact, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import { parseInput } from "../validation.ts";
import { hintAlerts } from "./live-hint.ts";
import { formatMatchers } from "./matchers.ts";
import {
  askAny,
  countHidden,
  type KnownSilence,
  readMembers,
  readOneSource,
  readSilences,
  type SourceMembers,
  viewSilence,
} from "./silences-members.ts";
import { silencePeriod } from "./silences-period.ts";
import { checkMatchers } from "./silences-preview.ts";
import { putSilenceOnce } from "./silences-put.ts";
import {
  type CreateSilenceInput,
  createSilenceSchema,
  type ExpireSilenceInput,
  type ExtendSilenceInput,
  expireSilenceSchema,
  extendSilenceSchema,
  type ListSilencesInput,
  listSilencesSchema,
  type SilenceResult,
  type SilencesAnswer,
} from "./silences-schemas.ts";

/** The silences of every Alertmanager, the first to end first; without a state those that hide or will hide. */
export async function listSilences(context: Context, input: ListSilencesInput | unknown): Promise<SilencesAnswer> {
  authorise(context, "viewer", "see silences");
  const { source, state } = parseInput(listSilencesSchema, input);
  const { db, clock } = context;
  const [sources, hidden] = await translateDatabaseErrors(() => Promise.all([readMembers(db, source), countHidden(db)]));
  const { silences, members } = await readSilences(sources);
  const now = clock();
  const wanted = state === "all" ? ["active", "pending", "expired"] : state ? [state] : ["active", "pending"];
  const items = silences
    .map((known) => viewSilence(known, hidden.get(known.silence.id) ?? 0, now))
    .filter((silence) => wanted.includes(silence.state))
    .toSorted((a, b) => byEnd(a, b));
  return { items, at: now.toISOString(), members };
}

/** What ends next comes first; of what has ended the last. */
function byEnd(a: { state: string; endsAt: string }, b: { state: string; endsAt: string }): number {
  if ((a.state === "expired") !== (b.state === "expired")) return a.state === "expired" ? 1 : -1;
  const order = Date.parse(a.endsAt) - Date.parse(b.endsAt);
  return a.state === "expired" ? -order : order;
}

/** Makes a silence in the person's name. Throws invalid-input, alertmanager-refused or alertmanager-unavailable. */
export async function createSilence(context: Context, input: CreateSilenceInput | unknown): Promise<SilenceResult> {
  authorise(context, "operator", "silence alerts");
  const { source: name, matchers, reason, ...times } = parseInput(createSilenceSchema, input);
  const { startsAt, endsAt } = silencePeriod(times, context.clock());
  const source = await translateDatabaseErrors(() => readOneSource(context.db, name));
  await checkMatchers(context.db, matchers);
  const text = formatMatchers(matchers);
  const wanted = {
    matchers,
    startsAt: startsAt.toISOString(),
    endsAt: endsAt.toISOString(),
    createdBy: context.actor.name,
    comment: reason,
  };
  return audited(context, { verb: "create", text, before: null, reason }, async () => {
    const id = await putSilenceOnce(source, wanted);
    return { known: await readBack(source, asTaken(id, wanted, context.clock())), replacedId: null };
  });
}

/** Moves the end of a silence that has not ended yet. Alertmanager may answer with a new id: the old silence ends then. */
export async function extendSilence(context: Context, id: string, input: ExtendSilenceInput | unknown): Promise<SilenceResult> {
  authorise(context, "operator", "extend silences");
  const { reason, ...times } = parseInput(extendSilenceSchema, input);
  const { source, silence } = await findSilence(context, id);
  if (silence.status.state === "expired") {
    throw new DomainError("precondition-failed", "This silence has ended. Make a new one with the same matchers.");
  }
  const isPending = silence.status.state === "pending";
  const { endsAt } = silencePeriod(isPending ? { ...times, startsAt: silence.startsAt } : times, context.clock());
  const { matchers, startsAt, createdBy, comment } = silence;
  const wanted = { id, matchers, startsAt, endsAt: endsAt.toISOString(), createdBy, comment };
  return audited(context, { verb: "extend", text: formatMatchers(matchers), before: silence, reason }, async () => {
    const answered = await putSilenceOnce(source, wanted);
    const known = await readBack(source, asTaken(answered, wanted, context.clock()));
    return { known, replacedId: answered === id ? null : id };
  });
}

/** Ends a silence now: what it hid is told of again. */
export async function expireSilence(context: Context, id: string, input: ExpireSilenceInput | unknown): Promise<SilenceResult> {
  authorise(context, "operator", "end silences");
  const { reason } = parseInput(expireSilenceSchema, input);
  const { source, silence } = await findSilence(context, id);
  if (silence.status.state === "expired") throw new DomainError("precondition-failed", "This silence has ended already.");
  return audited(context, { verb: "expire", text: formatMatchers(silence.matchers), before: silence, reason }, async () => {
    await askAny(source, (client) => client.expireSilence(id));
    const now = context.clock().toISOString();
    const ended: AlertmanagerSilence = { ...silence, status: { state: "expired" }, endsAt: now, updatedAt: now };
    return { known: await readBack(source, ended), replacedId: null };
  });
}

async function findSilence(context: Context, id: string): Promise<{ source: SourceMembers; silence: AlertmanagerSilence }> {
  const sources = await translateDatabaseErrors(() => readMembers(context.db));
  const problems: unknown[] = [];
  for (const source of sources) {
    const silence = await askAny(source, (client) => client.findSilence(id)).catch((error: unknown) => {
      problems.push(error);
      return null;
    });
    if (silence) return { source, silence };
  }
  if (problems.length > 0) throw problems[0];
  throw new DomainError("not-found", "No Alertmanager knows a silence with this id; it may have been forgotten since it ended.");
}

/** The silence as a member has it; as it was taken while none shows it, because what was done is done. */
async function readBack(source: SourceMembers, taken: AlertmanagerSilence): Promise<KnownSilence> {
  const shown = await askAny(source, async (client) => {
    const found = await client.findSilence(taken.id);
    // A member that has not heard of it yet is as one that does not answer: ask the next.
    if (!found) throw new DomainError("alertmanager-unavailable", "Alertmanager does not show the silence yet.");
    return found;
  }).catch((error: unknown) => {
    if (error instanceof DomainError && error.code === "alertmanager-unavailable") return taken;
    throw error;
  });
  return { source: source.source, silence: shown };
}

function asTaken(id: string, wanted: SilenceInput, now: Date): AlertmanagerSilence {
  const state = Date.parse(wanted.startsAt) > now.getTime() ? ("pending" as const) : ("active" as const);
  return { ...wanted, id, status: { state }, updatedAt: now.toISOString() };
}

type Audited = { verb: "create" | "extend" | "expire"; text: string; before: AlertmanagerSilence | null; reason: string };

/** The audit's row is there before Alertmanager is asked, and says afterwards how it ended. */
async function audited(
  context: Context,
  { verb, text, before, reason }: Audited,
  ask: () => Promise<{ known: KnownSilence; replacedId: string | null }>,
): Promise<SilenceResult> {
  const { db, clock } = context;
  const targetUid = before?.id ?? null;
  const record = { verb, targetKind: "silence", targetName: text, targetUid, before: before && toAudit(before), reason };
  const entry = await transact(context, (transaction) => writeAudit(transaction, context, { ...record, outcome: "pending" }));
  const settle = (settlement: Parameters<typeof settleAudit>[2]) =>
    transact(context, (transaction) => settleAudit(transaction, entry.id, settlement, clock()));
  try {
    const { known, replacedId } = await ask();
    await settle({ outcome: "succeeded", after: toAudit(known.silence) });
    hintAlerts(db);
    const hidden = await translateDatabaseErrors(() => countHidden(db));
    const silence = viewSilence(known, hidden.get(known.silence.id) ?? 0, clock());
    return { silence, replacedId, auditId: entry.id };
  } catch (error) {
    const known = error instanceof DomainError;
    const told = known
      ? { code: error.code, message: error.message }
      : { code: "internal", message: `Request ${context.requestId} failed.` };
    const outcome = known && error.code === "alertmanager-refused" ? ("refused" as const) : ("failed" as const);
    await settle({ outcome, error: told }).catch((cause: unknown) =>
      context.logger.error({ err: cause, audit: entry.id }, "an entry of the audit was not settled"),
    );
    throw error;
  }
}

function toAudit({ id, matchers, startsAt, endsAt, createdBy, comment }: AlertmanagerSilence): Prisma.InputJsonObject {
  return { id, matchers: formatMatchers(matchers), startsAt, endsAt, createdBy, comment };
}
