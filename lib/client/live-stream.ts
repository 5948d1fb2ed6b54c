import type { LiveMessage } from "#lib/domain/fleet/schemas.ts";

const messageTypes = [
  "snapshot",
  "services",
  "instances",
  "events",
  "figures",
  "instanceFigures",
  "feeds",
  "alerts",
  "heartbeat",
] as const;

/** The state of the one connection that keeps a tab up to date. `since` is when the state began, in milliseconds. */
export type StreamState = { state: "connecting" | "live" | "lost" | "paused"; since: number };

/** The part of EventSource that the stream uses. */
export type Source = {
  addEventListener(type: string, listener: (event: { data?: string }) => void): void;
  close(): void;
};

export type LiveStreamOptions = {
  open: (url: string) => Source;
  onMessage: (message: LiveMessage) => void;
  onState: (state: StreamState) => void;
  /** Called after a failed connection, to find out whether the session has ended. */
  onFailure?: () => void;
  now?: () => number;
  /** Heartbeats come every 10 s; after this long without any message the connection counts as dead. */
  silenceMs?: number;
  setTimer?: (callback: () => void, ms: number) => unknown;
  clearTimer?: (timer: unknown) => void;
};

/**
 * One Server-Sent-Events connection of a tab. It replaces EventSource's own reconnecting, which waits for seconds, never
 * notices a half-open connection, and gives up for good on an HTTP error.
 */
export class LiveStream {
  readonly #options: Required<Omit<LiveStreamOptions, "onFailure">> & Pick<LiveStreamOptions, "onFailure">;
  #service: string | null = null;
  #source: Source | null = null;
  #timer: unknown = null;
  #attempt = 0;
  #state: StreamState;

  constructor(options: LiveStreamOptions) {
    this.#options = {
      now: Date.now,
      silenceMs: 25_000,
      setTimer: (callback, ms) => setTimeout(callback, ms),
      clearTimer: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
      ...options,
    };
    this.#state = { state: "connecting", since: this.#options.now() };
  }

  /** Opens the stream, or moves it to another service; null follows only the list. */
  follow(service: string | null): void {
    if (this.#source && service === this.#service) return;
    this.#service = service;
    this.#attempt = 0;
    this.#connect();
  }

  /** Closes the connection of a hidden tab; `follow` opens it again. */
  pause(): void {
    this.#drop();
    this.#enter("paused");
  }

  close(): void {
    this.#drop();
  }

  #connect(): void {
    this.#drop();
    const { open, onMessage } = this.#options;
    const source = open(this.#service ? `/api/stream?service=${encodeURIComponent(this.#service)}` : "/api/stream");
    this.#source = source;
    this.#watchForSilence();
    for (const type of messageTypes) {
      source.addEventListener(type, (event) => {
        if (this.#source !== source || typeof event.data !== "string") return;
        this.#attempt = 0;
        this.#watchForSilence();
        this.#enter("live");
        onMessage(JSON.parse(event.data) as LiveMessage);
      });
    }
    source.addEventListener("error", () => {
      if (this.#source === source) this.#lose();
    });
  }

  #lose(): void {
    this.#drop();
    this.#enter("lost");
    this.#options.onFailure?.();
    const waitMs = Math.min(10_000, 500 * 2 ** this.#attempt);
    this.#attempt += 1;
    this.#timer = this.#options.setTimer(() => this.#connect(), waitMs);
  }

  #watchForSilence(): void {
    if (this.#timer !== null) this.#options.clearTimer(this.#timer);
    this.#timer = this.#options.setTimer(() => this.#lose(), this.#options.silenceMs);
  }

  #drop(): void {
    if (this.#timer !== null) this.#options.clearTimer(this.#timer);
    this.#timer = null;
    this.#source?.close();
    this.#source = null;
  }

  #enter(state: StreamState["state"]): void {
    if (this.#state.state === state) return;
    this.#state = { state, since: this.#options.now() };
    this.#options.onState(this.#state);
  }
}
