import { createInterface } from "node:readline";
import { z } from "zod";
import { paths } from "#lib/kubernetes/objects.ts";
import { authorise, type ConsoleContext } from "../context.ts";
import { DomainError } from "../errors.ts";
import { parseInput } from "../validation.ts";
import { merge } from "./merge.ts";
import { serviceRefSchema } from "./schemas.ts";

const flag = z
  .enum(["true", "false"])
  .default("false")
  .transform((text) => text === "true");

export const logsSchema = z.object({
  /** Pod names, separated by commas; all of the service's pods when it is missing. */
  pods: z
    .string()
    .optional()
    .transform((text) => text?.split(",").filter(Boolean) ?? []),
  container: z
    .string()
    .regex(/^[a-z0-9-]{1,63}$/, "Not a container name.")
    .optional()
    .or(z.literal("").transform(() => undefined)),
  follow: flag,
  /** The run before the last restart. */
  previous: flag,
  tail: z.coerce.number().int().min(0).max(10_000).default(200),
});

/** One line of a pod's log, or why a pod cannot be read. */
export type LogLine = { pod: string; at: string; line: string } | { pod: string; error: string };

const maxPods = 20;
const maxLineLength = 16_384;

/**
 * The logs of a service's pods, merged as they come. Ends when all pods' logs end, and when `signal` says so. Reading waits for
 * the consumer, so that a slow one holds the logs back instead of filling memory. Throws at once when the request is refused.
 */
export function readLogs(context: ConsoleContext, ref: unknown, input: unknown, signal: AbortSignal): AsyncGenerator<LogLine> {
  const { namespace, name, options, pods, instances } = resolvePods(context, ref, input);
  const sources = pods.map((pod) => {
    const containers = instances.find((instance) => instance.name === pod)?.containers ?? [];
    const container = options.container ?? (containers.includes(name) ? name : containers[0]);
    return readPodLog(context, { namespace, pod, container, ...options }, signal);
  });
  return merge(sources);
}

function resolvePods(context: ConsoleContext, ref: unknown, input: unknown) {
  authorise(context, "viewer", "read logs");
  const { namespace, name } = parseInput(serviceRefSchema, ref);
  const options = parseInput(logsSchema, input);
  const known = context.fleet.findService(`${namespace}/${name}`);
  if (!known) throw new DomainError("not-found", `There is no service ${namespace}/${name}.`);
  const names = known.live.instances.map((instance) => instance.name);
  const unknown = options.pods.filter((pod) => !names.includes(pod));
  if (options.pods.length > 0 && unknown.length === options.pods.length) {
    throw new DomainError("not-found", `${name} has no instance ${unknown.join(", ")} now.`);
  }
  const pods = options.pods.length > 0 ? options.pods.filter((pod) => names.includes(pod)) : names;
  if (pods.length > maxPods)
    throw new DomainError("invalid-input", `Choose at most ${maxPods} instances; these are ${pods.length}.`);
  return { namespace, name, options, pods, instances: known.live.instances };
}

type PodLog = { namespace: string; pod: string; container: string | undefined; follow: boolean; previous: boolean; tail: number };

async function* readPodLog({ kubernetes, clock }: ConsoleContext, log: PodLog, signal: AbortSignal): AsyncGenerator<LogLine> {
  const { namespace, pod, container, follow, previous, tail } = log;
  try {
    const query = { container, follow, previous, tailLines: tail, timestamps: true };
    const answer = await kubernetes.stream(paths.podLog(namespace, pod), query, signal);
    const lines = createInterface({ input: answer, crlfDelay: Number.POSITIVE_INFINITY });
    for await (const line of lines) yield readLine(pod, line, clock());
  } catch (error) {
    if (!signal.aborted) yield { pod, error: error instanceof Error ? error.message : String(error) };
  }
}

function readLine(pod: string, text: string, now: Date): LogLine {
  const match = /^(\d{4}-\d\d-\d\dT\S+Z) ?/.exec(text);
  const line = match ? text.slice(match[0].length) : text;
  return {
    pod,
    at: match?.[1] ?? now.toISOString(),
    line: line.length > maxLineLength ? `${line.slice(0, maxLineLength)}…` : line,
  };
}
