import { describePlace, describeRest, type Message, type MessageEvent } from "./message.ts";

/** The plain text of a mail. */
export function toText(message: Message): string {
  const rest = describeRest(message);
  const events = message.events.map((event) =>
    [event.title, ...(event.text === "" ? [] : [event.text]), describePlace(event), event.url].join("\n"),
  );
  const all = message.total > 1 ? [`All ${message.total} events: ${message.url}`] : [];
  return [...events, ...(rest ? [rest] : []), ...all].join("\n\n").concat("\n");
}

/** The same as HTML that needs nothing from outside: no images, no scripts, no style sheets. */
export function toHtml(message: Message): string {
  const rest = describeRest(message);
  return [
    '<!doctype html><html lang="en"><body style="font:14px/1.45 system-ui,sans-serif;color:#1a1a1a;background:#fff">',
    message.events.length > 1 || rest ? `<p><b>${escapeHtml(message.title)}</b></p>` : "",
    ...message.events.map(toBlock),
    rest ? `<p>${escapeHtml(rest)}</p>` : "",
    `<p><a href="${escapeHtml(message.url)}">Open in Switchyard</a></p>`,
    "</body></html>",
  ].join("\n");
}

function toBlock(event: MessageEvent): string {
  const text = event.text === "" ? "" : `<br>${escapeHtml(event.text)}`;
  const place = `<br><span style="color:#666">${escapeHtml(describePlace(event))}</span>`;
  return `<p><a href="${escapeHtml(event.url)}"><b>${escapeHtml(event.title)}</b></a>${text}${place}</p>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
