/** Seconds as they were typed; what is no number is refused by the server in words. */
export const secondsOf = (text: string) => (/^\d+$/.test(text.trim()) ? Number(text) : -1);
