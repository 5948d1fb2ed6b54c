/** The text as a sentence or a label begins: "in place" is "In place". */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The text as it goes on inside a sentence: "In place" is "in place". */
export const uncapital = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
