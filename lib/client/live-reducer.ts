import type { Changed, LiveMessage, Service, ServiceAnswer, ServiceEvent, ServicesAnswer } from "#lib/domain/fleet/schemas.ts";

/**
 * The list after one message. Pure; returns the same object when nothing changed, so that nothing is drawn again. A message
 * before the first answer is dropped, because it would show part of a list as the whole; a snapshot never is.
 */
export function reduceServices(current: ServicesAnswer | undefined, message: LiveMessage): ServicesAnswer | undefined {
  if (message.type === "snapshot") {
    const next = {
      services: sortedBy(message.services, (service) => service.id),
      figures: message.figures,
      feeds: message.feeds,
    };
    return current && same(current, next) ? current : next;
  }
  if (!current) return current;
  switch (message.type) {
    case "services": {
      const upserted = [...message.upserted, ...withChanges(current.services, message.changed, (service) => service.id)];
      const services = merge(current.services, upserted, message.removed, (service) => service.id, olderService);
      return services === current.services ? current : { ...current, services };
    }
    case "figures": {
      const figures = mergeRecord(current.figures, message.services);
      return figures === current.figures ? current : { ...current, figures };
    }
    case "feeds":
      return same(current.feeds, message.feeds) ? current : { ...current, feeds: message.feeds };
    default:
      return current;
  }
}

/** One service's page after one message; undefined where there is nothing to show yet. Pure, as above. */
export function reduceService(current: ServiceAnswer | undefined, id: string, message: LiveMessage): ServiceAnswer | undefined {
  switch (message.type) {
    case "snapshot": {
      const service = message.services.find((candidate) => candidate.id === id);
      if (!service) return current;
      const live = message.service?.id === id ? message.service : null;
      const next: ServiceAnswer | undefined = live
        ? {
            service,
            instances: sortedBy(live.instances, (instance) => instance.name),
            events: newestFirst(live.events),
            figures: live.figures,
            serviceFigures: message.figures[id] ?? null,
          }
        : current && { ...current, service, serviceFigures: message.figures[id] ?? null };
      return current && next && same(current, next) ? current : next;
    }
    case "services": {
      if (!current) return current;
      const changed = withChanges([current.service], message.changed, () => id);
      const service = [...message.upserted, ...changed].findLast((candidate) => candidate.id === id);
      if (!service || olderService(current.service, service) || same(current.service, service)) return current;
      return { ...current, service };
    }
    case "instances": {
      if (!current || message.service !== id) return current;
      const upserted = [...message.upserted, ...withChanges(current.instances, message.changed, (instance) => instance.uid)];
      const instances = merge(current.instances, upserted, message.removed, (instance) => instance.uid);
      return instances === current.instances
        ? current
        : { ...current, instances: sortedBy(instances, (instance) => instance.name) };
    }
    case "events": {
      if (!current || message.service !== id) return current;
      const events = merge(current.events, message.upserted, message.removed, (event) => event.uid, olderEvent);
      return events === current.events ? current : { ...current, events: newestFirst(events) };
    }
    case "figures": {
      const serviceFigures = message.services[id];
      if (!current || !serviceFigures || same(current.serviceFigures, serviceFigures)) return current;
      return { ...current, serviceFigures };
    }
    case "instanceFigures": {
      if (!current || message.service !== id) return current;
      return same(current.figures, message.instances) ? current : { ...current, figures: message.instances };
    }
    default:
      return current;
  }
}

/** Whether a message takes the service away: its page then says so instead of showing what is no more. */
export function removesService(id: string, message: LiveMessage): boolean {
  if (message.type === "services") return message.removed.includes(id) && !message.upserted.some((service) => service.id === id);
  return message.type === "snapshot" && !message.services.some((service) => service.id === id);
}

function merge<T>(
  current: T[],
  upserted: T[],
  removed: string[],
  keyOf: (item: T) => string,
  isOlder: (known: T, arriving: T) => boolean = () => false,
): T[] {
  const byKey = new Map(current.map((item) => [keyOf(item), item]));
  let changed = false;
  for (const key of removed) changed = byKey.delete(key) || changed;
  for (const item of upserted) {
    const known = byKey.get(keyOf(item));
    if (known !== undefined && (isOlder(known, item) || same(known, item))) continue;
    byKey.set(keyOf(item), item);
    changed = true;
  }
  return changed ? sortedBy([...byKey.values()], keyOf) : current;
}

/** The known things with the fields that changed; what is not known is left out, since its whole follows. */
function withChanges<T>(current: readonly T[], changed: Changed<T>[] | undefined, keyOf: (item: T) => string): T[] {
  if (!changed || changed.length === 0) return [];
  const fieldsByKey = new Map(changed.map(({ key, fields }) => [key, fields]));
  return current.flatMap((item) => {
    const fields = fieldsByKey.get(keyOf(item));
    return fields ? [{ ...item, ...fields }] : [];
  });
}

function mergeRecord<T>(current: Record<string, T>, arriving: Record<string, T>): Record<string, T> {
  const differs = Object.entries(arriving).some(([key, value]) => !same(current[key], value));
  return differs ? { ...current, ...arriving } : current;
}

function olderService(known: Service, arriving: Service): boolean {
  return (
    known.uid === arriving.uid &&
    (arriving.generation < known.generation || arriving.observedGeneration < known.observedGeneration)
  );
}

function olderEvent(known: ServiceEvent, arriving: ServiceEvent): boolean {
  return arriving.lastAt < known.lastAt || (arriving.lastAt === known.lastAt && arriving.count < known.count);
}

function newestFirst(events: ServiceEvent[]): ServiceEvent[] {
  return [...events].sort((a, b) => b.lastAt.localeCompare(a.lastAt) || a.uid.localeCompare(b.uid));
}

function sortedBy<T>(items: T[], keyOf: (item: T) => string): T[] {
  return [...items].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keysOfA = Object.keys(a);
  if (keysOfA.length !== Object.keys(b).length) return false;
  return keysOfA.every(
    (key) => Object.hasOwn(b, key) && same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
  );
}
