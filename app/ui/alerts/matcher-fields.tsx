"use client";
import { Plus, X } from "lucide-react";
import { useId } from "react";
import {
  furtherLabels,
  type MatcherSign,
  matcherOf,
  matcherProblem,
  matcherSigns,
  matcherText,
  signOf,
  withSign,
} from "#lib/client/matchers.ts";
import type { AlertRow } from "#lib/domain/alerts/schemas.ts";
import type { LabelMatcher } from "#lib/domain/alerts/silences-schemas.ts";
import { Button } from "../button.tsx";
import { Input, Select } from "../field.tsx";

/** The conditions on labels that an alert must meet, all of them, with the alert's further labels to add by a click. */
export function MatcherFields({
  matchers,
  alerts,
  blank,
  showsProblems,
  onChange,
}: {
  matchers: LabelMatcher[];
  alerts: AlertRow[];
  blank: LabelMatcher;
  showsProblems: boolean;
  onChange: (matchers: LabelMatcher[]) => void;
}) {
  const legend = useId();
  const replace = (index: number, matcher: LabelMatcher) =>
    onChange(matchers.map((each, position) => (position === index ? matcher : each)));
  const further = furtherLabels(alerts, matchers);
  return (
    <fieldset aria-labelledby={legend} className="grid gap-1.5">
      <p id={legend} className="font-medium text-ink-2">
        Hides alerts whose labels meet all of these
      </p>
      {matchers.map((matcher, index) => {
        const problem = matcherProblem(matcher);
        const shown = problem !== null && (showsProblems || matcher.name !== "");
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a matcher is its place in the list while it is typed
          <div key={index} className="grid gap-0.5">
            <div className="grid grid-cols-[minmax(0,2fr)_4.5rem_minmax(0,3fr)_1.75rem] items-center gap-1.5">
              <Input
                aria-label={`Label ${index + 1}`}
                aria-invalid={shown || undefined}
                placeholder="label"
                value={matcher.name}
                onChange={(event) => replace(index, { ...matcher, name: event.target.value.trim() })}
                className="font-mono text-xs"
              />
              <Select
                aria-label={`Comparison ${index + 1}`}
                value={signOf(matcher)}
                onChange={(event) => replace(index, withSign(matcher, event.target.value as MatcherSign))}
                className="[&_select]:font-mono"
              >
                {matcherSigns.map((sign) => (
                  <option key={sign}>{sign}</option>
                ))}
              </Select>
              <Input
                aria-label={`Value ${index + 1}`}
                placeholder={matcher.isRegex ? "regular expression, matched whole" : "value"}
                value={matcher.value}
                onChange={(event) => replace(index, { ...matcher, value: event.target.value })}
                className="font-mono text-xs"
              />
              <Button
                look="ghost"
                size="icon"
                aria-label={`Remove ${matcher.name ? matcherText(matcher) : `condition ${index + 1}`}`}
                disabledReason={matchers.length === 1 ? "A silence needs at least one condition." : null}
                onClick={() => onChange(matchers.filter((_, position) => position !== index))}
              >
                <X aria-hidden="true" />
              </Button>
            </div>
            {shown && (
              <p role="alert" className="text-xs text-bad">
                {problem}
              </p>
            )}
          </div>
        );
      })}
      <div className="flex flex-wrap gap-1.5">
        {further.map((name) => {
          const matcher = matcherOf(alerts, name);
          return (
            matcher && (
              <Button
                key={name}
                size="small"
                look="ghost"
                onClick={() => onChange([...matchers, matcher])}
                aria-label={`Add ${matcherText(matcher)}`}
                className="max-w-full border-line"
              >
                <Plus aria-hidden="true" />
                <span className="truncate font-mono">{matcherText(matcher)}</span>
              </Button>
            )
          );
        })}
        <Button size="small" look="ghost" onClick={() => onChange([...matchers, blank])}>
          <Plus aria-hidden="true" /> Condition
        </Button>
      </div>
    </fieldset>
  );
}
