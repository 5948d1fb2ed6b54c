import type { Database } from "#lib/database/client.ts";

/** The PostgreSQL channel on which processes tell each other that alerts changed. A hint: whoever listens polls as well. */
export const alertsChannel = "alerts";

const quietMs = 250;
const waiting = new WeakMap<Database, { timer: NodeJS.Timeout | null; isWanted: boolean }>();

/**
 * Tells the web processes that alerts changed; call it after the commit. At most four hints a second leave a process, the last one
 * always. It never fails: without the hint viewers see the change at the next poll.
 */
export function hintAlerts(db: Database): void {
  const state = waiting.get(db) ?? { timer: null, isWanted: false };
  waiting.set(db, state);
  state.isWanted = true;
  if (state.timer) return;
  const send = () => {
    if (!state.isWanted) {
      state.timer = null;
      return;
    }
    state.isWanted = false;
    state.timer = setTimeout(send, quietMs);
    state.timer.unref();
    db.$executeRaw`SELECT pg_notify(${alertsChannel}, '')`.catch(() => {});
  };
  send();
}
