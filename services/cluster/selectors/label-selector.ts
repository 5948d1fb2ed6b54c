/** The grammar of label selectors: `a=b, c!=d, e in (x,y), f notin (z), g, !h, i>1`. */
export type Requirement =
  | { key: string; operator: "in" | "notin"; values: string[] }
  | { key: string; operator: "exists" | "missing" }
  | { key: string; operator: "gt" | "lt"; value: number };

export class SelectorError extends Error {}

const keyPattern = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const valuePattern = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const tokenPattern = /\s*(==|!=|=|[(),!<>]|[^\s=!(),<>]+)/y;

export function parseLabelSelector(text: string): Requirement[] {
  const tokens = tokenise(text);
  const requirements: Requirement[] = [];
  let position = 0;

  const peek = () => tokens[position];
  const take = () => tokens[position++];
  const refuse = (expected: string): never => {
    throw new SelectorError(`found '${peek() ?? ""}', expected: ${expected}`);
  };

  function takeKey(): string {
    const key = take() ?? "";
    if (!keyPattern.test(key)) {
      position -= 1;
      refuse("!, identifier, or 'end of string'");
    }
    return key;
  }

  function takeValue(): string {
    const next = peek();
    if (next === undefined || next === ",") return "";
    return checkedValue(take() ?? "");
  }

  function takeValues(): string[] {
    if (take() !== "(") {
      position -= 1;
      refuse("'('");
    }
    const values: string[] = [];
    for (;;) {
      const next = peek();
      if (next === undefined) refuse("',', ')' or identifier");
      if (next === ")" || next === ",") values.push("");
      else values.push(checkedValue(take() ?? ""));
      const end = take();
      if (end === ")") return values;
      if (end !== ",") {
        position -= 1;
        refuse("',' or ')'");
      }
    }
  }

  while (position < tokens.length) {
    requirements.push(takeRequirement());
    if (peek() === undefined) break;
    if (take() !== ",") {
      position -= 1;
      refuse("',' or 'end of string'");
    }
    if (peek() === undefined) refuse("identifier after ','");
  }
  return requirements;

  function takeRequirement(): Requirement {
    if (peek() === "!") {
      take();
      return { key: takeKey(), operator: "missing" };
    }
    const key = takeKey();
    switch (peek()) {
      case undefined:
      case ",":
        return { key, operator: "exists" };
      case "=":
      case "==":
        take();
        return { key, operator: "in", values: [takeValue()] };
      case "!=":
        take();
        return { key, operator: "notin", values: [takeValue()] };
      case "in":
      case "notin": {
        const operator = take() === "in" ? "in" : "notin";
        return { key, operator, values: takeValues() };
      }
      case ">":
      case "<": {
        const operator = take() === ">" ? "gt" : "lt";
        const value = take() ?? "";
        if (!/^-?\d+$/.test(value)) throw new SelectorError("for 'Gt', 'Lt' operators, the value must be an integer");
        return { key, operator, value: Number(value) };
      }
      default:
        return refuse("in, notin, =, ==, !=, gt, lt");
    }
  }
}

export function matchesLabels(requirements: Requirement[], labels: Record<string, string> = {}): boolean {
  return requirements.every((requirement) => {
    const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
    switch (requirement.operator) {
      case "in":
        return value !== undefined && requirement.values.includes(value);
      case "notin":
        return value === undefined || !requirement.values.includes(value);
      case "exists":
        return value !== undefined;
      case "missing":
        return value === undefined;
      case "gt":
        return value !== undefined && /^-?\d+$/.test(value) && Number(value) > requirement.value;
      case "lt":
        return value !== undefined && /^-?\d+$/.test(value) && Number(value) < requirement.value;
    }
    return false;
  });
}

function checkedValue(value: string): string {
  if (!valuePattern.test(value)) {
    throw new SelectorError(
      `values[0][${value}]: Invalid value: ${JSON.stringify(value)}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
    );
  }
  return value;
}

function tokenise(text: string): string[] {
  const tokens: string[] = [];
  let position = 0;
  while (position < text.length) {
    tokenPattern.lastIndex = position;
    const match = tokenPattern.exec(text);
    if (!match?.[1]) {
      if (text.slice(position).trim() === "") break;
      throw new SelectorError(`unable to parse requirement: ${text.slice(position)}`);
    }
    tokens.push(match[1]);
    position = tokenPattern.lastIndex;
  }
  return tokens;
}
