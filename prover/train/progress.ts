/** Progress of a run on the terminal: a bar on a terminal, lines elsewhere. */
import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import type { LossLine } from './loss-log.ts';
import type { TrainObserver } from './trainer.ts';

const FORMAT = 'training {bar} {value}/{total}  loss {loss}  {speed} steps/s  {left} left';

/** Seconds as a person reads them. */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** An observer that writes to a stream. */
export class Progress implements TrainObserver {
  readonly #stream: NodeJS.WriteStream;
  readonly #bars: MultiBar;
  #bar: SingleBar | null = null;
  #begin: number | null = null;
  #first = 0;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
    this.#bars = new MultiBar(
      { format: FORMAT, stream, hideCursor: true, clearOnComplete: false },
      Presets.shades_classic,
    );
  }

  started(step: number, steps: number): void {
    if (step > 0) this.#say(`going on at step ${step} of ${steps}`);
    if (this.#stream.isTTY && step < steps)
      this.#bar = this.#bars.create(steps, step, { loss: '–', speed: '–', left: '–' });
  }

  stepped({ step, mean }: LossLine, steps: number): void {
    const done = step + 1;
    const loss = mean.toFixed(4);
    const { speed, left } = this.#pace(done, steps);
    if (this.#bar === null) this.#say(`step ${done}/${steps}  loss ${loss}  ${speed} steps/s  ${left} left`);
    else this.#bar.update(done, { loss, speed, left });
  }

  evaluated({ step, mean }: LossLine): void {
    this.#say(`held-out loss after ${step} steps: ${mean.toFixed(4)}`);
  }

  /** Leaves the terminal as it was. */
  stop(): void {
    if (this.#bar !== null) this.#bars.stop();
    this.#bar = null;
  }

  /** Measured from the first step's end on, since that step also compiles the kernels. */
  #pace(done: number, steps: number): { speed: string; left: string } {
    const now = performance.now();
    if (this.#begin === null) {
      [this.#begin, this.#first] = [now, done];
      return { speed: '–', left: '–' };
    }
    const speed = ((done - this.#first) * 1000) / Math.max(now - this.#begin, 1);
    return { speed: speed.toFixed(2), left: duration((steps - done) / speed) };
  }

  #say(line: string): void {
    if (this.#bar === null) this.#stream.write(`${line}\n`);
    else this.#bars.log(`${line}\n`);
  }
}
