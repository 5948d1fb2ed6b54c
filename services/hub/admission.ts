import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

/** Handshakes at a time: enough to keep the processor busy, few enough that each is soon done. */
const defaultAtOnce = 64;

/** Of what a peer sends before its turn; what one read gives more, 64 KiB at most, is kept too. */
const maxEarlyBytes = 4_096;

/** All edges of a region come back at once: what the system turns away comes again only after a second. */
const backlog = 4096;

export type AdmissionOptions = {
  maxConnections: number;
  /** For a peer to begin. A handshake that takes longer than a fifth of it keeps nobody waiting any more. */
  handshakeTimeoutMs: number;
  atOnce?: number;
  /** A connection whose turn it is; nothing has been read from it. Whoever takes it calls `finished` when it is through. */
  begin: (socket: Socket) => void;
  /** How many wait for their turn, when that has changed. */
  onWaiting: (waiting: number) => void;
  onTurnedAway: (reason: "too_many" | "no_tls" | "handshake_timeout") => void;
};

type Arrival = { socket: Socket; leave: () => void };

/**
 * The TCP listener before TLS. Handshakes that all run at once are all late, and the work of those that time out is lost; so they
 * run a few at a time, first come, first served. A peer that says nothing, or leaves while it waits, takes nobody's turn.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #server: Server;
  /** Connected, and silent until now. */
  readonly #silent = new Set<Arrival>();
  /** These have begun to speak, in the order in which they did. */
  readonly #waiting = new Set<Arrival>();
  #waitingTold = 0;
  /** By the peer's address: TLS gives its own socket back. */
  readonly #begun = new Map<string, () => void>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true, highWaterMark: maxEarlyBytes }, (socket) => this.#take(socket));
    this.#server.maxConnections = options.maxConnections;
    this.#server.on("drop", () => options.onTurnedAway("too_many"));
  }

  get isListening(): boolean {
    return this.#server.listening;
  }

  listen(host: string, port: number): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ port, host, backlog }, () => {
        this.#server.off("error", reject);
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  /** Takes no more connections and closes those whose turn has not come. Resolves when the others are closed too. */
  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const { socket } of [...this.#silent, ...this.#waiting]) socket.destroy();
    return closed;
  }

  /** The peer's handshake is through: it is the next one's turn. */
  finished(peer: Pick<Socket, "remoteAddress" | "remotePort">): void {
    this.#begun.get(placeOf(peer))?.();
  }

  #take(socket: Socket): void {
    const { handshakeTimeoutMs, onTurnedAway } = this.#options;
    let earlyBytes = 0;
    let isLate = false;
    const arrival: Arrival = {
      socket,
      leave: () => {
        clearTimeout(timer);
        this.#silent.delete(arrival);
        this.#waiting.delete(arrival);
        socket.off("readable", onReadable).off("close", onClose);
      },
    };
    const onClose = () => {
      arrival.leave();
      this.#tell();
      if (this.isListening) onTurnedAway(isLate ? "handshake_timeout" : "no_tls");
    };
    // Comes with more bytes, and once more, with none, when the peer has left.
    const onReadable = () => {
      if (socket.readableLength === earlyBytes) {
        socket.destroy();
        return;
      }
      earlyBytes = socket.readableLength;
      if (!this.#silent.delete(arrival)) return;
      clearTimeout(timer);
      this.#waiting.add(arrival);
      this.#serve();
    };
    const timer = setTimeout(() => {
      isLate = true;
      socket.destroy();
    }, handshakeTimeoutMs);
    this.#silent.add(arrival);
    socket.on("readable", onReadable).on("close", onClose).on("error", ignore);
  }

  #serve(): void {
    const { atOnce = defaultAtOnce } = this.#options;
    for (const arrival of this.#waiting) {
      if (this.#begun.size >= atOnce) break;
      arrival.leave();
      this.#begin(arrival.socket);
    }
    this.#tell();
  }

  #tell(): void {
    if (this.#waiting.size === this.#waitingTold) return;
    this.#waitingTold = this.#waiting.size;
    this.#options.onWaiting(this.#waitingTold);
  }

  #begin(socket: Socket): void {
    const { handshakeTimeoutMs, begin } = this.#options;
    const place = placeOf(socket);
    const release = () => {
      clearTimeout(timer);
      socket.off("close", release);
      if (this.#begun.get(place) === release) this.#begun.delete(place);
      this.#serve();
    };
    const timer = setTimeout(release, handshakeTimeoutMs / 5);
    socket.on("close", release);
    this.#begun.set(place, release);
    begin(socket);
  }
}

function placeOf({ remoteAddress, remotePort }: Pick<Socket, "remoteAddress" | "remotePort">): string {
  return `${remoteAddress}:${remotePort}`;
}

function ignore(): void {}
