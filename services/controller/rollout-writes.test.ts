import { expect, test } from "vitest";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { writeAll } from "./rollout-writes.ts";

const path = "/apis/apps/v1/namespaces/fleet/deployments/relay";

function refusing(status: number, reason: string, message: string) {
  const refuse = () => Promise.reject(new KubernetesError(status, reason, message));
  return writeAll({ create: refuse, patch: refuse, remove: refuse }, [{ kind: "patch", path, patch: [] }]);
}

test.each([
  [409, "Conflict", "the object has been modified"],
  [404, "NotFound", 'deployments.apps "relay" not found'],
  [422, "Invalid", "the server rejected our request due to an error in our request"],
  [422, "Invalid", "the server rejected our request due to an error in our request: Test operation failed"],
])("a write that somebody else was faster than is met in the next pass (%s %s: %s)", async (status, reason, message) => {
  expect(await refusing(status, reason, message)).toBeNull();
});

test.each([
  [422, "Invalid", 'Deployment.apps "relay" is invalid: spec.template: Invalid value: "relay:latest": not allowed'],
  [403, "Forbidden", 'admission webhook "policy" denied the request: the tag latest is not allowed'],
])("a refusal is told, whatever words it has (%s %s: %s)", async (status, reason, message) => {
  expect(await refusing(status, reason, message)).toContain(message);
});
