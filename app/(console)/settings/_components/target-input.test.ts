import { describe, expect, test } from "vitest";
import type { TargetSettings } from "#lib/domain/notifications/schemas.ts";
import { errorsBelow, readSettings, recipientsOf } from "./target-input.ts";

function entered(fields: Record<string, string>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  return data;
}

const mail = {
  host: "smtp.example.org ",
  port: "587",
  security: "starttls",
  username: "",
  from: "a@example.org",
  to: "b@example.org",
};
const stored: TargetSettings = { kind: "webhook", address: "https://ops.example.org/…" };

describe("what was entered of a target", () => {
  test("keeps the address that is stored when the field is empty, and takes a new one", () => {
    expect(readSettings("webhook", entered({ url: "  " }), stored)).toBeNull();
    expect(readSettings("slack", entered({ url: " https://new.example.org/ " }), stored)).toEqual({
      url: "https://new.example.org/",
    });
  });

  test("of a new target is sent empty too, so that the server says what is missing", () => {
    expect(readSettings("webhook", entered({ url: "" }), null)).toEqual({ url: "" });
  });

  test("leaves out a password that was not entered, and keeps the blanks of one that was", () => {
    expect(readSettings("email", entered({ ...mail, password: "" }), null)).not.toHaveProperty("password");
    expect(readSettings("email", entered({ ...mail, password: " two words " }), null)).toMatchObject({ password: " two words " });
  });

  test("has no user name when the field is empty, and a port that is a number", () => {
    expect(readSettings("email", entered(mail), null)).toMatchObject({ host: "smtp.example.org", port: 587, username: null });
  });
});

test("recipients stand between commas, semicolons or lines, with their names", () => {
  expect(recipientsOf("Night shift <ops@example.org>, b@example.org;c@example.org\n , ")).toEqual([
    "Night shift <ops@example.org>",
    "b@example.org",
    "c@example.org",
  ]);
});

test("what is wrong with a list is what is wrong with any of its members, said once, and not with a field that begins alike", () => {
  const errors = { "settings.to.0": ["Bad."], "settings.to.3": ["Bad."], "settings.token": ["Other."] };
  expect(errorsBelow(errors, "settings.to")).toEqual(["Bad."]);
  expect(errorsBelow(errors, "settings.from")).toBeUndefined();
});
