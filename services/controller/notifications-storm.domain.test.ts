import { describe, expect, test } from "vitest";
import { advance, alert, announce, deliver, keysOf, startSender, startTarget, withOutbox } from "./test-outbox.ts";

withOutbox();

describe("a storm", () => {
  const count = 10_000;

  test("of 10,000 alerts comes to people as one message, which lists the first 20 and counts the rest", async () => {
    const { receiver } = await startTarget("slack");
    const alerts = Array.from({ length: count }, (_, index) =>
      alert(index, {
        severity: index === 7_777 ? "critical" : "warning",
        name: index % 10 === 0 ? "ServiceDown" : "RelayHighLatency",
      }),
    );
    await announce(...alerts);
    await deliver();
    advance(9);
    await deliver();
    expect(receiver.received).toHaveLength(1);
    const { text, blocks } = JSON.parse(receiver.received[0]?.body ?? "");
    expect(blocks[0].text.text).toBe("Critical: RelayHighLatency on fleet/relay and 9999 more");
    expect(text.match(/^• /gm)).toHaveLength(20);
    expect(text.match(/^• .*$/m)[0]).toContain("number 7777");
    expect(text).toContain("and 9980 more: 89");
    const counts = [...text.matchAll(/(\d+) × (\w+)/g)].map(([, each]) => Number(each));
    expect(counts.reduce((all, one) => all + one, 0)).toBe(9_980);
  });

  test("of 10,000 alerts comes to programs without losing one, a message in ten seconds", async () => {
    const { receiver } = await startTarget();
    await announce(...Array.from({ length: count }, (_, index) => alert(index)));
    const sender = startSender();
    for (let second = 0; second <= 200; second += 5) {
      await deliver(sender);
      advance(5);
    }
    expect(receiver.received).toHaveLength(20);
    expect(new Set(keysOf(receiver)).size).toBe(count);
    for (const { body } of receiver.received) expect(body.length).toBeLessThan(512 * 1024);
  });

  test("brings the first alert at once, and what follows in one message ten seconds later", async () => {
    const { receiver } = await startTarget();
    const sender = startSender();
    for (let index = 0; index < 10; index += 1) {
      await announce(alert(index));
      await deliver(sender);
      advance(1);
    }
    expect(keysOf(receiver)).toEqual(["alert/episode-0/fired"]);
    await deliver(sender);
    expect(receiver.received).toHaveLength(2);
    expect(keysOf(receiver)).toHaveLength(10);
  });
});
