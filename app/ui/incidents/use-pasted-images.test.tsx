// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { useRef } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { messageOf } from "#lib/client/api.ts";
import { useStored } from "../use-stored.ts";
import { usePastedImages } from "./use-pasted-images.ts";

function Field() {
  const [text, setText] = useStored("field of a test");
  const field = useRef<HTMLTextAreaElement>(null);
  const { handlers, isSending, error } = usePastedImages({ incidentId: "i1", field, text, setText });
  return (
    <>
      <textarea ref={field} value={text} onChange={({ target }) => setText(target.value)} {...handlers} />
      <p>{isSending ? "sending" : "quiet"}</p>
      {error !== null && <p role="alert">{messageOf(error)}</p>}
    </>
  );
}

const sent: { url: string; type: string | undefined; size: number }[] = [];
let release: (() => void)[] = [];
let answer: (number: number) => Response;

beforeEach(() => {
  sent.length = 0;
  release = [];
  sessionStorage.clear();
  answer = (number) => Response.json({ id: `p${number}`, address: `/api/incidents/i1/images/p${number}` }, { status: 201 });
  vi.stubGlobal("fetch", async (url: string, { headers, body }: { headers: Record<string, string>; body: Blob }) => {
    const number = sent.push({ url, type: headers["content-type"], size: body.size });
    await new Promise<void>((resolve) => release.push(resolve));
    return answer(number);
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const field = () => screen.getByRole<HTMLTextAreaElement>("textbox");
const picture = (name: string) => new File(["pixels"], name, { type: "image/png" });

function paste(...files: File[]) {
  fireEvent.paste(field(), { clipboardData: { files } });
}

async function answerNext(number: number) {
  await waitFor(() => expect(release.length).toBeGreaterThanOrEqual(number));
  release[number - 1]?.();
}

it("puts a picture where the cursor is, while one writes on", async () => {
  render(<Field />);
  fireEvent.change(field(), { target: { value: "before after" } });
  field().setSelectionRange(7, 7);
  paste(picture("chart.png"));
  expect(field().value).toMatch(/^before \n!\[chart\.png, on its way \(\d+\)\]\nafter$/);
  await screen.findByText("sending");
  fireEvent.change(field(), { target: { value: `${field().value} and more` } });
  await answerNext(1);
  await screen.findByText("quiet");
  expect(field().value).toBe("before \n![chart.png](/api/incidents/i1/images/p1)\nafter and more");
  expect(sent).toEqual([{ url: "/api/incidents/i1/images", type: "image/png", size: 6 }]);
});

it("takes several in their order, whichever is kept first, and leaves files alone that are no pictures", async () => {
  render(<Field />);
  paste(new File(["x"], "notes.txt", { type: "text/plain" }));
  expect(field().value).toBe("");
  paste(picture("a.png"), picture("b.png"));
  await answerNext(2);
  await waitFor(() => expect(field().value).toContain("images/p2"));
  await answerNext(1);
  await waitFor(() =>
    expect(field().value.trim().split("\n")).toEqual([
      "![a.png](/api/incidents/i1/images/p1)",
      "![b.png](/api/incidents/i1/images/p2)",
    ]),
  );
});

it("takes what was not kept out again, and says why", async () => {
  answer = () => Response.json({ code: "invalid-input", detail: "The request is longer than 5 MiB." }, { status: 422 });
  render(<Field />);
  paste(picture("huge.png"));
  await answerNext(1);
  expect((await screen.findByRole("alert")).textContent).toBe("The request is longer than 5 MiB.");
  expect(field().value.trim()).toBe("");
});

it("loses nothing when the field is left before the answer comes", async () => {
  const { unmount } = render(<Field />);
  fireEvent.change(field(), { target: { value: "seen:" } });
  paste(picture("chart.png"));
  await waitFor(() => expect(release).toHaveLength(1));
  unmount();
  await answerNext(1);
  await waitFor(() =>
    expect(sessionStorage.getItem("switchyard field of a test")).toBe("seen:\n![chart.png](/api/incidents/i1/images/p1)\n"),
  );
});
