/** The five steps of the guides' runbook, each with what is to be looked at. */

export const steps = ["detect", "assess", "mitigate", "resolve", "document"] as const;
export type Step = (typeof steps)[number];

export type CheckItem = { id: string; title: string };

export const stepInfos: Record<Step, { title: string; about: string; checks: CheckItem[] }> = {
  detect: {
    title: "Detect",
    about: "Somebody or something noticed. Take it, so that others know.",
    checks: [
      { id: "detect-charts", title: "The charts show what the alert or the report says" },
      { id: "detect-people", title: "Who is affected has been asked, or has told" },
      { id: "detect-commander", title: "Somebody commands" },
    ],
  },
  assess: {
    title: "Assess",
    about: "How bad is it, since when, and what changed just before?",
    checks: [
      { id: "assess-severity", title: "The severity is right; in doubt it is the higher one" },
      { id: "assess-changes", title: "What was rolled out or changed just before has been looked at" },
      { id: "assess-logs", title: "Logs and figures of errors have been read" },
    ],
  },
  mitigate: {
    title: "Mitigate",
    about: "Stop the harm first; the cause can wait.",
    checks: [
      { id: "mitigate-rollback", title: "If a rollout came before it: that is rolled back" },
      { id: "mitigate-breaker", title: "If something outside is the cause: its circuit breaker is open" },
      { id: "mitigate-database", title: "If the database is the cause: its replica has taken over" },
    ],
  },
  resolve: {
    title: "Resolve",
    about: "What was harmed works again, by the data, and stays so.",
    checks: [
      { id: "resolve-fix", title: "The cause is removed, not only its effect" },
      { id: "resolve-tests", title: "Tests have run on the fix" },
      { id: "resolve-deployed", title: "The fix runs everywhere" },
    ],
  },
  document: {
    title: "Document",
    about: "What others can learn from it.",
    checks: [
      { id: "document-postmortem", title: "The postmortem is written and published" },
      { id: "document-runbook", title: "The runbook says what would have helped" },
      { id: "document-prevention", title: "What prevents it the next time has an owner and a date" },
    ],
  },
};
