"use client";
import { useQuery } from "@tanstack/react-query";
import { OctagonX } from "lucide-react";
import { useState } from "react";
import { rolloutDetailQuery } from "#lib/client/rollouts.ts";
import { Button } from "../button.tsx";
import { useRoleRefusal } from "../session.tsx";
import { CommandDialog } from "./command-dialog.tsx";

/** Gives up a strategy that is being carried out: traffic goes back to the stable version first. */
export function AbortButton({ rolloutId, look }: { rolloutId: string; look: "primary" | "plain" }) {
  const [isOpen, setOpen] = useState(false);
  const roleRefusal = useRoleRefusal("operator");
  const rollout = useQuery(rolloutDetailQuery(rolloutId)).data;
  const refusal = roleRefusal ?? (rollout ? rollout.commands.abort : "The rollout is being read.");
  return (
    <>
      <Button look={look} disabledReason={refusal} onClick={() => setOpen(true)}>
        <OctagonX aria-hidden="true" /> Abort the rollout
      </Button>
      {isOpen && rollout && <CommandDialog command="abort" rollout={rollout} refusal={refusal} onClose={() => setOpen(false)} />}
    </>
  );
}
