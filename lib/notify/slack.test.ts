import { describe, expect, test } from "vitest";
import { toText } from "./mail.ts";
import { toSlack } from "./slack.ts";
import { testEvent, testMessage } from "./test-messages.ts";

const many = (count: number) =>
  Array.from({ length: count }, (_, index) => testEvent({ key: `alert/${index}/fired`, title: `Alert ${index}` }));

describe("a message for Slack", () => {
  test("of one event has what, why, where, when and the link, in text and in blocks", () => {
    const { text, blocks } = toSlack(testMessage());
    expect(text).toBe(
      "• <https://switchyard.example.org/alerts/1|Critical: RelayHighLatency on fleet/relay>: p95 is 120 ms over 5 min. " +
        "(fleet/relay · critical · 21 Nov 2026, 03:04:05 UTC)\n<https://switchyard.example.org/alerts/1|Open in Switchyard>",
    );
    expect(blocks).toHaveLength(3);
    expect(JSON.stringify(blocks)).toContain("p95 is 120 ms");
  });

  test("of many lists what it was given and counts the rest by name", () => {
    const message = testMessage({
      events: many(20),
      total: 1_020,
      title: "Alert 0 and 1019 more",
      rest: [
        { what: "RelayHighLatency", count: 900 },
        { what: "ServiceDown", count: 100 },
      ],
    });
    const { text, blocks } = toSlack(message);
    expect(text.match(/^• /gm)).toHaveLength(20);
    expect(text).toContain("and 1000 more: 900 × RelayHighLatency, 100 × ServiceDown");
    expect(blocks.length).toBeLessThanOrEqual(50);
    expect(toText(message)).toContain("and 1000 more: 900 × RelayHighLatency, 100 × ServiceDown");
  });

  test("calls nobody and links nowhere by what an event says", () => {
    const nasty = "<!channel> @here <https://evil.example.org|click> & @Everyone | x";
    const { text, blocks } = toSlack(testMessage({ title: nasty, events: [testEvent({ title: nasty, text: nasty })] }));
    const sections = JSON.stringify(blocks.filter(({ type }) => type !== "header"));
    for (const made of [text, sections]) {
      expect(made).not.toContain("<!channel>");
      expect(made).not.toContain("<https://evil");
      expect(made).not.toMatch(/@(here|everyone|channel|all)/i);
      expect(made.match(/<https:\/\/switchyard\.example\.org[^|>]*\|[^|>]*>/g)?.length).toBeGreaterThan(0);
    }
  });

  test("stays within what Slack takes, however long the texts are", () => {
    const long = testEvent({ title: "t".repeat(5_000), text: "&".repeat(5_000) });
    for (const block of toSlack(testMessage({ title: long.title, events: [long, long] })).blocks) {
      if (block.type === "header" && "text" in block) expect(block.text?.text.length).toBeLessThanOrEqual(150);
      if (block.type === "section" && "text" in block) expect(block.text?.text.length).toBeLessThanOrEqual(3_000);
    }
  });
});
