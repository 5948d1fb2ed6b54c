import { strToU8, zipSync } from "fflate";
import { authorise, type ConsoleContext, translateDatabaseErrors } from "../../context.ts";
import { parseId, parseInput } from "../../validation.ts";
import type { ItemView } from "../action-items/schemas.ts";
import { itemParts, viewItem } from "../action-items/stored.ts";
import { incidentName } from "../incident-name.ts";
import { drawPicture, layOut, momentsOf, type Picture } from "./chart-picture.ts";
import { composeDocument, type Exported } from "./document.ts";
import { collectFacts, frozenFacts, measuredOf } from "./facts.ts";
import { pageOf } from "./page.ts";
import { exportSchema, type PostmortemFacts } from "./schemas.ts";
import { noSuchPostmortem } from "./stored.ts";

/** A postmortem as a file to keep. */
export type ExportedPostmortem = { name: string; type: "application/zip" | "text/html"; body: Uint8Array<ArrayBuffer> };

type Asked = { input: unknown; baseUrl: string; nonce?: string };
type PastedPicture = { id: string; type: string; bytes: Uint8Array };

/**
 * The postmortem with its facts, charts, pictures and action items: as a zip of Markdown and pictures, or as one page of HTML that
 * prints well and asks nobody for anything. `nonce` is what the answer's Content-Security-Policy wants of its style.
 */
export async function exportPostmortem(
  context: ConsoleContext,
  id: string,
  { input, baseUrl, nonce = "" }: Asked,
): Promise<ExportedPostmortem> {
  authorise(context, "viewer", "see postmortems");
  const { format } = parseInput(exportSchema, input);
  const exported = await readExported(context, parseId(id, "incident"));
  const pictures = await readPictures(context, exported);
  const name = `postmortem-${incidentName(exported.facts)}`;
  const charts = drawCharts(exported.facts);
  const parts = composeDocument(
    exported,
    charts.map(({ caption }) => caption),
    context.clock(),
  );
  const base = baseUrl.replace(/\/+$/, "");
  if (format === "html") {
    const text = pageOf(parts, {
      facts: exported.facts,
      charts,
      pictures: addressesOf(exported.incidentId, pictures),
      base,
      nonce,
    });
    return { name: `${name}.html`, type: "text/html", body: strToU8(text) };
  }
  const markdown = parts.map((part) => ("markdown" in part ? part.markdown : chartLink(part.chart, charts))).join("\n\n");
  const files = { "postmortem.md": strToU8(withFiles(markdown, exported.incidentId, pictures, base)) };
  const drawn = charts.map((chart, index) => [chartFile(index), strToU8(drawPicture(chart))] as const);
  const pasted = pictures.map((picture) => [pictureFile(picture), picture.bytes] as const);
  const body = zipSync({ ...files, ...Object.fromEntries([...drawn, ...pasted]) }, { mtime: exported.updatedAt });
  return { name: `${name}.zip`, type: "application/zip", body };
}

async function readExported(context: ConsoleContext, incidentId: string): Promise<Exported> {
  const row = await translateDatabaseErrors(() =>
    context.db.postmortem.findUnique({
      where: { incidentId },
      include: {
        incident: {
          include: {
            services: { orderBy: [{ namespace: "asc" }, { service: "asc" }] },
            people: { orderBy: [{ joinedAt: "asc" }, { name: "asc" }] },
            postmortem: { select: { state: true } },
            actionItems: { include: itemParts, orderBy: { number: "asc" } },
          },
        },
      },
    }),
  );
  if (!row) throw noSuchPostmortem();
  const facts = frozenFacts(row.facts) ?? (await collectFacts(context.db, context, row.incident, measuredOf(row)));
  const items: ItemView[] = row.incident.actionItems.map((item) => viewItem(item, context.clock()));
  return { ...row, incidentId, facts, items };
}

/** The charts that can be drawn, in the order of the facts. */
function drawCharts(facts: PostmortemFacts): Picture[] {
  return facts.charts.flatMap((chart) => layOut(chart, momentsOf(chart.service, facts)) ?? []);
}

/** Of the pictures that were pasted into the incident those that the text or the timeline shows. */
async function readPictures({ db }: ConsoleContext, { incidentId, text, facts }: Exported): Promise<PastedPicture[]> {
  const shown = [text, ...facts.timeline.map(({ message }) => message)].join("\n");
  const address = new RegExp(`/api/incidents/${incidentId}/images/([0-9a-f-]{36})`, "g");
  const ids = [...new Set([...shown.matchAll(address)].map(([, id = ""]) => id))];
  if (ids.length === 0) return [];
  return db.incidentImage.findMany({
    where: { incidentId, id: { in: ids } },
    orderBy: { id: "asc" },
    select: { id: true, type: true, bytes: true },
  });
}

/** The pictures as addresses that hold them, by the address that the text knows them by. */
function addressesOf(incidentId: string, pictures: readonly PastedPicture[]): Map<string, string> {
  return new Map(
    pictures.map(({ id, type, bytes }) => [
      `/api/incidents/${incidentId}/images/${id}`,
      `data:${type};base64,${Buffer.from(bytes).toString("base64")}`,
    ]),
  );
}

const chartFile = (index: number) => `pictures/chart-${index + 1}.svg`;
const pictureFile = ({ id, type }: PastedPicture) => `pictures/${id}.${type.split("/")[1]?.replace("jpeg", "jpg")}`;

function chartLink(index: number, charts: readonly Picture[]): string {
  const caption = charts[index]?.caption ?? "";
  return `![${caption.replace(/[[\]]/g, "")}](${chartFile(index)})\n\n*${caption}*`;
}

/** Markdown whose pictures are files beside it, and whose links lead to Switchyard from anywhere. */
export function withFiles(text: string, incidentId: string, pictures: readonly PastedPicture[], base: string): string {
  const withPictures = pictures.reduce(
    (shown, picture) => shown.replaceAll(`](/api/incidents/${incidentId}/images/${picture.id}`, `](${pictureFile(picture)}`),
    text,
  );
  return withPictures.replaceAll(/\]\(\/(?!\/)/g, `](${base}/`);
}
