/** Why Switchyard cannot start: one line for the person at the terminal that says what to do. */
export class StartError extends Error {}
