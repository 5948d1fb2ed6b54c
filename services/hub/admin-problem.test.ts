import { expect, test } from "vitest";
import { HubError } from "#lib/protocol/hub-messages.ts";
import { describeProblem } from "./admin-problem.ts";

const named = (name: string, message: string) => Object.assign(new Error(message), { name });

test.each([
  named("Error", "Command timed out"),
  named("Error", "Stream isn't writeable and enableOfflineQueue options is false"),
  named("MaxRetriesPerRequestError", "Reached the max retries per request limit"),
  named("AbortError", "Command aborted due to connection close"),
  named("ReplyError", "OOM command not allowed when used memory > 'maxmemory'."),
  Object.assign(new Error("connect ECONNREFUSED"), { syscall: "connect" }),
])("a state that is away is a 503 that says nothing of the inside: %s", (error) => {
  const { status, code, detail } = describeProblem(error, "r");
  expect([status, code]).toEqual([503, "state_away"]);
  expect(detail).not.toContain(error.message);
});

test.each([new TypeError("undefined is no function"), named("ReplyError", "ERR min or max is not a float")])(
  "a defect is a 500 that says nothing of the inside: %s",
  (error) => {
    const { status, code, detail } = describeProblem(error, "r");
    expect([status, code]).toEqual([500, "internal"]);
    expect(detail).not.toContain(error.message);
  },
);

test("a hub that does not do in time what it is asked is a 503 with its own code", () => {
  expect(describeProblem(new HubError("timeout", "late"), "r")).toMatchObject({ status: 503, code: "timeout", detail: "late" });
});
