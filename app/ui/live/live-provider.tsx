"use client";
import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from "react";
import { alertKeys } from "#lib/client/alerts.ts";
import { fleetKeys } from "#lib/client/fleet.ts";
import { onHint } from "#lib/client/hints.ts";
import { reduceService, reduceServices, removesService } from "#lib/client/live-reducer.ts";
import { LiveStream, type Source, type StreamState } from "#lib/client/live-stream.ts";
import type { LiveMessage, ServiceAnswer, ServicesAnswer } from "#lib/domain/fleet/schemas.ts";

type Live = { stream: StreamState; gone: ReadonlySet<string>; watch: (service: string) => () => void };
const LiveContext = createContext<Live | null>(null);

const hiddenPauseMs = 60_000;

/** Holds the tab's one live connection and lets its messages into the query cache. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [stream, setStream] = useState<StreamState>({ state: "connecting", since: 0 });
  const [gone, setGone] = useState<ReadonlySet<string>>(new Set());
  const wanted = useRef<string[]>([]);
  const connection = useRef<LiveStream | null>(null);

  useEffect(() => {
    const onAlerts = onHint(queries, alertKeys.all);
    let hasSnapshot = false;
    const onMessage = (message: LiveMessage) => {
      // A snapshot that is not the first follows a time in which hints could be missed.
      if (message.type === "alerts" || (message.type === "snapshot" && hasSnapshot)) onAlerts();
      // And the first one follows the time since the page, with its alerts, was made.
      else if (message.type === "snapshot") void queries.invalidateQueries({ queryKey: alertKeys.live });
      hasSnapshot ||= message.type === "snapshot";
      queries.setQueryData<ServicesAnswer>(fleetKeys.services, (current) => reduceServices(current, message));
      const service = wanted.current.at(-1);
      if (!service) return;
      queries.setQueryData<ServiceAnswer>(fleetKeys.service(service), (current) => reduceService(current, service, message));
      if (message.type === "snapshot" || message.type === "services") {
        const isGone = removesService(service, message);
        const isBack = message.type === "snapshot" ? !isGone : message.upserted.some((each) => each.id === service);
        if (isGone || isBack) setGone((known) => (known.has(service) === isGone ? known : withMember(known, service, isGone)));
      }
    };
    const live = new LiveStream({
      open: (url) => new EventSource(url) as unknown as Source,
      onMessage,
      onState: setStream,
      onFailure: () => void leaveWhenSignedOut(),
    });
    connection.current = live;
    live.follow(wanted.current.at(-1) ?? null);
    let hiding: ReturnType<typeof setTimeout> | undefined;
    const onVisibility = () => {
      clearTimeout(hiding);
      if (document.hidden) hiding = setTimeout(() => live.pause(), hiddenPauseMs);
      else live.follow(wanted.current.at(-1) ?? null);
    };
    document.addEventListener("visibilitychange", onVisibility);
    return () => {
      document.removeEventListener("visibilitychange", onVisibility);
      clearTimeout(hiding);
      live.close();
      connection.current = null;
    };
  }, [queries]);

  const watch = useMemo(
    () => (service: string) => {
      wanted.current.push(service);
      connection.current?.follow(service);
      return () => {
        const index = wanted.current.lastIndexOf(service);
        if (index >= 0) wanted.current.splice(index, 1);
        // The next page may watch at once: decide after it had its turn.
        queueMicrotask(() => connection.current?.follow(wanted.current.at(-1) ?? null));
      };
    },
    [],
  );

  const value = useMemo(() => ({ stream, gone, watch }), [stream, gone, watch]);
  return <LiveContext value={value}>{children}</LiveContext>;
}

function withMember(known: ReadonlySet<string>, member: string, present: boolean): ReadonlySet<string> {
  const next = new Set(known);
  if (present) next.add(member);
  else next.delete(member);
  return next;
}

async function leaveWhenSignedOut() {
  const answer = await fetch("/api/session", { cache: "no-store" }).catch(() => null);
  if (answer?.status === 401)
    window.location.assign(`/login?callbackUrl=${encodeURIComponent(window.location.pathname + window.location.search)}`);
}

export function useLive(): Live {
  const live = useContext(LiveContext);
  if (!live) throw new Error("useLive belongs inside the console.");
  return live;
}

/** Makes the stream carry one service's instances and events while the component is there; null watches none. */
export function useWatchedService(service: string | null) {
  const { watch } = useLive();
  useEffect(() => (service ? watch(service) : undefined), [service, watch]);
}
