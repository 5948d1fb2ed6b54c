// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { afterEach, expect, test } from "vitest";
import { Dialog } from "./dialog.tsx";

afterEach(cleanup);

function Page() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        Change it
      </button>
      {open && (
        <Dialog open onClose={() => setOpen(false)} title="Change">
          <input aria-label="Name" autoFocus />
        </Dialog>
      )}
    </>
  );
}

test("a dialog gives the focus back to what opened it", async () => {
  render(<Page />);
  const opener = screen.getByRole("button", { name: "Change it" });
  opener.focus();
  fireEvent.click(opener);
  expect(document.activeElement).toBe(screen.getByLabelText("Name"));
  fireEvent.keyDown(screen.getByLabelText("Name"), { key: "Escape" });
  await waitFor(() => expect(document.activeElement).toBe(opener));
});
