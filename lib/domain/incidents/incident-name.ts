/** What people call an incident by: "INC-12". */
export const incidentName = ({ number }: { number: number }) => `INC-${number}`;
