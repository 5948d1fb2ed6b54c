import type { ReactNode } from "react";

/** The top line of a page: its name, a few words beside it, and what one can do. */
export function PageHeader({ title, aside, children }: { title: ReactNode; aside?: ReactNode; children?: ReactNode }) {
  return (
    <header className="flex min-h-12 flex-wrap items-center gap-x-3 gap-y-2 border-b px-4 py-2">
      <h1 className="text-lg font-semibold tracking-[-0.01em]">{title}</h1>
      {aside && <div className="text-ink-3">{aside}</div>}
      {children && <div className="ml-auto flex flex-wrap items-center gap-2">{children}</div>}
    </header>
  );
}

/** A heading inside a page, on a hairline. */
export function SectionHeader({
  title,
  aside,
  children,
  id,
}: {
  title: string;
  aside?: ReactNode;
  children?: ReactNode;
  id?: string;
}) {
  return (
    <div className="flex min-h-10 flex-wrap items-center gap-x-3 gap-y-1 border-b px-4 py-1.5">
      <h2 id={id} className="font-semibold">
        {title}
      </h2>
      {aside && <div className="text-xs text-ink-3">{aside}</div>}
      {children && <div className="ml-auto flex items-center gap-2">{children}</div>}
    </div>
  );
}
