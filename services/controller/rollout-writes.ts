import type { Write } from "#lib/domain/rollouts/engine/writes.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";

/** The first refusal as a sentence; who else wrote in between, or made the same object, is met in the next pass. */
export async function writeAll(
  kubernetes: Pick<KubernetesClient, "create" | "patch" | "remove">,
  writes: readonly Write[],
): Promise<string | null> {
  for (const write of writes) {
    try {
      await writeOne(kubernetes, write);
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error;
      if (error.status !== 409 && error.status !== 404 && !isFailedTest(error)) return error.message;
    }
  }
  return null;
}

/** The API's words, all that it says of a test of a JSON Patch that fails; who breaks a rule of the object's is told of that. */
const patchDoesNotApply = "the server rejected our request due to an error in our request";

function isFailedTest({ status, message }: KubernetesError): boolean {
  return status === 422 && message.includes(patchDoesNotApply);
}

async function writeOne(kubernetes: Pick<KubernetesClient, "create" | "patch" | "remove">, write: Write): Promise<void> {
  switch (write.kind) {
    case "create":
      await kubernetes.create(write.path, write.object);
      return;
    case "patch":
      await kubernetes.patch(write.path, write.patch);
      return;
    case "remove":
      await kubernetes.remove(write.path, write.object);
      return;
  }
}
