import { hashRequest } from "../../actions/ledger.ts";
import { authorise, type Context, type Transaction, transact } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import type { Keyed } from "../../idempotency.ts";
import { parseInput } from "../../validation.ts";
import type { ImpactStartSource } from "../clock.ts";
import { refuseFuture } from "../clock-input.ts";
import { incidentName } from "../incident-name.ts";
import { type IncidentChange, type LinkKind, reportIncidentSchema } from "../schemas.ts";
import type { StoredIncident } from "../stored.ts";
import { once } from "../write.ts";
import { distinct, listOpenIncidentsOf, lockOpening, openedAnswer, openIncident } from "./open.ts";

/**
 * Opens an incident that somebody has noticed. Operators. Refused (precondition-failed, details.incidents) while one of its services has
 * an open one, unless it is another. A repeated request with the same key gets the first one's incident.
 */
export async function reportIncident(context: Context, input: unknown, key?: unknown): Promise<IncidentChange> {
  authorise(context, "operator", "report an incident");
  const { isAnother, impactStartedAt, links, ...given } = parseInput(reportIncidentSchema, input);
  const services = distinct(given.services);
  const hash = hashRequest("report incident", { namespace: "", name: "" }, input);
  return once(context, key, hash, (keyed) => transact(context, (transaction) => open(transaction, keyed)));

  async function open(transaction: Transaction, keyed: Keyed) {
    await lockOpening(transaction);
    if (!isAnother) refuseDuplicate(await listOpenIncidentsOf(transaction, services, given));
    const now = context.clock();
    if (impactStartedAt) refuseFuture("impactStartedAt", impactStartedAt, now);
    const linked = await firstAlert(transaction, links);
    const alert = linked ?? { startsAt: now, firstReceivedAt: now };
    const detected = earlier(now, alert.firstReceivedAt);
    const began = impactStartedAt ?? earlier(detected, alert.startsAt);
    const { incident } = await openIncident(
      transaction,
      context,
      {
        ...given,
        services,
        links,
        origin: context.actor.kind === "token" ? "token" : "person",
        trigger: null,
        impactStartedAt: began,
        impactStartSource: sourceOf(impactStartedAt ?? null, linked?.startsAt ?? null),
        detectedAt: later(detected, began),
      },
      keyed,
    );
    return { id: incident.id, number: incident.number, ...openedAnswer(incident) };
  }
}

function refuseDuplicate(open: StoredIncident[]): void {
  if (open.length === 0) return;
  const names = open.map((incident) => `${incidentName(incident)} (${incident.severity}) ${incident.title}`);
  throw new DomainError(
    "precondition-failed",
    `There is an open incident already: ${names.join("; ")}. Report it as another one if it is.`,
    {
      incidents: open.map(({ id, number, title, severity }) => ({ id, number, title, severity })),
    },
  );
}

/** A time that a person says which is the alert's is nothing new. */
function sourceOf(given: Date | null, startsAt: Date | null): ImpactStartSource {
  if (given !== null && given.getTime() !== startsAt?.getTime()) return "reported";
  return startsAt === null ? "unknown" : "alert";
}

type FirstAlert = { startsAt: Date; firstReceivedAt: Date };

/** When the linked alerts began, and when the first of them was received: that is when it was detected. */
async function firstAlert(
  transaction: Transaction,
  links: readonly { kind: LinkKind; targetId: string }[],
): Promise<FirstAlert | null> {
  const ids = links.flatMap(({ kind, targetId }) => (kind === "alert" ? [targetId] : []));
  if (ids.length === 0) return null;
  const { _min } = await transaction.alertEpisode.aggregate({
    where: { id: { in: ids } },
    _min: { startsAt: true, firstReceivedAt: true },
  });
  const { startsAt, firstReceivedAt } = _min;
  return startsAt && firstReceivedAt ? { startsAt, firstReceivedAt } : null;
}

const earlier = (a: Date, b: Date) => (a < b ? a : b);
const later = (a: Date, b: Date) => (a > b ? a : b);
