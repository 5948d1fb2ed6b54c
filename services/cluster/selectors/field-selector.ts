import { SelectorError } from "./label-selector.ts";

export type FieldRequirement = { field: string; value: string; negated: boolean };

/** `a=b,c!=d`, with `\`, `,` and `=` escaped by a backslash in values. */
export function parseFieldSelector(text: string): FieldRequirement[] {
  return splitUnescaped(text)
    .filter((term) => term !== "")
    .map((term) => {
      const match = /^([^=!]*)(==|!=|=)((?:\\.|[^\\])*)$/s.exec(term);
      if (!match) throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`);
      return { field: match[1] ?? "", negated: match[2] === "!=", value: (match[3] ?? "").replace(/\\(.)/gs, "$1") };
    });
}

export function matchesFields(requirements: FieldRequirement[], fields: Record<string, string>): boolean {
  return requirements.every(({ field, value, negated }) => ((fields[field] ?? "") === value) !== negated);
}

function splitUnescaped(text: string): string[] {
  const terms: string[] = [];
  let term = "";
  for (let index = 0; index < text.length; index += 1) {
    if (text[index] === "\\") {
      term += text.slice(index, index + 2);
      index += 1;
    } else if (text[index] === ",") {
      terms.push(term);
      term = "";
    } else {
      term += text[index];
    }
  }
  terms.push(term);
  return terms;
}
