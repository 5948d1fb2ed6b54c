/** Numbers as Kubernetes writes quantities: the largest unit that keeps them whole. */

const decimalUnits = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const binaryUnits = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/** DecimalSI of a whole number of thousandths: 1500 is "1500m", 2000 is "2". */
export function milliQuantity(value: number): string {
  return inUnits(value, 1000, decimalUnits, decimalUnits.indexOf("m"));
}

/** Billionths of a core as metrics-server writes them: always with "n", so that they line up. */
export function nanoQuantity(value: number): string {
  return value === 0 ? "0" : `${value}n`;
}

/** BinarySI of bytes: 4096 is "4Ki", 5000 is "5000". */
export function bytesQuantity(value: number): string {
  return inUnits(value, 1024, binaryUnits, 0);
}

/** A duration as Go prints it: "10s", "9.87s", "1m0.5s". */
export function goDuration(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  const seconds = (ms - minutes * 60_000) / 1000;
  return `${minutes > 0 ? `${minutes}m` : ""}${Number(seconds.toFixed(3))}s`;
}

function inUnits(value: number, base: number, units: readonly string[], start: number): string {
  if (value === 0) return "0";
  let index = start;
  let rest = value;
  while (rest % base === 0 && index < units.length - 1) {
    rest /= base;
    index += 1;
  }
  return `${rest}${units[index]}`;
}
