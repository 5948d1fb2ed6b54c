/** Cuts a stream into lines. It holds at most one unfinished line; a line that is too long throws RangeError. */
export class LineReader {
  readonly #maxBytes: number;
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a line was begun and is not whole. */
  get isHalfRead(): boolean {
    return this.#pendingBytes > 0;
  }

  push(chunk: Buffer, onLine: (line: string) => void): void {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const line = this.#finish(chunk, from, end);
      from = end + 1;
      onLine(line.trim());
    }
    if (from < chunk.length) this.#hold(Buffer.from(chunk.subarray(from)));
  }

  #finish(chunk: Buffer, from: number, end: number): string {
    if (this.#pendingBytes === 0 && end - from <= this.#maxBytes) return chunk.toString("utf8", from, end);
    this.#hold(chunk.subarray(from, end));
    const line = Buffer.concat(this.#pending).toString();
    this.#pending = [];
    this.#pendingBytes = 0;
    return line;
  }

  #hold(part: Buffer): void {
    this.#pendingBytes += part.length;
    if (this.#pendingBytes > this.#maxBytes) throw new RangeError(`a line is longer than ${this.#maxBytes} bytes`);
    this.#pending.push(part);
  }
}
