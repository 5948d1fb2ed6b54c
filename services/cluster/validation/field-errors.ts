import { StatusError } from "../api.ts";

export type Cause = { reason: string; message: string; field: string };

/** The list of what is wrong with an object, in the words of Kubernetes' field errors. */
export class FieldErrors {
  readonly causes: Cause[] = [];

  required(field: string, detail = ""): void {
    this.#add("FieldValueRequired", field, `Required value${detail && `: ${detail}`}`);
  }

  invalid(field: string, value: unknown, detail: string): void {
    this.#add("FieldValueInvalid", field, `Invalid value: ${JSON.stringify(value)}: ${detail}`);
  }

  forbidden(field: string, detail: string): void {
    this.#add("FieldValueForbidden", field, `Forbidden: ${detail}`);
  }

  duplicate(field: string, value: unknown): void {
    this.#add("FieldValueDuplicate", field, `Duplicate value: ${JSON.stringify(value)}`);
  }

  tooLong(field: string, limit: number): void {
    this.#add("FieldValueTooLong", field, `Too long: may not be more than ${limit} bytes`);
  }

  tooMany(field: string, actual: number, limit: number): void {
    this.#add("FieldValueTooMany", field, `Too many: ${actual}: must have at most ${limit} items`);
  }

  notFound(field: string, value: unknown): void {
    this.#add("FieldValueNotFound", field, `Not found: ${JSON.stringify(value)}`);
  }

  unsupported(field: string, value: unknown, supported: readonly string[], order: "sorted" | "as given" = "sorted"): void {
    const ordered = order === "sorted" ? supported.toSorted() : supported;
    const values = ordered.map((one) => JSON.stringify(one)).join(", ");
    this.#add("FieldValueNotSupported", field, `Unsupported value: ${JSON.stringify(value)}: supported values: ${values}`);
  }

  #add(reason: string, field: string, message: string): void {
    this.causes.push({ reason, message, field });
  }

  /** The refusal, or undefined when nothing is wrong. */
  toStatus(group: string, kind: string, name: string): StatusError | undefined {
    if (this.causes.length === 0) return undefined;
    const lines = this.causes.map(({ field, message }) => `${field}: ${message}`);
    const text = lines.length === 1 ? lines[0] : `[${lines.join(", ")}]`;
    const qualifiedKind = group ? `${kind}.${group}` : kind;
    const details = { name, ...(group ? { group } : {}), kind, causes: this.causes };
    return new StatusError(422, "Invalid", `${qualifiedKind} ${JSON.stringify(name)} is invalid: ${text}`, details);
  }
}
