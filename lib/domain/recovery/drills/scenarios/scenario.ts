import type { Context } from "../../../context.ts";
import type { RecoveryCheck } from "../../schemas.ts";
import type { NodePower } from "../node-power.ts";
import type { DrillRun, Prey } from "../run.ts";
import type { DrillSettings } from "../schemas.ts";
import type { Cluster, Standing } from "../standing.ts";
import type { FoundWitness } from "../witness.ts";

/** What a process has that carries out drills. */
export type DrillMeans = {
  /** Null where nobody configured what has the power over nodes. */
  nodePower: NodePower | null;
};

/** Of a person who asks for a drill, or of Switchyard itself that carries it out. */
export type DrillContext = Context & DrillMeans;

export type FoundBackup = { id: string; name: string; takenAt: Date; parts: string[] };

/** What there is to choose from. */
export type Choice = {
  cluster: Cluster;
  /** The newest backup of the subject that can be restored, or the one that the settings name; for scenarios about data. */
  backup: FoundBackup | null;
  /** What the subject depends on, however far away, each after what it needs itself; for scenarios that build it elsewhere. */
  dependencies: { id: string; backup: FoundBackup | null }[];
  /** Whether the namespace that plays the other region is there already. */
  isNamespaceTaken: boolean;
  subject: Standing | null;
  witness: FoundWitness | null;
  settings: DrillSettings;
};

export type Chosen = { prey: Prey; affected: string[] } | { problem: string };

export type Work = Choice & { context: Context & DrillMeans; drillId: string; run: DrillRun; now: Date };

/** A drill as data and small functions. All that changes something may be repeated: what is done is not done again. */
export type ScenarioWork = {
  /** Nothing that runs is struck. */
  isRehearsal: boolean;
  /** What has to fire; null where nothing is struck. */
  alert: string | null;
  needsBackup?: true;
  needsDependencies?: true;
  /** What is done, in order, in sentences. */
  steps: (settings: DrillSettings, prey: string) => string[];
  /** What it cannot show. */
  limits: string[];
  /** What it needs beside the guard rails, asked of the machine. */
  wants?: (context: DrillContext, choice: Choice) => Promise<{ name: string; problem: string | null; found: string }[]>;
  choose: (choice: Choice) => Chosen;
  /** What has to be known of before it strikes: into the drill's run, which is stored first. */
  prepare?: (work: Work) => Promise<void>;
  strike: (work: Work) => Promise<void>;
  /** What shows that it has happened; null while nothing does. */
  confirm: (work: Work) => Promise<string | null>;
  /** What somebody does about it, once it is time: where the platform does everything there is none. `isTold`: an alert has arrived. */
  remedy?: (work: Work, at: { isTold: boolean; sinceFaultMs: number }) => Promise<{ message: string; isDone: boolean } | null>;
  /** Whether all that was struck is back. */
  isBack: (work: Work) => boolean;
  /** What is asked at the end beside what the prober saw; a gap is what could not be asked. */
  examine?: (work: Work) => Promise<{ checks: RecoveryCheck[]; gaps: string[] }>;
  /** What is still to be waited for, after having done what there is to do; null once everything is as it was. */
  cleanUp: (work: Work) => Promise<string | null>;
};

/** The managed service with this id. */
export const findService = ({ cluster }: Pick<Choice, "cluster">, id: string): Standing | null =>
  cluster.services.find((service) => service.id === id) ?? null;

export const nothingToClean = async (): Promise<null> => null;
