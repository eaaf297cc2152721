/** Progress of proofs on the terminal: one changing line there, a line a segment elsewhere. */
import { duration } from '../train/progress.ts';
import type { ProveObserver, SegmentProof } from './prove-run.ts';
import { rangeText, type SegmentRange } from './ranges.ts';

const count = (n: number): string => n.toLocaleString('en');

/** An observer that writes to a stream. */
export class ProveProgress implements ProveObserver {
  readonly #stream: NodeJS.WriteStream;
  #trained = 0;
  #label = '';
  /** Seconds that finished segments of this call took. */
  readonly #seconds: number[] = [];

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  planned(segments: number, trained: number): void {
    this.#trained = trained;
    this.#say(`${segments} segments to prove${trained < segments ? `, of which ${trained} are trained` : ''}`);
  }

  begins(range: SegmentRange, index: number): void {
    const mean = this.#seconds.reduce((sum, s) => sum + s, 0) / this.#seconds.length;
    const left = this.#seconds.length === 0 ? '' : `, ${duration(mean * (this.#trained - index))} left`;
    this.#label = `segment ${index + 1}/${this.#trained}, ${rangeText(range)}${left}`;
  }

  phase(name: string): void {
    if (this.#stream.isTTY) this.#stream.write(`\r\x1b[K${this.#label}: ${name} …`);
  }

  proven({ range, bytes, verified, phases }: SegmentProof, index: number): void {
    const seconds = phases.reduce((sum, p) => sum + p.seconds, 0);
    const what = `segment ${index + 1}/${this.#trained}, ${rangeText(range)}`;
    if (phases.length === 0) return this.#say(`${what}: proven before`);
    this.#seconds.push(seconds);
    const shares = phases.map((p) => `${p.name} ${p.seconds.toFixed(1)}`).join(', ');
    this.#say(`${what}: ${count(bytes)} bytes, ${verified.soundnessBits} bits, ${seconds.toFixed(1)} s (${shares})`);
  }

  refused(file: string, why: string): void {
    this.#say(`${file} is proven again: ${why}`);
  }

  /** Leaves the terminal as it was. */
  stop(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[K');
  }

  #say(line: string): void {
    this.stop();
    this.#stream.write(`${line}\n`);
  }
}
