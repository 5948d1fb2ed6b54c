"use client";
import type { RolloutDetail } from "#lib/domain/rollouts/schemas.ts";
import { Tint } from "../../../ui/figure.tsx";
import { trackColors } from "./track.ts";

type Share = NonNullable<RolloutDetail["share"]>;

const meansOf: Record<Share["by"], string> = {
  route: "by weights of its route",
  replicas: "by the share of instances",
  selector: "by the Service's selector",
};

/** How the traffic is shared now, as figures and as a bar with the plan's weights marked on it. */
export function TrafficShare({ rollout }: { rollout: Pick<RolloutDetail, "share" | "plan" | "fromVersion" | "toVersion"> }) {
  const { share, plan } = rollout;
  if (!share) {
    return <p className="px-4 py-3 text-ink-3">There is no candidate: all traffic goes to the service's own instances.</p>;
  }
  const weights = plan?.kind === "canary" ? plan.steps.map(({ weight }) => weight).filter((weight) => weight < 100) : [];
  return (
    <div className="grid gap-2 px-4 py-3">
      <div className="flex flex-wrap items-end justify-between gap-x-4">
        <Side name="Stable" version={rollout.fromVersion} percent={share.stable} color={trackColors.stable} />
        <Side name="Candidate" version={rollout.toVersion} percent={share.candidate} color={trackColors.candidate} />
      </div>
      <div
        role="img"
        aria-label={`Traffic: ${share.stable} % stable, ${share.candidate} % candidate, ${meansOf[share.by]}`}
        className="relative pb-5"
      >
        <div className="flex h-3 gap-0.5 overflow-hidden rounded-sm">
          <Bar percent={share.stable} color={trackColors.stable} />
          <Bar percent={share.candidate} color={trackColors.candidate} />
        </div>
        {weights.map((weight) => (
          <span
            key={weight}
            aria-hidden="true"
            className="absolute top-3 flex -translate-x-1/2 flex-col items-center text-2xs text-ink-3"
            style={{ left: `${100 - weight}%` }}
          >
            <span className="h-1 w-px bg-line-strong" />
            {weight} %
          </span>
        ))}
      </div>
      <p className="text-xs text-ink-3">Shared {meansOf[share.by]}.</p>
    </div>
  );
}

function Side({ name, version, percent, color }: { name: string; version: string | null; percent: number; color: string }) {
  return (
    <p className="flex items-baseline gap-1.5">
      <span aria-hidden="true" className="size-2.5 self-center rounded-xs" style={{ background: color }} />
      <Tint value={percent} className="text-lg font-semibold">
        {percent} %
      </Tint>
      <span className="text-ink-2">
        {name} <span className="name text-ink-3">{version}</span>
      </span>
    </p>
  );
}

const Bar = ({ percent, color }: { percent: number; color: string }) => (
  <span className="block transition-[width] duration-700" style={{ width: `${percent}%`, background: color }} />
);
