import { escapeHtml } from "../../markdown/html.ts";
import type { Recovery } from "../schemas.ts";
import { countWords, timeWords } from "./impact-texts.ts";

const size = { width: 720, height: 220, left: 64, right: 12, top: 12, bottom: 26 };

/** The indicator behind the alert, before, during and after, as a picture in a page: its limit, and when it had recovered. */
export function drawRecovery({ points, indicator, service, recoveredAt }: Recovery): string {
  const known = points.flatMap(({ at, value }) => (value === null ? [] : [{ at: Date.parse(at), value }]));
  const [first, last] = [points[0], points.at(-1)];
  if (known.length < 2 || !first || !last) return "";
  const [from, to] = [Date.parse(first.at), Date.parse(last.at)];
  const top = Math.max(indicator.limit * 1.2, ...known.map(({ value }) => value));
  const x = (at: number) => round(size.left + ((at - from) / Math.max(1, to - from)) * (size.width - size.left - size.right));
  const y = (value: number) => round(size.height - size.bottom - (value / (top || 1)) * (size.height - size.top - size.bottom));
  const foot = size.height - size.bottom;
  const limit = y(indicator.limit);
  const mark = recoveredAt === null ? "" : recoveryMark(x(Date.parse(recoveredAt)), foot);
  const label = (value: number) => escapeHtml(countWords(value, indicator.unit));
  const caption = `${indicator.title} of ${service}; limit ${countWords(indicator.limit, indicator.unit)}${recoveredAt === null ? "" : `; recovered ${timeWords(recoveredAt)}`}.`;
  return `<figure>
<svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${escapeHtml(caption)}">
<g font-family="system-ui, sans-serif" font-size="11" fill="#5b6470">
<path d="M${size.left} ${foot}H${size.width - size.right}M${size.left} ${y(top)}V${foot}" stroke="#c8cdd3" fill="none"/>
<path d="M${size.left} ${limit}H${size.width - size.right}" stroke="#b3261e" stroke-dasharray="4 3" fill="none"/>
<text x="${size.left - 6}" y="${y(top) + 8}" text-anchor="end">${label(top)}</text>
<text x="${size.left - 6}" y="${limit + 4}" text-anchor="end" fill="#b3261e">${label(indicator.limit)}</text>
<text x="${size.left - 6}" y="${foot}" text-anchor="end">0</text>
<text x="${size.left}" y="${size.height - 8}">${clock(from)}</text>
<text x="${size.width - size.right}" y="${size.height - 8}" text-anchor="end">${clock(to)} UTC</text>
${mark}
</g>
<path d="${lines(points, x, y)}" stroke="#1f5fbf" stroke-width="1.5" fill="none"/>
</svg>
<figcaption>${escapeHtml(caption)}</figcaption>
</figure>`;
}

function recoveryMark(at: number, foot: number): string {
  return `<path d="M${at} ${size.top}V${foot}" stroke="#1b7f4b" fill="none"/><text x="${at + 4}" y="${size.top + 10}" fill="#1b7f4b">recovered</text>`;
}

/** Where nothing is known the line has a gap. */
function lines(points: Recovery["points"], x: (at: number) => number, y: (value: number) => number): string {
  let isOpen = false;
  return points
    .map(({ at, value }) => {
      if (value === null) {
        isOpen = false;
        return "";
      }
      const step = `${isOpen ? "L" : "M"}${x(Date.parse(at))} ${y(value)}`;
      isOpen = true;
      return step;
    })
    .join("");
}

const round = (value: number) => Math.round(value * 10) / 10;
const clock = (at: number) => new Date(at).toISOString().slice(11, 19);
