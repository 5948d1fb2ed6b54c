import { escapeHtml } from "../../markdown/html.ts";
import { formatUtc } from "../../times.ts";
import type { Clock } from "../clock.ts";
import type { Chart, FactRow } from "./schemas.ts";
import { countWords } from "./texts.ts";

/** The units of a picture; it is scaled to the width that there is. */
export const pictureSize = { width: 720, height: 230, left: 64, right: 14, top: 34, bottom: 26 };

export type PictureSize = typeof pictureSize;

export type PictureMark = { x: number; label: string; look: "bad" | "good" | "plain"; row: number; isEnd: boolean };
export type Picture = {
  size: PictureSize;
  /** The path of the line; it has a gap where nothing is known. */
  line: string;
  limitY: number;
  topY: number;
  footY: number;
  labels: { top: string; limit: string /** Left out where the limit's stands. */; foot: string; from: string; to: string };
  marks: PictureMark[];
  caption: string;
};

type Moment = { at: string; label: string; look: PictureMark["look"] };
const mostMarks = 10;
/** About what a label takes, so that two that would meet stand in two rows. */
const labelWidth = 66;

/** What is marked on every chart: the incident's own times, and what was done to the chart's service. */
export function momentsOf(
  service: string,
  { clock, recoveredAt, timeline }: { clock: Clock; recoveredAt: string | null; timeline: readonly FactRow[] },
): Moment[] {
  const own = `/fleet/${service}?`;
  const done = timeline
    .filter(({ kind, href }) => kind === "action" && href?.startsWith(own))
    .map(({ at, message }): Moment => ({ at, label: message.split(/[\s:]/)[0]?.toLowerCase() ?? "", look: "plain" }));
  const times: [string | null, string, Moment["look"]][] = [
    [clock.impactStartedAt, "impact", "bad"],
    [clock.detectedAt, "detected", "plain"],
    [recoveredAt, "recovered", "good"],
    [clock.resolvedAt, "resolved", "plain"],
  ];
  const incidentTimes = times.flatMap(([at, label, look]): Moment[] => (at === null ? [] : [{ at, label, look }]));
  return [...incidentTimes, ...done].slice(0, mostMarks).toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** Lays a chart out; null where there is nothing to draw a line of. */
export function layOut(
  { service, indicator, from, stepSeconds, values }: Chart,
  moments: readonly Moment[],
  size: PictureSize = pictureSize,
): Picture | null {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return null;
  const { width, height, left, right, top, bottom } = size;
  const begin = Date.parse(from);
  const end = begin + (values.length - 1) * stepSeconds * 1000;
  const most = Math.max(indicator.limit * 1.2, ...known);
  const foot = height - bottom;
  const x = (at: number) => round(left + ((at - begin) / (end - begin)) * (width - left - right));
  const y = (value: number) => round(foot - (Math.max(0, value) / (most || 1)) * (foot - top));
  const recovered = moments.find(({ look }) => look === "good");
  const words = (value: number) => countWords(value, indicator.unit);
  return {
    size,
    line: linePath(values, (index) => x(begin + index * stepSeconds * 1000), y),
    limitY: y(indicator.limit),
    topY: y(most),
    footY: foot,
    labels: {
      top: words(most),
      limit: words(indicator.limit),
      foot: foot - y(indicator.limit) < 12 ? "" : "0",
      from: formatUtc(new Date(begin), "time").slice(0, 8),
      to: formatUtc(new Date(end), "time"),
    },
    marks: placeMarks(moments, { begin, end, x, width }),
    caption: `${indicator.title} of ${service}; limit ${words(indicator.limit)}${recovered ? `; recovered ${formatUtc(recovered.at)}` : ""}.`,
  };
}

function placeMarks(
  moments: readonly Moment[],
  { begin, end, x, width }: { begin: number; end: number; x: (at: number) => number; width: number },
): PictureMark[] {
  const rowEnds = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return moments
    .filter(({ at }) => Date.parse(at) >= begin && Date.parse(at) <= end)
    .map(({ at, label, look }) => {
      const place = x(Date.parse(at));
      const isEnd = place > width - labelWidth;
      const from = isEnd ? place - labelWidth : place;
      const free = rowEnds.findIndex((taken) => taken <= from);
      const row = free < 0 ? 0 : free;
      rowEnds[row] = from + labelWidth;
      return { x: place, label, look, row, isEnd };
    });
}

function linePath(values: Chart["values"], x: (index: number) => number, y: (value: number) => number): string {
  let isOpen = false;
  return values
    .map((value, index) => {
      const step = value === null ? "" : `${isOpen ? "L" : "M"}${x(index)} ${y(value)}`;
      isOpen = value !== null;
      return step;
    })
    .join("");
}

const markColors: Record<PictureMark["look"], string> = { bad: "#b3261e", good: "#1b7f4b", plain: "#5b6470" };
export const markRowHeight = 10;

/** A chart as a picture of its own, on white, for files that are kept or printed. */
export function drawPicture(picture: Picture): string {
  const { line, limitY, topY, footY, labels, marks, caption } = picture;
  const { width, height, left, right } = picture.size;
  const text = (words: string, at: string) => `<text ${at}>${escapeHtml(words)}</text>`;
  const drawn = marks.map(({ x, label, look, row, isEnd }) => {
    const color = markColors[look];
    const anchor = isEnd ? ` text-anchor="end"` : "";
    return `<path d="M${x} ${markRowHeight * row + 6}V${footY}" stroke="${color}" stroke-opacity="0.7" fill="none"/>${text(label, `x="${isEnd ? x - 3 : x + 3}" y="${markRowHeight * (row + 1)}" font-size="10" fill="${color}"${anchor}`)}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeHtml(caption)}">
<rect width="${width}" height="${height}" fill="#fff"/>
<g font-family="system-ui, sans-serif" font-size="11" fill="#5b6470">
<path d="M${left} ${footY}H${width - right}M${left} ${topY}V${footY}" stroke="#c8cdd3" fill="none"/>
<path d="M${left} ${limitY}H${width - right}" stroke="#b3261e" stroke-dasharray="4 3" fill="none"/>
${text(labels.top, `x="${left - 6}" y="${topY + 8}" text-anchor="end"`)}
${text(labels.limit, `x="${left - 6}" y="${limitY + 4}" text-anchor="end" fill="#b3261e"`)}
${text(labels.foot, `x="${left - 6}" y="${footY}" text-anchor="end"`)}
${text(labels.from, `x="${left}" y="${height - 8}"`)}
${text(labels.to, `x="${width - right}" y="${height - 8}" text-anchor="end"`)}
${drawn.join("\n")}
</g>
<path d="${line}" stroke="#1f5fbf" stroke-width="1.5" fill="none" stroke-linejoin="round"/>
</svg>`;
}

const round = (value: number) => Math.round(value * 10) / 10;
