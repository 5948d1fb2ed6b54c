import type { ComponentProps, ReactNode } from "react";
import { Button } from "./button.tsx";

/** The foot of a dialog with a form: the way out, and the button that sends it. */
export function FormFooter({
  onClose,
  cancel = "Cancel",
  look = "primary",
  ...submit
}: {
  /** The form's id. */
  form: string;
  onClose: () => void;
  cancel?: string;
  children: ReactNode;
} & Pick<ComponentProps<typeof Button>, "look" | "busy" | "disabledReason">) {
  return (
    <>
      <Button look="ghost" onClick={onClose}>
        {cancel}
      </Button>
      <Button type="submit" look={look} {...submit} />
    </>
  );
}
