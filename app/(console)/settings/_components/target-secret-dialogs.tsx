"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { notificationKeys, removeTarget, rotateTarget } from "#lib/client/notifications.ts";
import type { TargetView, TargetWithSecret } from "#lib/domain/notifications/schemas.ts";
import { Confirmation } from "./confirmation.tsx";
import { OneTimeSecret } from "./one-time-secret.tsx";

/** A webhook's signing secret, the one time that it is shown. */
export function SigningSecret({ shown, isNew, onClose }: { shown: TargetWithSecret; isNew: boolean; onClose: () => void }) {
  return (
    <OneTimeSecret
      title={`Signing secret of ${shown.target.name}`}
      label="Copy the signing secret"
      secret={shown.signingSecret ?? ""}
      onClose={onClose}
    >
      Give it to the receiver: it verifies each message with it, as Standard Webhooks describe.{" "}
      {isNew ? "Then send a test." : "Until tomorrow each message is signed with the one before, too."}
    </OneTimeSecret>
  );
}

export function RotateTargetDialog({ target, onClose }: { target: TargetView; onClose: () => void }) {
  const queries = useQueryClient();
  const [shown, setShown] = useState<TargetWithSecret | null>(null);
  const rotate = useMutation({
    mutationFn: () => rotateTarget(target.id),
    onSuccess: (answer) => {
      void queries.invalidateQueries({ queryKey: notificationKeys.targets });
      setShown(answer);
    },
  });
  if (shown) return <SigningSecret shown={shown} isNew={false} onClose={onClose} />;
  return (
    <Confirmation
      title={`New signing secret for ${target.name}`}
      verb="Make a new signing secret"
      failed="No new secret was made"
      mutation={rotate}
      onConfirm={() => rotate.mutate()}
      onClose={onClose}
    >
      Messages are signed with the new secret and, for 24 hours, with the present one too: the receiver misses none when it gets
      the new one in that time. A secret that was replaced before ends now.
    </Confirmation>
  );
}

export function RemoveTargetDialog({
  target,
  onClose,
  onRemoved,
}: {
  target: TargetView;
  onClose: () => void;
  onRemoved: () => void;
}) {
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: () => removeTarget(target.id),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: notificationKeys.targets });
      void queries.invalidateQueries({ queryKey: notificationKeys.log });
      onRemoved();
    },
  });
  const { waiting } = target;
  return (
    <Confirmation
      title={`Remove ${target.name}`}
      description="Its part of the log, its address and its secrets go with it. This cannot be undone."
      verb={`Remove ${target.name}`}
      failed="Not removed"
      danger
      mutation={remove}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      {waiting > 0 && (
        <b className="font-medium text-warn">{`${waiting} ${waiting === 1 ? "event waits" : "events wait"} for it and will not be sent. `}</b>
      )}
      To keep its log, switch “Send to this target” off instead.
    </Confirmation>
  );
}
