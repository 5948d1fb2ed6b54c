import type { Health, Instance } from "#lib/domain/fleet/schemas.ts";
import { cn } from "./class-names.ts";
import { StatusShape } from "./status.tsx";

/** The health that an instance's status amounts to, for its shape and colour. */
export function instanceHealth(instance: Instance): Health {
  if (instance.deleting) return "progressing";
  if (instance.status === "Running") return instance.ready ? "healthy" : "degraded";
  if (instance.status === "Unknown") return "unknown";
  return /^(Pending|ContainerCreating|PodInitializing|Init:|Terminating)/.test(instance.status) ? "progressing" : "down";
}

const colors: Record<Health, string> = {
  healthy: "text-good",
  degraded: "text-warn",
  down: "text-bad",
  unknown: "text-quiet",
  progressing: "text-accent",
  paused: "text-held",
};

/** An instance's status as kubectl calls it, with the shape and colour of what it amounts to. */
export function InstanceStatus({ instance }: { instance: Instance }) {
  const health = instanceHealth(instance);
  const text = instance.deleting
    ? "Terminating"
    : instance.status === "Running" && !instance.ready
      ? "Running, not ready"
      : instance.status;
  return (
    <span
      title={instance.statusMessage ?? undefined}
      className={cn("inline-flex min-w-0 max-w-full items-center gap-1.5 font-medium", colors[health])}
    >
      <StatusShape health={health} />
      <span className="truncate">{text}</span>
    </span>
  );
}

/** Says of an instance that it is of a rollout's candidate; nothing of the others. */
export function TrackMark({ instance }: { instance: Pick<Instance, "track"> }) {
  if (instance.track !== "candidate") return null;
  return <span className="shrink-0 rounded-sm bg-hover px-1 text-2xs text-ink-2">candidate</span>;
}
