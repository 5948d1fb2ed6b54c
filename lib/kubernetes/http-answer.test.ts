import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AnswerHead, HttpAnswer } from "./http-answer.ts";

function read(pieces: Buffer[]) {
  const heads: AnswerHead[] = [];
  const body: string[] = [];
  const answer = new HttpAnswer(
    (head) => heads.push(head),
    (bytes) => body.push(bytes.toString("latin1")),
  );
  for (const piece of pieces) answer.take(piece);
  return { heads, body: body.join(""), answer };
}

const head = (...lines: string[]) => `HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

describe("an answer of HTTP/1.1", () => {
  test("gives the same body however its bytes are cut", () => {
    const body = fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(fc.array(body, { maxLength: 6 }), fc.array(fc.nat(400), { maxLength: 8 }), (chunks, cuts) => {
        const text = `${head("Transfer-Encoding: chunked")}${chunks.map(chunk).join("")}0\r\nx-after: 1\r\n\r\n`;
        const places = [0, ...cuts.filter((cut) => cut < text.length).toSorted((a, b) => a - b), text.length];
        const pieces = places.slice(1).map((end, index) => Buffer.from(text.slice(places[index], end), "latin1"));
        const { heads, body: found, answer } = read(pieces);
        expect(heads).toHaveLength(1);
        expect(found).toBe(chunks.join(""));
        expect(answer.hasEnded).toBe(true);
      }),
    );
  });

  test("byte by byte, with the chunk's extension, and cut short", () => {
    const text = `${head("transfer-encoding: chunked")}5;name=value\r\nhello\r\n3\r\nab`;
    const { body, answer } = read(Array.from(text, (one) => Buffer.from(one)));
    expect(body).toBe("helloab");
    expect([answer.hasEnded, answer.endsWithConnection]).toEqual([false, false]);
  });

  test("ends by its length, and otherwise with the connection", () => {
    const measured = read([Buffer.from(`${head("Content-Length: 5")}hello and more`)]);
    expect(measured.body).toBe("hello");
    expect(measured.answer.hasEnded).toBe(true);
    const open = read([Buffer.from(`${head("x: y")}hello`)]);
    expect(open.body).toBe("hello");
    expect([open.answer.hasEnded, open.answer.endsWithConnection]).toEqual([false, true]);
    expect(read([Buffer.from(head("content-length: 0"))]).answer.hasEnded).toBe(true);
  });

  test("an interim answer is passed over", () => {
    const { heads } = read([Buffer.from("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 403 Forbidden\r\nA: b: c\r\n\r\n")]);
    expect(heads).toEqual([{ status: 403, headers: new Map([["a", "b: c"]]) }]);
  });

  test.each([
    ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
    ["a chunk without a size", `${head("transfer-encoding: chunked")}hello\r\n`],
    ["a chunk of a negative size", `${head("transfer-encoding: chunked")}-5\r\nhello\r\n`],
    ["a length that is none", `${head("content-length: 5x")}hello`],
    ["a head without an end", head(`x: ${"y".repeat(70_000)}`).trim()],
    ["a line without an end", "y".repeat(70_000)],
  ])("is refused: %s", (_, text) => {
    expect(() => read([Buffer.from(text)])).toThrow();
  });
});
