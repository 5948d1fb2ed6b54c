"use client";
import { EscalationForm } from "./escalation-form.tsx";
import { OpeningRulesForm } from "./opening-rules-form.tsx";
import { ResolvingForm } from "./resolving-form.tsx";

/** What opens incidents by itself, when one may be resolved, and when people are told again. */
export const IncidentsSection = () => (
  <>
    <OpeningRulesForm />
    <ResolvingForm />
    <EscalationForm />
  </>
);
