"use client";
import { cva, type VariantProps } from "class-variance-authority";
import { LoaderCircle } from "lucide-react";
import type { ComponentProps } from "react";
import { cn } from "./class-names.ts";
import { Tooltip } from "./tooltip.tsx";

export const buttonLook = cva(
  "inline-flex shrink-0 select-none items-center justify-center gap-1.5 whitespace-nowrap rounded-md border font-medium transition-colors disabled:opacity-50 aria-disabled:cursor-not-allowed aria-disabled:opacity-50 [&_svg]:size-3.5 [&_svg]:shrink-0",
  {
    variants: {
      look: {
        plain: "border-line-strong bg-canvas text-ink enabled:hover:bg-hover",
        primary: "border-transparent bg-accent-solid text-accent-ink enabled:hover:brightness-110",
        danger: "border-transparent bg-bad-fill text-white enabled:hover:brightness-110",
        ghost: "border-transparent bg-transparent text-ink-2 enabled:hover:bg-hover enabled:hover:text-ink",
      },
      size: { small: "h-6 px-2 text-xs", normal: "h-7 px-2.5 text-sm", large: "h-9 px-4 text-base", icon: "size-7 p-0" },
    },
    defaultVariants: { look: "plain", size: "normal" },
  },
);

export type ButtonProps = ComponentProps<"button"> &
  VariantProps<typeof buttonLook> & {
    /** Why it may not be pressed. The button stays reachable by keyboard, so that the reason can be read. */
    disabledReason?: string | null;
    tooltip?: string;
    busy?: boolean;
  };

export function Button({ look, size, disabledReason, tooltip, busy, className, onClick, children, ...rest }: ButtonProps) {
  const refused = Boolean(disabledReason) || busy;
  const button = (
    <button
      type="button"
      {...rest}
      aria-disabled={refused || undefined}
      aria-busy={busy || undefined}
      aria-description={disabledReason ?? undefined}
      onClick={(event) => (refused ? event.preventDefault() : onClick?.(event))}
      className={cn(buttonLook({ look, size }), className)}
    >
      {busy && <LoaderCircle aria-hidden="true" className="animate-spin" />}
      {children}
    </button>
  );
  const text = disabledReason ?? tooltip;
  return text ? <Tooltip text={text}>{button}</Tooltip> : button;
}
