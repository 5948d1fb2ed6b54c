const newline = 10;

/** Cuts bytes that come in any pieces into lines. Neither a piece nor the bytes of a line are kept. */
export class LineSplitter {
  readonly #onLine: (bytes: Buffer, start: number, end: number) => void;
  #rest: Buffer[] = [];

  constructor(onLine: (bytes: Buffer, start: number, end: number) => void) {
    this.#onLine = onLine;
  }

  /** Tells of every line that this piece ends; what stands behind the last newline waits for the next piece. */
  take(piece: Buffer): void {
    let end = piece.indexOf(newline);
    let start = 0;
    if (end >= 0 && this.#rest.length > 0) {
      const line = Buffer.concat([...this.#rest, piece.subarray(0, end)]);
      this.#rest = [];
      this.#tell(line, 0, line.length);
      start = end + 1;
      end = piece.indexOf(newline, start);
    }
    for (; end >= 0; end = piece.indexOf(newline, start)) {
      this.#tell(piece, start, end);
      start = end + 1;
    }
    if (start < piece.length) this.#rest.push(Buffer.from(piece.subarray(start)));
  }

  #tell(bytes: Buffer, start: number, end: number): void {
    if (end > start) this.#onLine(bytes, start, end);
  }
}
