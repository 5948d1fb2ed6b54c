import { describe, expect, test } from "vitest";
import { someOptions } from "#lib/client/rollout-start-fixtures.ts";
import { defaultStrategies } from "#lib/domain/rollouts/strategy.ts";
import { changeOf, newDraft, readDraft, standingBlocker, strategyOf, writeDraft } from "./draft.ts";

const options = someOptions();
const fresh = newDraft(options, "relay");

describe("a draft's change", () => {
  test("is none while everything is as it runs", () => {
    expect(changeOf(fresh, options)).toEqual({ change: null, errors: {} });
    expect(changeOf({ ...fresh, by: "template", yaml: `${options.template}\n` }, options).change).toBeNull();
  });

  test("is the image that differs, without the spaces around it", () => {
    const { change } = changeOf({ ...fresh, image: " switchyard/relay:2.0.1 " }, options);
    expect(change).toEqual({ image: { container: "relay", image: "switchyard/relay:2.0.1" }, config: [] });
  });

  test("is refused in words when the image has no version", () => {
    const { change, errors } = changeOf({ ...fresh, image: "switchyard/relay" }, options);
    expect(change).toBeNull();
    expect(errors.image?.[0]).toMatch(/Name a tag or a digest/);
  });

  test("is the template as an object", () => {
    const yaml = options.template.replace("2.0.0", "2.0.1");
    expect(changeOf({ ...fresh, by: "template", yaml }, options).change).toMatchObject({
      template: { spec: { containers: [{ name: "relay", image: "switchyard/relay:2.0.1" }] } },
    });
  });

  test("says where YAML cannot be read, and what a template lacks", () => {
    const broken = changeOf({ ...fresh, by: "template", yaml: "spec: [" }, options);
    expect(broken.change).toBeNull();
    expect(broken.errors.template?.[0]).toMatch(/line 1/);
    const empty = changeOf({ ...fresh, by: "template", yaml: "spec:\n  containers: []\n" }, options);
    expect(empty.errors.template).toEqual(["spec.containers: Give at least one container."]);
  });

  test("can be configuration alone: keys that are set and keys that go", () => {
    const config = { "ConfigMap/relay-config": { "log-level": "debug", old: null }, "Secret/relay-secrets": {} };
    expect(changeOf({ ...fresh, config }, options).change).toEqual({
      config: [{ kind: "ConfigMap", name: "relay-config", data: { "log-level": "debug", old: null } }],
    });
  });
});

describe("a draft that is kept", () => {
  test("comes back as it was, with its strategy", () => {
    const draft = { ...fresh, image: "switchyard/relay:2.0.1", strategy: defaultStrategies.rolling };
    const back = readDraft(writeDraft(draft), options);
    expect(back).toEqual(draft);
    expect(back && strategyOf(back, options)).toEqual(defaultStrategies.rolling);
  });

  test("keeps no value of a Secret", () => {
    const draft = { ...fresh, config: { "Secret/relay-secrets": { "database-url": "postgres://hidden" } } };
    expect(writeDraft(draft)).not.toContain("hidden");
  });

  test("does not turn a field that cannot be read into a pause without end", () => {
    const strategy = { ...defaultStrategies.canary, steps: [{ weight: 10, pauseSeconds: Number.NaN }] };
    expect(readDraft(writeDraft({ ...fresh, strategy }), options)?.strategy).toBeNull();
  });

  test("is left out when it does not fit the service any more or is no draft", () => {
    expect(readDraft(writeDraft({ ...fresh, container: "gone" }), options)).toBeNull();
    expect(readDraft("{", options)).toBeNull();
    expect(readDraft("null", options)).toBeNull();
  });
});

describe("a blocker stands", () => {
  const freeze = { id: "freeze", message: "Frozen.", canOverride: true, canQueue: true };
  const active = { id: "active", message: "One is under way.", canOverride: false, canQueue: true };
  const pinned = { id: "image-pinned", message: "latest", canOverride: true, canQueue: false };

  test("until it is overridden or waited for", () => {
    expect(standingBlocker([freeze], { overrides: false, queues: false })).toBe(freeze);
    expect(standingBlocker([freeze], { overrides: true, queues: false })).toBeNull();
    expect(standingBlocker([freeze], { overrides: false, queues: true })).toBeNull();
  });

  test("when what was decided does not concern it", () => {
    expect(standingBlocker([freeze, active], { overrides: true, queues: false })).toBe(active);
    expect(standingBlocker([active, pinned], { overrides: false, queues: true })).toBe(pinned);
    expect(standingBlocker([active, pinned], { overrides: true, queues: true })).toBeNull();
  });
});
