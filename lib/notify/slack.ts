import { type PostOptions, post } from "./http.ts";
import { describePlace, describeRest, type Message, type MessageEvent, type SendResult } from "./message.ts";

const maxHeaderLength = 150;
const maxSectionLength = 2_900;

/** Sends a message to an incoming webhook of Slack, or of anything that takes the same, e.g. Mattermost or Rocket.Chat. */
export function sendSlack(
  target: { url: string },
  message: Message,
  options: Pick<PostOptions, "timeoutMs" | "signal" | "lookup">,
): Promise<SendResult> {
  return post({
    url: target.url,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(toSlack(message)),
    ...options,
  });
}

/** The body: `text` alone says everything, for what shows no blocks; `blocks` are the same, laid out. */
export function toSlack(message: Message) {
  const { title, events, url } = message;
  const rest = describeRest(message);
  const single = events.length === 1 && rest === null;
  const footer = [rest && escapeText(rest), link(url, "Open in Switchyard")].filter(Boolean).join(" · ");
  const lines = events.map((event) => toLine(event)).join("\n");
  return {
    text: single ? `${lines}\n${footer}` : `*${escapeText(title)}*\n${lines}\n${footer}`,
    blocks: [
      { type: "header", text: { type: "plain_text", text: cut(title, maxHeaderLength), emoji: false } },
      ...events.map((event) => ({ type: "section", text: { type: "mrkdwn", text: toSection(event, single) } })),
      { type: "context", elements: [{ type: "mrkdwn", text: footer }] },
    ],
  };
}

function toLine(event: MessageEvent): string {
  const text = event.text === "" ? "" : `: ${escapeText(event.text)}`;
  return `• ${link(event.url, event.title)}${text} (${escapeText(describePlace(event))})`;
}

function toSection(event: MessageEvent, isSingle: boolean): string {
  const head = isSingle ? [] : [`*${link(event.url, event.title)}*`];
  const text = event.text === "" ? [] : [escapeText(event.text)];
  return cut([...head, ...text, escapeText(describePlace(event))].join("\n"), maxSectionLength);
}

function link(url: string, text: string): string {
  return `<${url}|${escapeText(text).replaceAll("|", "¦")}>`;
}

/** Text of others: it makes no link and calls nobody, neither in Slack's notation nor by a bare @channel. */
function escapeText(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replace(/@(?=channel|here|all|everyone)/gi, "@\u200b");
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}
