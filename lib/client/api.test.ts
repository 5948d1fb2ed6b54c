import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiError, messageOf, queryString, request } from "./api.ts";

afterEach(() => vi.unstubAllGlobals());
const answerWith = (response: Response | Error) =>
  vi.stubGlobal("fetch", async () => {
    if (response instanceof Error) throw response;
    return response;
  });
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => (error instanceof ApiError ? error : null),
  );

describe("a request to the API", () => {
  it("gives the parsed answer", async () => {
    answerWith(Response.json({ a: 1 }));
    expect(await request("/api/x")).toEqual({ a: 1 });
  });

  it("gives nothing for an answer without content", async () => {
    answerWith(new Response(null, { status: 204 }));
    expect(await request("/api/x")).toBeUndefined();
  });

  it("fails with the problem that the server named", async () => {
    answerWith(
      Response.json(
        {
          title: "Stale",
          status: 409,
          detail: "It changed.",
          code: "stale",
          changed: [{ field: "replicas", seen: "3", now: "4" }],
        },
        { status: 409, headers: { "content-type": "application/problem+json" } },
      ),
    );
    const error = await failure(request("/api/x"));
    expect(error?.code).toBe("stale");
    expect(error?.problem.changed?.[0]?.now).toBe("4");
    expect(messageOf(error)).toBe("It changed.");
  });

  it("fails with a sentence when a proxy's page comes instead", async () => {
    answerWith(new Response("<html>Bad gateway</html>", { status: 502 }));
    const error = await failure(request("/api/x"));
    expect(error?.code).toBe("unexpected");
    expect(error?.message).toContain("502");
    expect(error?.message).not.toContain("<html>");
  });

  it("says that nothing answered when the network fails", async () => {
    answerWith(new TypeError("Failed to fetch"));
    expect((await failure(request("/api/x")))?.code).toBe("unreachable");
  });

  it("lets an abort through as what it is", async () => {
    const abort = new AbortController();
    abort.abort();
    const reason = new DOMException("aborted", "AbortError");
    answerWith(reason as unknown as Error);
    await expect(request("/api/x", { signal: abort.signal })).rejects.toBe(reason);
  });
});

describe("the query of an address", () => {
  it("leaves out what is not set and keeps 0 and false", () => {
    expect(queryString({ a: null, b: "", c: undefined, d: 0, e: false, f: "x y" })).toBe("?d=0&e=false&f=x+y");
    expect(queryString({})).toBe("");
  });
});
