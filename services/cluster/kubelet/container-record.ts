import { timestamp } from "../timestamp.ts";
import type { Container, ContainerState, ContainerStatus, Terminated } from "./pod.ts";

type RunningProcess = { id: string; startedAt: Date };

/** What is known of a container over all its runs: how the last ones ended, how often it was started, why it waits. */
export class ContainerRecord {
  waiting: { reason: string; message?: string } | undefined;
  imageId = "";
  started = false;
  ready = false;
  #ended: Terminated | undefined;
  #last: Terminated | undefined;
  #restartCount = 0;
  #hasRun = false;

  /** How the last run ended; undefined before the first end and while the container runs. */
  get ended(): Terminated | undefined {
    return this.#ended;
  }

  get restartCount(): number {
    return this.#restartCount;
  }

  /** The number of the run that a start now would be: 0 is the first. */
  get nextRun(): number {
    return this.#hasRun ? this.#restartCount + 1 : 0;
  }

  /** The number of the running or last run, or of the one before; undefined when there was none. */
  runNumber(previous: boolean): number | undefined {
    const run = previous ? this.#restartCount - 1 : this.#restartCount;
    return this.#hasRun && run >= 0 ? run : undefined;
  }

  /** Takes up what an earlier kubelet reported. A container that it left running has ended with it. */
  restore({ state, lastState, restartCount, containerID }: ContainerStatus, forgetEnd: boolean): void {
    this.#restartCount = restartCount;
    this.#hasRun = state.running !== undefined || state.terminated !== undefined || lastState.terminated !== undefined;
    const lost = state.running && {
      exitCode: 255,
      reason: "Unknown",
      message: "The kubelet was restarted and its containers ended with it.",
      startedAt: state.running.startedAt,
      finishedAt: timestamp(),
      containerID,
    };
    this.#ended = lost ?? state.terminated ?? lastState.terminated;
    if (!forgetEnd) return;
    this.#last = this.#ended;
    this.#ended = undefined;
  }

  begin(run: number, { started, ready }: { started: boolean; ready: boolean }): void {
    this.#restartCount = run;
    this.#hasRun = true;
    this.#last = this.#ended ?? this.#last;
    this.#ended = undefined;
    this.waiting = undefined;
    this.started = started;
    this.ready = ready;
  }

  end(end: Terminated): void {
    this.#last = this.#ended ?? this.#last;
    this.#ended = end;
    this.waiting = undefined;
    this.started = false;
    this.ready = false;
  }

  /** A run that did not get as far as its command. */
  endBeforeStart(end: Terminated): void {
    this.#restartCount = this.nextRun;
    this.#hasRun = true;
    this.end(end);
  }

  status(
    container: Container,
    process: RunningProcess | undefined,
    { isInit, initialized }: { isInit: boolean; initialized: boolean },
  ) {
    const containerID = process ? `process://${process.id}` : (this.#ended ?? this.#last)?.containerID;
    const runsOnce = isInit && container.restartPolicy !== "Always";
    const status: ContainerStatus = {
      name: container.name,
      ...this.#states(process, initialized || isInit),
      ready: runsOnce ? this.#ended?.exitCode === 0 : this.ready,
      started: this.started,
      restartCount: this.#restartCount,
      image: container.image,
      imageID: this.imageId,
      ...(containerID ? { containerID } : {}),
    };
    return status;
  }

  #states(process: RunningProcess | undefined, canStart: boolean): { state: ContainerState; lastState: ContainerState } {
    const terminated = (end: Terminated | undefined): ContainerState => (end ? { terminated: end } : {});
    if (process) return { state: { running: { startedAt: timestamp(process.startedAt) } }, lastState: terminated(this.#last) };
    if (this.waiting) return { state: { waiting: this.waiting }, lastState: terminated(this.#ended ?? this.#last) };
    if (this.#ended) return { state: { terminated: this.#ended }, lastState: terminated(this.#last) };
    return {
      state: { waiting: { reason: canStart ? "ContainerCreating" : "PodInitializing" } },
      lastState: terminated(this.#last),
    };
  }
}
