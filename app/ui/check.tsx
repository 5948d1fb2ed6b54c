import type { ReactNode } from "react";

/** A checkbox with its words. */
export const Check = ({
  checked,
  onChange,
  label,
  disabled,
}: {
  checked: boolean;
  onChange: (checked: boolean) => void;
  label: ReactNode;
  disabled?: boolean;
}) => (
  <label className="flex items-start gap-2">
    <input
      type="checkbox"
      checked={checked}
      disabled={disabled}
      onChange={({ target }) => onChange(target.checked)}
      className="mt-1 accent-(--accent-solid)"
    />
    <span>{label}</span>
  </label>
);
