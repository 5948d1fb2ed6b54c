import type { Message, MessageEvent } from "./message.ts";

/** An event for tests. */
export function testEvent(given: Partial<MessageEvent> = {}): MessageEvent {
  return {
    key: "alert/1/fired",
    event: "alert-fired",
    title: "Critical: RelayHighLatency on fleet/relay",
    text: "p95 is 120 ms over 5 min.",
    severity: "critical",
    namespace: "fleet",
    service: "relay",
    at: new Date("2026-11-21T03:04:05Z"),
    url: "https://switchyard.example.org/alerts/1",
    ...given,
  };
}

/** A message for tests, of one event unless others are given. */
export function testMessage(given: Partial<Message> = {}): Message {
  const events = given.events ?? [testEvent()];
  return {
    id: "3f0b6f0e-6b5a-4d0e-9d4f-000000000001",
    title: events[0]?.title ?? "",
    createdAt: new Date("2026-11-21T03:04:06Z"),
    url: "https://switchyard.example.org/alerts/1",
    events,
    total: events.length,
    rest: [],
    ...given,
  };
}
