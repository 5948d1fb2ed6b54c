import Link from "next/link";
import { Fragment, type ReactNode } from "react";
import { type Fact, FactList } from "./facts.tsx";

type ThingHeaderProps = {
  /** The lists that it stands in, the widest first. */
  path: { href: string; label: string }[];
  /** What stands behind them, e.g. its number. */
  name?: ReactNode;
  title: ReactNode;
  /** How it is, as marks: told to who cannot see it when it changes. */
  marks: ReactNode;
  message: string;
  /** Whether the message tells of something bad. */
  isWrong: boolean;
  /** What one can do with it. */
  actions: ReactNode;
  facts: readonly Fact[];
  /** Why somebody wanted it. */
  reason: string | null;
  /** Between the facts and the reason. */
  children?: ReactNode;
};

/** The top of one thing's page: what it is, how it is, what can be done with it, what is known of it, and why it is. */
export function ThingHeader({ path, name, title, marks, message, isWrong, actions, facts, reason, children }: ThingHeaderProps) {
  return (
    <header className="border-b px-4 py-3">
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-72">
          <p className="text-xs text-ink-3">
            {path.map(({ href, label }, index) => (
              <Fragment key={href}>
                {index > 0 && " / "}
                <Link href={href} className="hover:text-ink">
                  {label}
                </Link>
              </Fragment>
            ))}
            {name && <> / {name}</>}
          </p>
          <h1 className="flex flex-wrap items-center gap-x-3 text-xl font-semibold tracking-[-0.015em]">
            {title}
            <span className="flex flex-wrap gap-x-3 text-sm tracking-normal" role="status" aria-live="polite">
              {marks}
            </span>
          </h1>
          <p className={isWrong ? "text-bad" : "text-ink-2"}>{message}</p>
        </div>
        {actions && <div className="flex flex-wrap gap-2 print:hidden">{actions}</div>}
      </div>
      <FactList facts={facts} className="mt-3" />
      {children}
      {reason && <p className="mt-3 max-w-3xl border-l-2 border-line-strong pl-3 text-ink-2">{reason}</p>}
    </header>
  );
}
