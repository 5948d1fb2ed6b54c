import { describe, expect, it } from "vitest";
import { actionSentence, actorWords, auditWords, rolloutTitle, verbName } from "./action-texts.ts";

const values = { replicas: 5, container: "relay", image: "reg:5000/switchyard/relay:2.0.1", toRevision: 7 };

describe("the sentence on an action's button", () => {
  it("says the verb and the object", () => {
    expect(actionSentence("scale", "relay", values)).toBe("Scale relay to 5");
    expect(actionSentence("image", "relay", values)).toBe("Set image of relay to 2.0.1");
    expect(actionSentence("rollback", "relay", values)).toBe("Roll back relay to revision 7");
    expect(actionSentence("pause", "relay", values)).toBe("Pause relay");
  });
  it("leaves out what is not known yet", () => {
    expect(actionSentence("scale", "relay", { ...values, replicas: null })).toBe("Scale relay");
    expect(actionSentence("rollback", "relay", { ...values, toRevision: 0 })).toBe("Roll back relay");
    expect(actionSentence("image", "relay", { ...values, image: "reg:5000/relay" })).toBe("Set image of relay");
  });
});

it("heads a rollout with the change and the service", () => {
  expect(rolloutTitle({ change: "image", service: "relay" })).toBe("Set image of relay");
  expect(rolloutTitle({ change: "rollback", service: "relay" })).toBe("Roll back relay");
});

describe("a verb of the audit", () => {
  it("is named as the buttons name it, and any other in words", () => {
    expect(["service.image", "rollback", "token.create", "password-change", "updateUser"].map(verbName)).toEqual([
      "Set image",
      "Roll back",
      "Create",
      "Password change",
      "Update user",
    ]);
  });

  it("says what a change of the template from outside is", () => {
    expect(verbName("template")).toBe("Change settings");
  });

  it("says what starts a rollout with a strategy", () => {
    expect(verbName("service.rollout")).toBe("Roll out");
  });

  it("names the kind of what is no service", () => {
    expect(auditWords({ verb: "scale", targetKind: "service" })).toBe("Scale");
    expect(auditWords({ verb: "create", targetKind: "user" })).toBe("Create user");
    expect(auditWords({ verb: "back-up", targetKind: "backup" })).toBe("Make");
    expect(auditWords({ verb: "abort", targetKind: "drill" })).toBe("Abort");
    expect(auditWords({ verb: "rotate-secret", targetKind: "notification-target" })).toBe(
      "Rotate the secret of notification target",
    );
    expect(auditWords({ verb: "send-again", targetKind: "notification-target" })).toBe("Send again to notification target");
    expect(auditWords({ verb: "acknowledge", targetKind: "incident" })).toBe("Acknowledge incident");
    expect(auditWords({ verb: "change-timeline", targetKind: "incident" })).toBe("Correct the timeline of incident");
  });
});

describe("who did something", () => {
  it("is told with what stands behind the name, and nobody's name is not told twice", () => {
    expect(actorWords({ actor: "ana", actorKind: "user" })).toBe("ana");
    expect(actorWords({ actor: "deploy-bot", actorKind: "token" })).toBe("deploy-bot (token)");
    expect(actorWords({ actor: "kubectl-edit", actorKind: "external" })).toBe("kubectl-edit (outside Switchyard)");
    expect(actorWords({ actor: "outside Switchyard", actorKind: "external" })).toBe("somebody outside Switchyard");
  });

  it("names Switchyard once when it acted by itself", () => {
    expect(actorWords({ actor: "Switchyard", actorKind: "system" })).toBe("Switchyard");
    expect(actorWords({ actor: "controller", actorKind: "system" })).toBe("controller (Switchyard itself)");
  });
});
