"use client";
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { DraftSession, type DraftView } from "#lib/client/draft-session.ts";
import type { Author } from "#lib/client/kept-drafts.ts";
import { readPostmortem, savePostmortem } from "#lib/client/postmortems.ts";
import type { PostmortemView } from "#lib/domain/incidents/postmortem/schemas.ts";

/** The text that this page writes, and its session with the server; it lives as long as the page shows the editor. */
export function useDraft(postmortem: PostmortemView, author: Author): { view: DraftView; session: DraftSession } {
  const { incidentId } = postmortem;
  const listeners = useRef(new Set<() => void>());
  const [session, setSession] = useState(open);

  function open(): DraftSession {
    return new DraftSession({
      incidentId,
      author: { id: author.id, name: author.name },
      known: { version: postmortem.version, text: postmortem.text },
      save: (input) => savePostmortem(incidentId, input),
      ask: async () => {
        const { postmortem: now } = await readPostmortem(incidentId);
        if (!now) throw new Error("The postmortem is gone.");
        return now;
      },
      store: localStorage,
      onChange: () => {
        for (const listener of listeners.current) listener();
      },
    });
  }
  const openAgain = useRef(open);
  openAgain.current = open;

  useEffect(() => session.hear({ version: postmortem.version, text: postmortem.text }), [session, postmortem]);

  useEffect(() => {
    // React mounts twice in development, and a page comes back from the browser's cache: a closed session stays closed.
    if (session.isClosed) {
      setSession(openAgain.current());
      return;
    }
    const flush = () => document.visibilityState === "hidden" && session.flush();
    const close = () => session.close();
    const back = () => session.isClosed && setSession(openAgain.current());
    document.addEventListener("visibilitychange", flush);
    window.addEventListener("pagehide", close);
    window.addEventListener("pageshow", back);
    return () => {
      document.removeEventListener("visibilitychange", flush);
      window.removeEventListener("pagehide", close);
      window.removeEventListener("pageshow", back);
      session.close();
    };
  }, [session]);

  const subscribe = useCallback((listener: () => void) => {
    listeners.current.add(listener);
    return () => void listeners.current.delete(listener);
  }, []);
  const read = () => session.view();
  return { view: useSyncExternalStore(subscribe, read, read), session };
}
