"use client";
import { Code, ExternalLink } from "lucide-react";
import { Popover as Radix } from "radix-ui";
import { lazy, Suspense } from "react";
import type { Panel } from "#lib/domain/metrics/schemas.ts";
import { buttonLook } from "../button.tsx";
import { cn } from "../class-names.ts";
import { CopyButton } from "../identifier.tsx";

// The grammar is loaded when somebody looks at an expression.
const PromqlText = lazy(() => import("./promql-text.tsx"));

/** What a chart asks Prometheus: to read, to copy, to open there. */
export function ExpressionPopover({ panel }: { panel: Pick<Panel, "title" | "expressions"> }) {
  return (
    <Radix.Root>
      <Radix.Trigger
        aria-label={`What ${panel.title} asks Prometheus`}
        title="The expression"
        className={cn(
          buttonLook({ look: "ghost", size: "icon" }),
          "size-6 hover:bg-hover hover:text-ink data-[state=open]:bg-hover",
        )}
      >
        <Code aria-hidden="true" />
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align="end"
          sideOffset={4}
          collisionPadding={8}
          aria-label={`What ${panel.title} asks Prometheus`}
          className="scroll-thin z-30 max-h-96 w-[34rem] max-w-[calc(100vw-16px)] divide-y overflow-y-auto rounded-lg border bg-raised shadow-float outline-none"
        >
          {panel.expressions.map(({ name, expr, prometheusUrl }) => (
            <section key={`${name} ${expr}`} className="px-3 py-2">
              <header className="flex items-center gap-3 text-xs text-ink-2">
                <span className="font-medium">{name || panel.title}</span>
                <span className="ml-auto flex items-center gap-3">
                  <CopyButton text={expr} label="Copy the expression">
                    Copy
                  </CopyButton>
                  {prometheusUrl ? (
                    <a
                      href={prometheusUrl}
                      target="_blank"
                      rel="noreferrer"
                      className="inline-flex items-center gap-1 text-accent hover:underline"
                    >
                      Open in Prometheus <ExternalLink aria-hidden="true" className="size-3" />
                    </a>
                  ) : (
                    <span className="text-ink-3">No address of Prometheus is set</span>
                  )}
                </span>
              </header>
              <pre className="mt-1 whitespace-pre-wrap break-words text-xs leading-5">
                <Suspense fallback={expr}>
                  <PromqlText expr={expr} />
                </Suspense>
              </pre>
            </section>
          ))}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
