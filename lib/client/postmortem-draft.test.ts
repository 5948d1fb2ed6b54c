import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  beginSave,
  conflictPieces,
  type Draft,
  isUnsaved,
  keepDraft,
  openDraft,
  readKept,
  saveToSend,
  settleDraft,
  takeKnown,
  takeRefused,
  takeSaved,
  typeOver,
  typeText,
} from "./postmortem-draft.ts";

const opened = openDraft({ version: 1, text: "one\ntwo\nthree\n" });
const text = (change: (given: string) => string) => typeText(opened, change(opened.text));

describe("a draft", () => {
  it("is saved once it differs, and what is typed meanwhile is saved afterwards", () => {
    expect(saveToSend(beginSave(opened, "a"))).toBeNull();
    let draft = beginSave(
      text((given) => given.replace("two", "2")),
      "a",
    );
    expect(saveToSend(draft)).toEqual({ id: "a", version: 1, text: "one\n2\nthree\n" });
    draft = typeText(draft, "one\n2!\nthree\n");
    expect(saveToSend(beginSave(draft, "b"))?.id).toBe("a");
    draft = takeSaved(draft, { id: "a", version: 2 });
    expect(saveToSend(beginSave(draft, "b"))).toEqual({ id: "b", version: 2, text: "one\n2!\nthree\n" });
  });

  it("has what others wrote beside what is typed here", () => {
    const joined = takeKnown(
      text((given) => given.replace("one", "ONE")),
      { version: 4, text: "one\ntwo\nTHREE\n" },
    );
    expect(joined).toMatchObject({ text: "ONE\ntwo\nTHREE\n", base: { version: 4 }, theirs: null });
    expect(isUnsaved(joined)).toBe(true);
  });

  it("keeps what others wrote when something is typed into what was shown before", () => {
    const joined = takeKnown(opened, { version: 4, text: "one\ntwo\nTHREE\n" });
    expect(typeOver(joined, { text: "ONE\ntwo\nthree\n", shown: opened.text }).text).toBe("ONE\ntwo\nTHREE\n");
  });

  it("hears nothing old, and nothing while a save has no answer: that may be part of it", () => {
    expect(takeKnown(opened, { version: 1, text: "other" })).toBe(opened);
    const sent = beginSave(
      text((given) => `${given}four\n`),
      "a",
    );
    expect(takeKnown(sent, { version: 2, text: "other" })).toBe(sent);
  });

  it("asks the person where the same words were changed, and saves nothing until they chose", () => {
    const draft = takeKnown(
      text((given) => given.replace("two", "mine")),
      { version: 2, text: "one\ntheirs\nthree\n" },
    );
    expect(conflictPieces(draft)?.filter(({ kind }) => kind === "conflict")).toHaveLength(1);
    expect(saveToSend(beginSave(draft, "a"))).toBeNull();
    const settled = settleDraft(draft, ["both"]);
    expect(settled).toMatchObject({ text: "one\nmine\ntheirs\nthree\n", base: { version: 2 }, theirs: null });
    expect(saveToSend(beginSave(settled, "a"))?.version).toBe(2);
  });

  it("is kept by the browser until the server has it, with the save that had no answer", () => {
    expect(keepDraft(opened)).toBeNull();
    const draft = beginSave(
      text((given) => `${given}four\n`),
      "a",
    );
    expect(readKept(keepDraft(draft))).toEqual(draft);
    expect(keepDraft(takeSaved(draft, { id: "a", version: 2 }))).toBeNull();
    expect(readKept("{")).toBeNull();
    expect(readKept('{"text":1}')).toBeNull();
  });
});

/** A server as lib/domain/incidents/postmortem/save.ts is one, which dies before or after it has done something. */
class Server {
  known = { version: 1, text: "start\n\nmiddle\n\nend\n" };
  readonly saves = new Map<string, number>();

  save(sent: { id: string; version: number; text: string }): { id: string; version: number } | "stale" {
    const done = this.saves.get(sent.id);
    if (done !== undefined) return { id: sent.id, version: done };
    if (sent.version !== this.known.version) return "stale";
    this.known = { version: this.known.version + 1, text: sent.text };
    this.saves.set(sent.id, this.known.version);
    return { id: sent.id, version: this.known.version };
  }
}

type Fate = "answered" | "lost before" | "lost after" | "tab closed";

describe("two who write one text while the server dies now and then", () => {
  it("lose nothing of what they typed, and end with the same text", () => {
    const turn = fc.record({
      who: fc.constantFrom(0, 1),
      line: fc.nat(12),
      fate: fc.constantFrom<Fate>("answered", "answered", "lost before", "lost after", "tab closed"),
      hears: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(turn, { minLength: 5, maxLength: 40 }), (turns) => {
        const server = new Server();
        const drafts = [openDraft(server.known), openDraft(server.known)] as [Draft, Draft];
        const typed: string[] = [];
        let id = 0;
        const settle = (draft: Draft) => (draft.theirs ? settleDraft(draft, []) : draft);
        const send = (given: Draft, fate: Fate): Draft => {
          const draft = beginSave(given, `save ${id++}`);
          const sent = saveToSend(draft);
          if (!sent || fate === "lost before") return draft;
          const answer = server.save(sent);
          if (fate === "lost after") return draft;
          if (fate === "tab closed") return readKept(keepDraft(draft)) ?? openDraft(server.known);
          if (answer !== "stale") return takeSaved(draft, answer);
          return settle(takeKnown(takeRefused(draft, sent.id), server.known));
        };
        for (const [index, { who, line, fate, hears }] of turns.entries()) {
          const word = `w${who}x${index}.`;
          typed.push(word);
          let draft = drafts[who as 0 | 1];
          const lines = draft.text.split("\n");
          const at = line % lines.length;
          lines[at] = `${lines[at]} ${word}`;
          draft = send(typeText(draft, lines.join("\n")), fate);
          drafts[who as 0 | 1] = hears ? settle(takeKnown(draft, server.known)) : draft;
        }
        for (let round = 0; round < 6; round += 1) {
          for (const who of [0, 1] as const) drafts[who] = settle(takeKnown(send(drafts[who], "answered"), server.known));
        }
        expect(drafts[0].text).toBe(server.known.text);
        expect(drafts[1].text).toBe(server.known.text);
        for (const word of typed) expect(server.known.text).toContain(word);
      }),
      { numRuns: 400 },
    );
  });
});
