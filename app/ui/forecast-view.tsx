import type { Forecast } from "#lib/domain/autoscaling/schemas.ts";

/** The most instances that there can be at once, against the room on the nodes. */
export function ForecastView({ forecast: { message, notes, short } }: { forecast: Forecast }) {
  return (
    <div className="grid gap-0.5">
      <p className={short > 0 ? "font-medium text-warn" : "text-ink-2"}>{message}</p>
      {notes.map((note) => (
        <p key={note} className="text-ink-2">
          {note}
        </p>
      ))}
    </div>
  );
}
