import type { FieldErrors } from "./field-errors.ts";

export const largestInt32 = 2 ** 31 - 1;

export function notNegative(value: number | undefined, field: string, errors: FieldErrors): void {
  if (value !== undefined && value < 0) errors.invalid(field, value, "must be greater than or equal to 0");
}

export function validatePort(port: number, field: string, errors: FieldErrors): void {
  if (port < 1 || port > 65_535) errors.invalid(field, port, "must be between 1 and 65535, inclusive");
}

export function within(value: number | undefined, least: number, most: number, field: string, errors: FieldErrors): void {
  if (value !== undefined && (value < least || value > most)) {
    errors.invalid(field, value, `must be between ${least} and ${most}, inclusive`);
  }
}

/** Permissions of files. */
export function validateMode(mode: number | undefined, field: string, errors: FieldErrors): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) {
    errors.invalid(field, mode, "must be a number between 0 and 0777 (octal), both inclusive");
  }
}
