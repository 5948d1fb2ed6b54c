/** The colours of the two versions wherever they stand beside each other: as the first two series of a chart. */
export const trackColors = { stable: "var(--series-1)", candidate: "var(--series-2)" } as const;
