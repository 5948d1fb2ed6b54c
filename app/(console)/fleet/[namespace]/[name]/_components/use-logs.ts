"use client";
import { startTransition, useCallback, useEffect, useRef, useState } from "react";
import { queryString } from "#lib/client/api.ts";
import { appendLines, emptyRing, type LogLine, type LogRing, parseLogLine, readLogs } from "#lib/client/logs.ts";

export const keptLines = 5000;

export type LogRequest = { id: string; pods: string[]; follow: boolean; previous: boolean; tail: number };
type State = { ring: LogRing; status: "reading" | "ended" | "failed"; error: unknown };

/** Reads the logs of a request into a bounded ring; draws at most ten times a second; holds back while paused. */
export function useLogs({ id, pods, follow, previous, tail }: LogRequest, isPaused: boolean) {
  const [state, setState] = useState<State>({ ring: emptyRing, status: "reading", error: null });
  const [attempt, setAttempt] = useState(0);
  const waiting = useRef<LogLine[]>([]);
  const [held, setHeld] = useState(0);
  const paused = useRef(isPaused);
  paused.current = isPaused;
  const podList = pods.join(",");

  const flush = useCallback(() => {
    const lines = waiting.current;
    if (lines.length === 0) return;
    waiting.current = [];
    // A transition, so that a torrent of lines never holds up going to another page.
    startTransition(() => {
      setHeld(0);
      setState((current) => ({ ...current, ring: appendLines(current.ring, lines, keptLines) }));
    });
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt reads again
  useEffect(() => {
    const abort = new AbortController();
    let next = 1;
    waiting.current = [];
    setHeld(0);
    setState({ ring: emptyRing, status: "reading", error: null });
    if (podList === "") return;
    const timer = setInterval(() => {
      if (paused.current) {
        if (waiting.current.length > keptLines) waiting.current = waiting.current.slice(-keptLines);
        setHeld(waiting.current.length);
      } else flush();
    }, 100);
    const url = `/api/services/${id}/logs${queryString({ pods: podList, follow, previous, tail })}`;
    readLogs(url, abort.signal, (messages) => {
      const now = new Date().toISOString();
      for (const message of messages) waiting.current.push(parseLogLine(next++, message, now));
    })
      .then(
        () => setState((current) => ({ ...current, status: "ended" })),
        (error: unknown) => {
          if (!abort.signal.aborted) setState((current) => ({ ...current, status: "failed", error }));
        },
      )
      .catch(() => undefined);
    return () => {
      abort.abort();
      clearInterval(timer);
    };
  }, [id, podList, follow, previous, tail, attempt, flush]);

  useEffect(() => {
    if (!isPaused) flush();
  }, [isPaused, flush]);

  return { ...state, held, again: () => setAttempt((count) => count + 1) };
}
