"use client";
import { FastForward, OctagonX, Pause, Play, RotateCcw, StepForward } from "lucide-react";
import { useState } from "react";
import { commandNames } from "#lib/client/rollout-view.ts";
import { isOver, type RolloutCommand } from "#lib/client/rollouts.ts";
import type { RolloutDetail } from "#lib/domain/rollouts/schemas.ts";
import { Button } from "../../../ui/button.tsx";
import { CommandDialog } from "../../../ui/rollouts/command-dialog.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";

const icons: Record<RolloutCommand, typeof Play> = {
  promote: StepForward,
  skip: FastForward,
  abort: OctagonX,
  retry: RotateCcw,
  pause: Pause,
  resume: Play,
};

/** What may be decided about a rollout now; what may not stays there with the reason. */
export function RolloutCommandButtons({ rollout }: { rollout: RolloutDetail }) {
  const roleRefusal = useRoleRefusal("operator");
  const [opened, setOpened] = useState<RolloutCommand | null>(null);
  const shown = shownCommands(rollout);
  const [first] = shown.filter((command) => command !== "abort" && rollout.commands[command] === null);
  const refusalOf = (command: RolloutCommand) => roleRefusal ?? rollout.commands[command];
  return (
    <>
      {shown.map((command) => {
        const Icon = icons[command];
        const isWanted = command === first && (rollout.state === "paused" || isOver(rollout.state));
        return (
          <Button
            key={command}
            look={isWanted ? "primary" : "plain"}
            disabledReason={refusalOf(command)}
            onClick={() => setOpened(command)}
            className={command === "abort" && !refusalOf("abort") ? "text-bad" : undefined}
          >
            <Icon aria-hidden="true" /> {commandNames[command]}
          </Button>
        );
      })}
      {opened && <CommandDialog command={opened} rollout={rollout} refusal={refusalOf(opened)} onClose={() => setOpened(null)} />}
    </>
  );
}

/** While it runs all but the retry, of pause and resume the one that fits; after an end that was none, the retry. */
function shownCommands({ state, commands }: RolloutDetail): RolloutCommand[] {
  if (isOver(state)) return state === "aborted" || commands.retry === null ? ["retry"] : [];
  return commands.resume === null ? ["resume", "promote", "skip", "abort"] : ["promote", "pause", "skip", "abort"];
}
