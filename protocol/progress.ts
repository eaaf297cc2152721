/** How far a verification is, for whoever waits for it. */
import type { Stage } from './cost.ts';

/**
 * Called as a verification goes on; never affects its verdict. What it throws ends the verification, and is thrown on.
 * @param done 0 … total, never falling; total at the end
 * @param total the proof's length in bytes
 * @param what the stage that goes on, one of STAGES
 */
export type ProgressObserver = (done: number, total: number, what: Stage) => void;

/** Steps of the bar: more calls than these would cost more than they tell. */
const STEPS = 200;

/** Turns stages and their predicted times into an evenly moving bar. */
export class Progress {
  readonly #observer: ProgressObserver;
  readonly #total: number;
  readonly #stages: readonly { readonly stage: Stage; readonly milliseconds: number }[];
  readonly #whole: number;
  #at = 0;
  /** Bytes read before the code argument. */
  #from = 0;
  #reported = 0;

  /** @param stages in order, with the time that each is expected to take */
  constructor(
    observer: ProgressObserver,
    total: number,
    stages: readonly { readonly stage: Stage; readonly milliseconds: number }[],
  ) {
    this.#observer = observer;
    this.#total = total;
    this.#stages = stages;
    this.#whole = stages.reduce((n, s) => n + s.milliseconds, 0);
  }

  /** A stage begins. */
  enter(stage: Stage): void {
    this.#at = this.#stages.findIndex((s) => s.stage === stage);
    this.#report(0, true);
  }

  /** Messages were read up to this byte: nearly all of them belong to the code argument, whose work is theirs. */
  read(at: number): void {
    if (this.#stages[this.#at].stage === 'code') this.#report((at - this.#from) / (this.#total - this.#from), false);
    else this.#from = at;
  }

  /** The verification ends well. */
  finish(): void {
    this.#at = this.#stages.length - 1;
    this.#report(1, true);
  }

  #report(part: number, always: boolean): void {
    const before = this.#stages.slice(0, this.#at).reduce((n, s) => n + s.milliseconds, 0);
    const { stage, milliseconds } = this.#stages[this.#at];
    const share = (before + part * milliseconds) / this.#whole;
    const done = Math.max(this.#reported, Math.min(this.#total, Math.round(share * this.#total)));
    if (!always && done - this.#reported < this.#total / STEPS) return;
    this.#reported = done;
    this.#observer(done, this.#total, stage);
  }
}
