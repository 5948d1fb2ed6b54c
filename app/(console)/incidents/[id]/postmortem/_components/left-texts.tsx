"use client";
import { useState } from "react";
import type { DraftView } from "#lib/client/draft-session.ts";
import type { LeftText } from "#lib/client/kept-drafts.ts";
import { Button } from "../../../../../ui/button.tsx";
import { TimeAgo } from "../../../../../ui/clock.tsx";
import { Dialog } from "../../../../../ui/dialog.tsx";
import { TemplateDiff } from "../../../../../ui/diff-view.tsx";

type Properties = {
  view: Pick<DraftView, "left" | "text">;
  onTakeOver: (key: string) => void;
  onThrowAway: (key: string) => void;
};

/** What this browser keeps that is in nobody's text: another person's unsaved words, or what a restored database has lost. */
export function LeftTexts({ view: { left, text }, onTakeOver, onThrowAway }: Properties) {
  const [openedKey, setOpenedKey] = useState<string | null>(null);
  const opened = left.find(({ key }) => key === openedKey);
  const done = (act: (key: string) => void) => () => {
    if (opened) act(opened.key);
    setOpenedKey(null);
  };
  return (
    <>
      {left.map((each) => (
        <p key={each.key} className="flex flex-wrap items-center gap-2 border-b bg-sunken px-4 py-1.5 text-ink-2 print:hidden">
          <span>
            {words(each)} <TimeAgo at={each.at} />
          </span>
          <Button size="small" className="ml-auto" onClick={() => setOpenedKey(each.key)}>
            Look at it
          </Button>
        </p>
      ))}
      {opened && (
        <Dialog
          open
          wide
          onClose={() => setOpenedKey(null)}
          title="A text that is kept in this browser only"
          description={words(opened)}
          footer={
            <>
              <Button onClick={done(onThrowAway)}>Throw it away</Button>
              <Button look="primary" onClick={done(onTakeOver)}>
                Join it with the text
              </Button>
            </>
          }
        >
          <TemplateDiff before={text} after={opened.text} beforeTitle="the text" afterTitle="kept here" />
        </Dialog>
      )}
    </>
  );
}

function words({ kind, by }: LeftText): string {
  return kind === "lost"
    ? "Switchyard had a text that it has no longer, as after its database was restored. It is kept here,"
    : `${by} left text in this browser that was not saved,`;
}
