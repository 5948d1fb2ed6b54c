export const podsOfService = 100;
/** The pod of the last event of a watch. */
export const lastPodName = "the-last-one";
