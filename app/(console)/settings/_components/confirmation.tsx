"use client";
import { type ReactNode, useState } from "react";
import { Button } from "../../../ui/button.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { Field, Input } from "../../../ui/field.tsx";
import { ErrorNotice } from "../../../ui/notices.tsx";

/** Asks before something is done; for what is lost for good, by having its name typed. */
export function Confirmation({
  title,
  description,
  verb,
  failed,
  danger = false,
  typed,
  mutation,
  onConfirm,
  onClose,
  children,
}: {
  title: string;
  description?: string;
  verb: string;
  /** What did not happen when it fails. */
  failed: string;
  danger?: boolean;
  /** What has to be typed first. */
  typed?: string;
  mutation: { isPending: boolean; error: Error | null };
  onConfirm: () => void;
  onClose: () => void;
  children: ReactNode;
}) {
  const [entered, setEntered] = useState("");
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      description={description}
      footer={
        <>
          <Button look="ghost" onClick={onClose}>
            Cancel
          </Button>
          <Button
            look={danger ? "danger" : "primary"}
            busy={mutation.isPending}
            disabledReason={typed && entered.trim() !== typed ? `Type ${typed} first.` : null}
            onClick={onConfirm}
          >
            {verb}
          </Button>
        </>
      }
    >
      <div className="grid gap-3">
        <p className="text-ink-2">{children}</p>
        {typed && (
          <Field label={`Type ${typed} to confirm`}>
            {(ties) => (
              <Input
                {...ties}
                value={entered}
                autoComplete="off"
                autoCapitalize="none"
                spellCheck={false}
                onChange={({ target }) => setEntered(target.value)}
              />
            )}
          </Field>
        )}
        {mutation.error && <ErrorNotice what={failed} error={mutation.error} />}
      </div>
    </Dialog>
  );
}
