const quantityPattern = /^([+-]?)(\d+\.?\d*|\.\d+)([eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$/;

/** Source: apimachinery/pkg/api/resource/quantity.go. */
export function quantityProblem(value: string): string | undefined {
  const match = quantityPattern.exec(value);
  if (!match) {
    return "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  }
  return match[1] === "-" && /[1-9]/.test(match[2] ?? "") ? "must be greater than or equal to 0" : undefined;
}
