import { isIP, type Socket, connect as tcpConnect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { TLSSocket, connect as tlsConnect } from "node:tls";
import { Breaker } from "#lib/protocol/breaker.ts";
import { HubConnection, type RequestOptions } from "#lib/protocol/hub-connection.ts";
import { type HubBody, type HubEnvelope, HubError, type HubMessage, hubProtocolVersion } from "#lib/protocol/hub-messages.ts";
import { Backoff, type BackoffOptions } from "#lib/runtime/backoff.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { createTraceparent, traceFields } from "#lib/runtime/trace.ts";

/** How the client trusts the hub and shows itself; PEM texts. `false` speaks plain TCP, for a TLS proxy on the same machine. */
export type HubTls = { ca?: string | undefined; cert?: string | undefined; key?: string | undefined } | false;

const stopGraceMs = 5_000;

/** A hub that cannot be reached is knocked at about so often, in milliseconds, and waited for so long. */
const knockIntervalMs = 250;
const knockTimeoutMs = 1_000;

/** A hub that took too long is given twice as long the next time, and at most so many times as long. */
const maxPatience = 8;

export type HubClientOptions = {
  /** One or several; after a failure the next one is tried. */
  hubs: { host: string; port: number }[];
  /** Who this is. The token is read anew for every connection, so that it may be rotated. */
  hello: Omit<HubBody<"hello">, "protocolVersion" | "token" | "traceparent"> & { token: () => string };
  /** As a function it is asked anew for every connection, so that certificates may be renewed. */
  tls: HubTls | (() => HubTls);
  /** The address that connections are made from. */
  localAddress?: string | undefined;
  /** Time for TCP, and again for TLS and handshake, in milliseconds; 5,000 by default. A hub that is late gets more the next time. */
  connectTimeoutMs?: number;
  /** From 200 ms to 5 s by default. */
  backoff?: BackoffOptions;
  breaker?: Breaker;
  logger: Logger;
  /** Requests and notices of the hub. */
  onMessage?: (message: HubEnvelope, connection: HubConnection) => void;
  onConnect?: (welcome: HubBody<"welcome">) => void;
  onDisconnect?: (reason: Error) => void;
  onSent?: () => void;
  onReceived?: () => void;
};

/**
 * One lasting connection to a hub: it connects, says hello, keeps the heartbeat, and comes back after every loss with jittered
 * back-off behind a circuit breaker. A connection counts as a success once the hub has answered a first heartbeat, so that a hub
 * which welcomes and then falls over still opens the breaker; after `drop`, once it has answered a request.
 */
export class HubClient {
  readonly #options: HubClientOptions;
  readonly #backoff: Backoff;
  readonly breaker: Breaker;
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;
  #connection: HubConnection | undefined;
  #hub = 0;
  #patience = 1;
  /** The user gave up the last connection: heartbeats prove nothing until a request is answered. */
  #isDoubted = false;
  #prove = () => {};
  /** Ends the present attempt or connection. */
  #cut: (reason: Error) => void = () => {};
  /** Ends a wait between attempts. */
  #wake = new AbortController();

  constructor(options: HubClientOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.backoff ?? { initialMs: 200, maxMs: 5_000 });
    this.breaker = options.breaker ?? new Breaker();
  }

  get isConnected(): boolean {
    return this.#connection?.isOpen ?? false;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends the connection after what was sent and connects no more. */
  async stop(): Promise<void> {
    this.#abort.abort();
    // What was sent last, such as a result, is on its way only once the socket is closed.
    await this.#connection?.end(new Error("this client stopped"), stopGraceMs);
    await this.#running;
  }

  /** Asks the hub. Rejects at once with an Error when not connected; see HubConnection.request for the others. */
  async request(message: HubMessage, options: RequestOptions): Promise<HubEnvelope> {
    const prove = this.#prove;
    if (!this.#connection) throw new Error("not connected to a hub");
    const answer = await this.#connection.request(message, options);
    if (this.#isDoubted) {
      this.#isDoubted = false;
      prove();
    }
    return answer;
  }

  /**
   * Gives up the present connection, e.g. because the hub does not do what it is asked. The client comes back by itself, and ever
   * more slowly until the hub answers a request.
   */
  drop(reason: Error): void {
    this.#isDoubted = true;
    this.#connection?.destroy(reason);
  }

  /** Ends the connection and makes none until `release`: the breaker is held open by hand. */
  hold(): void {
    if (this.breaker.isHeld) return;
    this.breaker.hold();
    this.#options.logger.warn("the circuit breaker to the hub is held open");
    this.#cut(new Error("the circuit breaker is held open"));
    this.#wake.abort();
  }

  /** Lets it connect again, at once; also when failures had opened the breaker. */
  release(): void {
    if (!this.breaker.isHeld && this.breaker.state === "closed") return;
    this.#options.logger.warn("the circuit breaker to the hub is closed by hand");
    this.#backoff.reset();
    this.breaker.release();
    this.#wake.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    let reached: Socket | undefined;
    let wasReached = true;
    const stopped = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    while (!signal.aborted) {
      if (this.breaker.isHeld) {
        reached?.destroy();
        reached = undefined;
        await Promise.race([this.breaker.untilReleased(), stopped]);
        continue;
      }
      this.#wake = new AbortController();
      if (this.breaker.tryPass()) wasReached = await this.#connectOnce(reached, wasReached);
      const waitMs = Math.max(this.#backoff.next(), this.breaker.retryInMs);
      reached = undefined;
      if (this.breaker.isHeld) continue;
      if (wasReached) await sleep(waitMs, undefined, { signal: this.#waking() }).catch(() => {});
      else reached = await this.#knock(waitMs);
    }
    reached?.destroy();
  }

  /**
   * Waits as `sleep` does, and tries meanwhile whether a hub can be reached: TCP alone, which costs next to nothing. Where packets
   * vanish, one try does not wait for the end of the one before. Ends at once with the connection when there is one; the breaker
   * then lets it pass as its probe.
   */
  async #knock(waitMs: number): Promise<Socket | undefined> {
    const over = new AbortController();
    const stop = AbortSignal.any([this.#waking(), over.signal]);
    let reached: Socket | undefined;
    const knock = async () => {
      const hub = this.#hub;
      const socket = await this.#reach(this.#target(), knockTimeoutMs, over.signal);
      if (socket instanceof Error) this.#hub = Math.max(this.#hub, hub + 1);
      else if (stop.aborted) socket.destroy();
      else {
        reached = socket;
        this.#hub = hub;
        this.breaker.hurry();
        over.abort();
      }
    };
    const until = performance.now() + waitMs;
    while (!stop.aborted) {
      const pauseMs = knockIntervalMs * (0.6 + 0.4 * Math.random());
      const leftMs = until - performance.now();
      await sleep(Math.max(0, Math.min(pauseMs, leftMs)), undefined, { signal: stop }).catch(() => {});
      if (leftMs <= pauseMs) break;
      if (!stop.aborted) void knock();
    }
    over.abort();
    return reached;
  }

  #waking(): AbortSignal {
    return AbortSignal.any([this.#abort.signal, this.#wake.signal]);
  }

  /** One connection from dialling, or from one that was reached already, to its end. False when the hub could not even be reached. */
  async #connectOnce(reached: Socket | undefined, wasReached: boolean): Promise<boolean> {
    const { logger, connectTimeoutMs = 5_000 } = this.#options;
    const hub = this.#target();
    const dial = () => (wasReached ? this.#reach(hub, connectTimeoutMs) : this.#insist(hub, connectTimeoutMs));
    const tcp = reached ?? (await dial());
    if (tcp instanceof Error) {
      this.#failed(tcp);
      return false;
    }
    const traceparent = createTraceparent();
    const attempt = new AbortController();
    const ended = Promise.withResolvers<Error>();
    let proven = false;
    const socket = this.#secure(tcp, hub.host);
    const connection = new HubConnection(socket, {
      onMessage: (message) => this.#options.onMessage?.(message, connection),
      onClose: ended.resolve,
      onSent: this.#options.onSent,
      onReceived: this.#options.onReceived,
    });
    this.#cut = (reason) => connection.destroy(reason);
    // It may have been held while TCP was dialled.
    if (this.breaker.isHeld) connection.destroy(new Error("the circuit breaker is held open"));
    const stop = () => connection.destroy(new Error("this client stopped"));
    this.#abort.signal.addEventListener("abort", stop);
    try {
      const welcome = await this.#shakeHands(socket, connection, { traceparent, ended: ended.promise });
      this.#abort.signal.removeEventListener("abort", stop);
      this.#connection = connection;
      this.#prove = () => {
        proven = true;
        this.breaker.succeed();
        this.#backoff.reset();
      };
      this.#options.onConnect?.(welcome);
      const { hub: hubName, version: hubVersion } = welcome;
      const found = { ...traceFields(traceparent), hub: `${hub.host}:${hub.port}`, hubName, hubVersion };
      logger.info(found, "connected to the hub");
      void this.#keepHeartbeat(connection, welcome.heartbeatIntervalMs, attempt.signal, () => {
        if (!this.#isDoubted) this.#prove();
      });
    } catch (error) {
      connection.destroy(error instanceof Error ? error : new Error(String(error)));
    }
    const reason = await ended.promise;
    attempt.abort();
    this.#abort.signal.removeEventListener("abort", stop);
    const wasConnected = this.#connection === connection;
    this.#connection = undefined;
    if (this.#abort.signal.aborted) return true;
    if (proven) this.#lost(hub, reason, traceparent);
    else this.#failed(reason, traceparent);
    if (wasConnected) this.#options.onDisconnect?.(reason);
    return true;
  }

  /** A connection that was no good: the next hub is next. */
  #failed(reason: Error, traceparent?: string): void {
    if (this.#abort.signal.aborted) return;
    if (reason instanceof HubError && reason.code === "timeout") this.#patience = Math.min(maxPatience, this.#patience * 2);
    this.breaker.fail();
    this.#lost(this.#target(), reason, traceparent);
    this.#hub += 1;
  }

  #lost({ host, port }: { host: string; port: number }, reason: Error, traceparent?: string): void {
    const { state: breaker } = this.breaker;
    const found = { ...traceFields(traceparent), hub: `${host}:${port}`, reason: reason.message, breaker };
    this.#options.logger.warn(found, "no connection to the hub");
  }

  #target(): { host: string; port: number } {
    const { hubs } = this.#options;
    const hub = hubs[this.#hub % hubs.length];
    if (!hub) throw new Error("a hub client needs at least one address");
    return hub;
  }

  /** As `#reach`, for a hub that may be where packets vanish: it tries anew before TCP would, and the first answer counts. */
  #insist(hub: { host: string; port: number }, timeoutMs: number): Promise<Socket | Error> {
    const over = new AbortController();
    return new Promise((resolve) => {
      const attempt = async () => {
        const outcome = await this.#reach(hub, timeoutMs, over.signal);
        if (over.signal.aborted) {
          if (!(outcome instanceof Error)) outcome.destroy();
          return;
        }
        clearInterval(timer);
        over.abort();
        resolve(outcome);
      };
      const timer = setInterval(attempt, knockIntervalMs);
      void attempt();
    });
  }

  /** A TCP connection to the hub, or why there is none. */
  #reach({ host, port }: { host: string; port: number }, timeoutMs: number, over?: AbortSignal): Promise<Socket | Error> {
    const { localAddress } = this.#options;
    const from = localAddress ? { localAddress, family: isIP(localAddress), autoSelectFamily: false } : {};
    const signal = over ? AbortSignal.any([this.#abort.signal, over]) : this.#abort.signal;
    return new Promise((resolve) => {
      const socket = tcpConnect({ host, port, noDelay: true, ...from });
      const giveUp = () => socket.destroy(new Error(`no TCP connection within ${timeoutMs} ms`));
      const timer = setTimeout(giveUp, timeoutMs);
      const settle = (outcome: Socket | Error) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", giveUp);
        resolve(outcome);
      };
      signal.addEventListener("abort", giveUp);
      socket.once("connect", () => settle(socket));
      socket.on("error", settle);
    });
  }

  #secure(socket: Socket, host: string): Socket {
    const tls = this.#tls();
    if (tls === false) return socket;
    const name = isIP(host) ? { host } : { host, servername: host };
    return tlsConnect({ socket, ...name, ca: tls.ca, cert: tls.cert, key: tls.key, minVersion: "TLSv1.3" });
  }

  #tls(): HubTls {
    const { tls } = this.#options;
    return typeof tls === "function" ? tls() : tls;
  }

  /** Sends the token only once the hub's certificate is verified. */
  async #shakeHands(
    socket: Socket,
    connection: HubConnection,
    { traceparent, ended }: { traceparent: string; ended: Promise<Error> },
  ): Promise<HubBody<"welcome">> {
    const { hello, connectTimeoutMs = 5_000 } = this.#options;
    const timeoutMs = connectTimeoutMs * this.#patience;
    const late = new HubError("timeout", `no welcome within ${timeoutMs} ms`);
    const timer = setTimeout(() => connection.destroy(late), timeoutMs);
    try {
      const secured = new Promise<void>((resolve) => socket.once("secureConnect", resolve));
      if (socket instanceof TLSSocket) await Promise.race([secured, ended]);
      const body = { ...hello, traceparent, token: hello.token(), protocolVersion: hubProtocolVersion };
      const answer = await connection.request({ name: "hello", body }, { timeoutMs });
      if (answer.name !== "welcome") throw new HubError("bad_message", `the hub answered hello with ${answer.name}`);
      this.#patience = 1;
      return answer.body;
    } finally {
      clearTimeout(timer);
    }
  }

  async #keepHeartbeat(connection: HubConnection, intervalMs: number, signal: AbortSignal, onAnswer: () => void): Promise<void> {
    try {
      while (!signal.aborted) {
        await connection.request({ name: "heartbeat", body: {} }, { timeoutMs: intervalMs * 2 });
        onAnswer();
        await sleep(intervalMs, undefined, { signal });
      }
    } catch (error) {
      if (!signal.aborted)
        connection.destroy(new Error(`no heartbeat: ${error instanceof Error ? error.message : String(error)}`));
    }
  }
}
