import type { EventObject } from "#lib/kubernetes/objects.ts";
import type { Changed, Instance, Service } from "./schemas.ts";

/** What the viewers have not been told yet. */
export class PendingChanges {
  readonly services = new Untold<Service>();
  /** By service, of those only whose pages are open. */
  readonly instances = new Map<string, Untold<Instance>>();
  readonly events = new Map<string, Map<string, EventObject>>();
  readonly figures = new Set<string>();
  readonly instanceFigures = new Set<string>();
  feeds = false;
  alerts = false;

  noteInstances(service: string, before: readonly Instance[], after: readonly Instance[]): void {
    const untold = this.instances.get(service) ?? new Untold<Instance>();
    this.instances.set(service, untold);
    const known = new Map(before.map((instance) => [instance.uid, instance]));
    for (const instance of after) {
      untold.note(instance.uid, known.get(instance.uid), instance);
      known.delete(instance.uid);
    }
    for (const [uid, instance] of known) untold.note(uid, instance, undefined);
  }

  noteEvent(service: string, event: EventObject): void {
    const events = this.events.get(service) ?? new Map<string, EventObject>();
    this.events.set(service, events.set(event.metadata.uid, event));
  }
}

type Part = { service: boolean; instances: Set<string>; sinceMs: number };

/** What was told by its changed fields only, since when. */
export class Unsettled {
  readonly #parts = new Map<string, Part>();

  get isEmpty(): boolean {
    return this.#parts.size === 0;
  }

  note(service: string, changed: { service?: boolean; instances?: readonly string[] }, atMs: number): void {
    const part = this.#parts.get(service) ?? { service: false, instances: new Set<string>(), sinceMs: atMs };
    part.service ||= changed.service ?? false;
    for (const uid of changed.instances ?? []) part.instances.add(uid);
    this.#parts.set(service, part);
  }

  /** Takes out what was first told by its fields before that time. */
  takeBefore(ms: number): [service: string, part: Part][] {
    const old = [...this.#parts].filter(([, { sinceMs }]) => sinceMs <= ms);
    for (const [service] of old) this.#parts.delete(service);
    return old;
  }
}

export type Difference<T> = { upserted: T[]; removed: string[]; changed?: Changed<T>[] };

/** Things by their key, as the viewers know them and as they are now. */
export class Untold<T extends object> {
  readonly #steps = new Map<string, { told: T | undefined; now: T | undefined }>();

  /** Notes a step from one state to the next; undefined where the thing is not there. */
  note(key: string, before: T | undefined, after: T | undefined): void {
    const step = this.#steps.get(key);
    if (step) step.now = after;
    else if (before !== after) this.#steps.set(key, { told: before, now: after });
  }

  /** What to tell: new things whole, of known ones the fields that changed. Null when there is nothing to tell. */
  difference(): Difference<T> | null {
    const upserted: T[] = [];
    const removed: string[] = [];
    const changed: Changed<T>[] = [];
    for (const [key, { told, now }] of this.#steps) {
      if (now === undefined) {
        if (told !== undefined) removed.push(key);
      } else if (told === undefined) upserted.push(now);
      else {
        const fields = changedFields(told, now);
        if (fields) changed.push({ key, fields });
      }
    }
    if (changed.length > 0) return { upserted, removed, changed };
    return upserted.length + removed.length > 0 ? { upserted, removed } : null;
  }
}

/** The fields of `after` that differ from `before`, or null when none does. */
export function changedFields<T extends object>(before: T, after: T): Partial<T> | null {
  const fields: Partial<T> = {};
  let differs = false;
  for (const key of Object.keys(after) as (keyof T)[]) {
    if (isSame(before[key], after[key])) continue;
    fields[key] = after[key];
    differs = true;
  }
  return differs ? fields : null;
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  return typeof a === "object" && typeof b === "object" && a !== null && b !== null && JSON.stringify(a) === JSON.stringify(b);
}
