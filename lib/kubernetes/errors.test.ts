import { expect, test, vi } from "vitest";
import { DomainError } from "#lib/domain/errors.ts";
import { KubernetesError, noAnswerError, readStatusError } from "./errors.ts";

test("an answer of the API keeps its status and its reason, and its message becomes a sentence", () => {
  const error = readStatusError(409, JSON.stringify({ reason: "Conflict", message: "the object has been modified" }));
  expect(error).toMatchObject({ status: 409, reason: "Conflict", code: "kubernetes-refused" });
  expect(error.message).toBe("The Kubernetes API refused this: the object has been modified");
  expect(readStatusError(404, "no json").code).toBe("not-found");
  expect(readStatusError(503, "").code).toBe("kubernetes-unavailable");
  expect(noAnswerError(Object.assign(new Error("x"), { code: "ECONNREFUSED" }))).toMatchObject({
    status: 0,
    code: "kubernetes-unavailable",
  });
});

test("an error of another copy of the module is known for what it is", async () => {
  vi.resetModules();
  const other = await import("./errors.ts");
  expect(other.KubernetesError).not.toBe(KubernetesError);
  const error: unknown = other.readStatusError(404, "");
  expect(error instanceof KubernetesError).toBe(true);
  expect(error instanceof DomainError).toBe(true);
  expect(new DomainError("stale", "x") instanceof KubernetesError).toBe(false);
  expect(new Error("x") instanceof DomainError).toBe(false);
});
