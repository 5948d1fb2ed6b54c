import { expect, test } from "vitest";
import { readActionLink } from "./action-link.ts";
import { deliveredKinds, deliveredText, listDeliveredAlerts, runbookOfAlert } from "./delivered.ts";

test.each([
  ["action:roll-back", { verb: "rollback", service: null }],
  ["action:roll-back?service=fleet/relay&revision=7", { verb: "rollback", service: "fleet/relay", toRevision: 7 }],
  ["action:scale?replicas=5", { verb: "scale", service: null, replicas: 5 }],
  ["action:scale?replicas=many", { verb: "scale", service: null }],
  ["action:restart", { verb: "restart", service: null }],
])("%s is a button", (href, link) => {
  expect(readActionLink(href)).toEqual(link);
});

test.each(["action:delete", "action:restart?service=../users", "action:", "https://action:restart", "action:constructor"])(
  "%s is none",
  (href) => {
    expect(readActionLink(href)).toBeNull();
  },
);

test("every button in what is delivered does something, and every alert has something to do or to know", () => {
  const texts = listDeliveredAlerts().map((ref) => [ref.name, deliveredText(ref, null) ?? ""]);
  expect(texts.length).toBeGreaterThan(40);
  const intros = deliveredKinds.map((kind) => [kind, deliveredText({ scope: "service", group: "n", name: "s" }, kind) ?? ""]);
  let buttons = 0;
  for (const [name, text = ""] of [...texts, ...intros]) {
    for (const [, href = ""] of text.matchAll(/\]\((action:[^)]*)\)/g)) {
      expect(readActionLink(href), `${name}: ${href}`).not.toBeNull();
      buttons += 1;
    }
  }
  expect(buttons).toBeGreaterThan(20);
  for (const [name, text = ""] of texts) {
    expect(name).toMatch(/^[A-Z][A-Za-z]+$/);
    expect(text, name).toMatch(/^1\. /m);
  }
});

test("an alert's runbook is that of its kind", () => {
  const none = () => false;
  expect(runbookOfAlert("ServiceDown", "edge", none)).toMatchObject({ group: "edge" });
  expect(runbookOfAlert("ServiceDown", "database", none)).toMatchObject({ group: "any" });
  expect(runbookOfAlert("RelayHighLatency", null, none)).toMatchObject({ group: "relay" });
  expect(runbookOfAlert("RelayHighLatency", "database", (ref) => ref.group === "any")).toMatchObject({ group: "any" });
});
