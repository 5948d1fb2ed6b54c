const stability: Record<string, number> = { "": 2, beta: 1, alpha: 0 };

/** Sorts versions as Kubernetes prefers them: v2, v1, v1beta2, v1alpha1, then all other names by the alphabet. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [parse(left), parse(right)];
  if (!a || !b) return a ? -1 : b ? 1 : left < right ? -1 : Number(left !== right);
  for (const [index, value] of a.entries()) {
    const difference = (b[index] ?? 0) - value;
    if (difference !== 0) return difference;
  }
  return 0;
}

function parse(version: string): [stability: number, major: number, minor: number] | undefined {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  return match ? [stability[match[2] ?? ""] ?? 0, Number(match[1]), Number(match[3] ?? 0)] : undefined;
}
