const encoder = new TextEncoder();

/** Text as a file to keep, taken from the source only as fast as the connection carries it; a cancelled download ends the source. */
export function streamDownload(source: AsyncIterable<string>, { name, type }: { name: string; type: string }): Response {
  const parts = source[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      await parts.return?.();
    },
  });
  return new Response(body, {
    headers: {
      "content-type": `${type}; charset=utf-8`,
      "content-disposition": `attachment; filename="${name}"`,
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    },
  });
}

/** A picture that never changes at its address; whoever opens it by itself gets nothing that runs. */
export function answerImage({ type, bytes }: { type: string; bytes: Uint8Array<ArrayBuffer> }): Response {
  return new Response(bytes, {
    headers: {
      "content-type": type,
      "content-length": String(bytes.length),
      "cache-control": "private, max-age=31536000, immutable",
      "content-security-policy": "default-src 'none'; sandbox",
      "x-content-type-options": "nosniff",
    },
  });
}
