const maxHeadBytes = 64 * 1024;
const headEnd = "\r\n\r\n";
const lineFeed = 10;

export type AnswerHead = { status: number; headers: Map<string, string> };

/** Reads the bytes of one HTTP/1.1 answer (RFC 9112) as they come; its body goes on in the same memory, without a copy. */
export class HttpAnswer {
  readonly #onHead: (head: AnswerHead) => void;
  readonly #onBody: (bytes: Buffer) => void;
  #reading: "head" | "body" | "size" | "behind" | "trailer" | "nothing" = "head";
  #line = "";
  #left = Number.POSITIVE_INFINITY;
  #isChunked = false;

  constructor(onHead: (head: AnswerHead) => void, onBody: (bytes: Buffer) => void) {
    this.#onHead = onHead;
    this.#onBody = onBody;
  }

  get hasEnded(): boolean {
    return this.#reading === "nothing";
  }

  /** Whether the answer ends only where its connection does. */
  get endsWithConnection(): boolean {
    return this.#reading === "body" && this.#left === Number.POSITIVE_INFINITY;
  }

  /** Takes the next bytes. Throws an Error for what is no such answer. */
  take(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length && this.#reading !== "nothing")
      at = this.#reading === "body" ? this.#takeBody(bytes, at) : this.#takeLine(bytes, at);
  }

  #takeBody(bytes: Buffer, from: number): number {
    const to = Math.min(bytes.length, from + this.#left);
    this.#left -= to - from;
    if (this.#left === 0) this.#reading = this.#isChunked ? "behind" : "nothing";
    this.#onBody(bytes.subarray(from, to));
    return to;
  }

  /** A line, or all of the head, which may come in parts. */
  #takeLine(bytes: Buffer, from: number): number {
    const found = bytes.indexOf(lineFeed, from);
    const to = found < 0 ? bytes.length : found + 1;
    this.#line += bytes.toString("latin1", from, to);
    if (this.#line.length > maxHeadBytes) throw new Error("the head of an answer is too long");
    if (found < 0 || (this.#reading === "head" && !this.#line.endsWith(headEnd))) return to;
    const line = this.#line;
    this.#line = "";
    if (this.#reading === "head") this.#readHead(line);
    else if (this.#reading === "size") this.#readSize(line);
    else if (this.#reading === "behind") this.#reading = "size";
    else if (line.trim() === "") this.#reading = "nothing";
    return to;
  }

  #readHead(text: string): void {
    const [first = "", ...lines] = text.split("\r\n");
    const status = Number(/^HTTP\/1\.[01] (\d{3})\b/.exec(first)?.[1]);
    if (!status) throw new Error("what answers does not speak HTTP/1.1");
    if (status < 200) return;
    const fields = lines.filter((line) => line !== "");
    const headers = new Map(fields.map((line): [string, string] => [nameOf(line), line.slice(line.indexOf(":") + 1).trim()]));
    this.#isChunked = headers.get("transfer-encoding")?.toLowerCase().endsWith("chunked") ?? false;
    const length = headers.get("content-length");
    if (!this.#isChunked && length !== undefined) this.#left = readLength(length);
    this.#reading = this.#isChunked ? "size" : this.#left === 0 || status === 204 ? "nothing" : "body";
    this.#onHead({ status, headers });
  }

  #readSize(line: string): void {
    const size = /^[0-9a-f]{1,8}(?=[;\s])/i.exec(line)?.[0];
    if (size === undefined) throw new Error("a chunk of an answer has no size");
    this.#left = Number.parseInt(size, 16);
    this.#reading = this.#left === 0 ? "trailer" : "body";
  }
}

function readLength(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new Error("an answer says no length");
  return Number(text);
}

function nameOf(line: string): string {
  return line.slice(0, Math.max(0, line.indexOf(":"))).toLowerCase();
}
