"use client";
import type { ReactNode } from "react";
import { Button } from "../../../ui/button.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { CopyButton } from "../../../ui/identifier.tsx";

/** Shows a secret the one time that it is to be had. */
export function OneTimeSecret({
  title,
  secret,
  label,
  children,
  onClose,
}: {
  title: string;
  /** The secret, or a text that holds it. */
  secret: string;
  label: string;
  children: ReactNode;
  onClose: () => void;
}) {
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      footer={
        <Button look="primary" onClick={onClose}>
          I have kept it
        </Button>
      }
    >
      <p className="mb-2 text-ink-2">This is the only time that it is shown. {children}</p>
      <div className="flex items-start gap-2 rounded-md border bg-sunken px-3 py-2">
        <pre
          className="scroll-thin min-w-0 flex-1 overflow-x-auto whitespace-pre font-mono text-xs"
          data-testid="one-time-secret"
        >
          {secret}
        </pre>
        <CopyButton text={secret} label={label} className="size-7 justify-center" />
      </div>
    </Dialog>
  );
}
