import { z } from "zod";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { type Pod, paths, type Workload } from "#lib/kubernetes/objects.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { readSecretValue, type SecretKey } from "./secret-key.ts";

/**
 * The circuit breaker of a service's instances to what they depend on. Annotations of the workload say that there is one:
 * `switchyard.dev/breaker` names what is behind it, `switchyard.dev/admin-port` where an instance's admin route is, and
 * `switchyard.dev/admin-secret` (SECRET/KEY) the token that it wants. Instances are reached through the API server (pods/proxy),
 * which keeps the Authorization header for itself: the token goes in one of its own.
 */
type BreakerPlace = { upstream: string; port: number; token: SecretKey };

/** One instance's breaker: open although nothing failed is held, by hand. `error` says why it is not known. */
export type InstanceBreaker = { pod: string; state: BreakerState | null; isHeld: boolean; error: string | null };
export type BreakerState = "closed" | "open" | "half-open";

const answerSchema = z.object({ state: z.enum(["closed", "open", "half-open"]), held: z.boolean() });
const tokenHeader = "x-admin-token";

/** Where the breaker of a service is; throws precondition-failed when its annotations name none. */
export function breakerPlaceOf({ metadata }: Workload): BreakerPlace {
  const read = (name: string) => metadata.annotations?.[`switchyard.dev/${name}`]?.trim() ?? "";
  const [upstream, port, secret] = [read("breaker"), Number(read("admin-port")), read("admin-secret")];
  const [name, key] = secret.split("/");
  if (upstream === "" || !Number.isInteger(port) || port < 1 || !name || !key) {
    throw new DomainError(
      "precondition-failed",
      `${metadata.name} has no circuit breaker that can be switched from here: its annotations switchyard.dev/breaker, admin-port and admin-secret (SECRET/KEY) name one.`,
    );
  }
  return { upstream, port, token: { namespace: metadata.namespace ?? "", name, key } };
}

/** How the breaker of every running instance stands. Throws precondition-failed when none runs. */
export async function readBreakers(context: Pick<Context, "kubernetes">, workload: Workload): Promise<InstanceBreaker[]> {
  return askAll(context, workload, "GET", undefined);
}

/** Opens the breaker of every running instance until it is closed by hand, or closes it. Tells how each stands then. */
export async function switchBreakersOf(
  context: Pick<Context, "kubernetes">,
  workload: Workload,
  state: "open" | "closed",
): Promise<InstanceBreaker[]> {
  return askAll(context, workload, "POST", state);
}

async function askAll(
  { kubernetes }: Pick<Context, "kubernetes">,
  workload: Workload,
  method: "GET" | "POST",
  state: "open" | "closed" | undefined,
): Promise<InstanceBreaker[]> {
  const { port, token } = breakerPlaceOf(workload);
  const [secret, pods] = await Promise.all([readSecretValue(kubernetes, token), listRunning(kubernetes, workload)]);
  if (pods.length === 0) {
    throw new DomainError("precondition-failed", `No instance of ${workload.metadata.name} runs: there is no breaker to switch.`);
  }
  return Promise.all(
    pods.map(async (pod): Promise<InstanceBreaker> => {
      const path = paths.podProxy(workload.metadata.namespace ?? "", pod, port, "/admin/breaker");
      try {
        const answer = await kubernetes.proxy(path, { method, query: { state }, headers: { [tokenHeader]: secret } });
        const { state: stands, held } = answerSchema.parse(JSON.parse(answer));
        return { pod, state: stands, isHeld: held, error: null };
      } catch (error) {
        const message = error instanceof Error && !(error instanceof z.ZodError) ? error.message : "it answered something else";
        return { pod, state: null, isHeld: false, error: message };
      }
    }),
  );
}

async function listRunning(kubernetes: KubernetesClient, { metadata, spec }: Workload): Promise<string[]> {
  const labels = Object.entries(spec.selector.matchLabels ?? {}).map(([name, value]) => `${name}=${value}`);
  const pods = await kubernetes.list<Pod>(paths.podsOf(metadata.namespace ?? ""), { labelSelector: labels.join(",") });
  return pods.filter((pod) => pod.status?.phase === "Running" && !pod.metadata.deletionTimestamp).map((pod) => pod.metadata.name);
}
