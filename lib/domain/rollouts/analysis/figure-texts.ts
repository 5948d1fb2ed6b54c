/** 0.0123 as "1.23 %", 0.5 as "50 %". */
export function formatShare(share: number): string {
  return `${trim(share * 100)} %`;
}

/** A difference of shares in percentage points, without its sign. */
export function formatPoints(difference: number): string {
  return `${trim(Math.abs(difference) * 100)} points`;
}

/** 0.0123 as "12.3 ms", 2.5 as "2.5 s". */
export function formatSeconds(seconds: number): string {
  return seconds < 1 ? `${trim(seconds * 1000)} ms` : `${trim(seconds)} s`;
}

export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}

export function formatProbability(pValue: number): string {
  return pValue < 0.001 ? "p < 0.001" : `p = ${pValue.toFixed(pValue < 0.1 ? 3 : 2)}`;
}

/** Three significant digits, and no more than two after the point. */
function trim(value: number): string {
  return Number(Math.abs(value) >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toFixed(2)).toLocaleString("en-US");
}
