/** What the passes of the training kernels share: scratch buffers, flags of values out of range, and the step's record. */
import type { Term } from '../../protocol/program/relations.ts';
import type { Axis, Tensor } from '../../protocol/program/tensors.ts';
import { EngineError } from './errors.ts';
import { baseAt, bufferAt, type Layer, type Place } from './gpu-index.ts';
import type { GpuStore, Slot } from './gpu-store.ts';

/** No entry: what a flag holds while every value is in range. */
export const NONE = 0xffffffff;

/** Entry `entry` of result `result` of an operation, whose value is asked for. */
export interface Probe {
  readonly result: number;
  readonly entry: number;
}

/** An operation in one layer, ready to be recorded for any step. */
export interface Pass {
  record(step: number, probe?: Probe): void;
}

/** A result of an operation whose range its kernel checks; flag `slot` receives the first entry outside. */
export interface Check {
  readonly slot: number;
  readonly tensor: Tensor;
  /** Indices of an entry of the operation's domain along the tensor's axes. */
  readonly indexOf: (entry: number, step: number) => number[];
}

/** An operation in one layer with the passes that compute it. */
export interface Runner {
  readonly name: string;
  readonly layer: Layer;
  readonly passes: readonly Pass[];
  readonly checks: readonly Check[];
  /** Rank of a check's entry among those of the operation's other checks; the entry itself where absent. */
  readonly rowOf?: (check: number, entry: number) => number;
  /** The value of a check's entry, where no pass can be asked for it. */
  readonly readValue?: (check: number, entry: number, step: number) => Promise<bigint>;
}

/** What becomes of a sum: out = sign·⌊sum / (odd·2^shift)⌋, and the remainder where it is kept. */
export interface Ending {
  readonly out: Place;
  readonly rem: Place | null;
  readonly min: bigint;
  readonly max: bigint;
  readonly odd: number;
  readonly shift: number;
  readonly negative: boolean;
  readonly slot: number;
}

/** A pass adds its terms to the sums (`adds`: to those of the pass before) and keeps them, or ends the operation. */
export interface PassPlan {
  readonly scratch: Scratch;
  readonly free: readonly Axis[];
  readonly layer: Layer;
  readonly adds: boolean;
  readonly which: 0 | 1;
  readonly ending: Ending | null;
  /** Added to every entry, at a step. */
  readonly bias: (step: number) => bigint;
}

/** Places of an ending's result and remainder. */
export function written(ending: Ending | null): readonly [out: Place | undefined, rem: Place | undefined] {
  return [ending?.out, ending?.rem ?? undefined];
}

/** Words at the start of the flags that receive a probed value. */
const PROBED_WORDS = 2;

/** Buffers that operations use in turn. */
export class Scratch {
  readonly store: GpuStore;
  readonly #free: GPUBuffer[] = [];
  #slots = PROBED_WORDS;
  #entries = 0;
  #sums: readonly [GPUBuffer, GPUBuffer] | undefined;
  #flags: GPUBuffer | undefined;
  readonly #owned: GPUBuffer[] = [];

  constructor(store: GpuStore) {
    this.store = store;
  }

  /** Reserves flags for the results of an operation, and sums for the entries of its domain. */
  reserve(results: number, entries: number): number {
    const slot = this.#slots;
    this.#slots += results;
    this.#entries = Math.max(this.#entries, entries);
    return slot;
  }

  /** Once all operations are planned. */
  allocate(): void {
    const make = (words: number, what: string): GPUBuffer => {
      const buffer = this.store.buffer(words, what);
      this.#owned.push(buffer);
      return buffer;
    };
    this.#sums = [make(2 * this.#entries, 'sums'), make(2 * this.#entries, 'sums')];
    this.#flags = make(this.#slots, 'flags');
    for (let i = 0; i < 4; i++) this.#free.push(make(1, 'unused'));
    this.clear();
  }

  /** Sets every flag to NONE. */
  clear(): void {
    this.store.write(this.flags, 0, new Uint32Array(this.#slots).fill(NONE));
  }

  /** Sums of entries, 64 bits each; `which`: 0, or 1 for denominators. */
  sums(which: 0 | 1): GPUBuffer {
    return (this.#sums as readonly [GPUBuffer, GPUBuffer])[which];
  }

  get flags(): GPUBuffer {
    return this.#flags as GPUBuffer;
  }

  get flagWords(): number {
    return this.#slots;
  }

  /** Buffers for bindings that a kernel does not use, each another. */
  unused(i: 0 | 1 | 2 | 3): GPUBuffer {
    return this.#free[i];
  }

  close(): void {
    for (const buffer of this.#owned) buffer.destroy();
  }
}

/** The words of a 64-bit integer, low word first. */
export function words64(n: bigint): [number, number] {
  const low = BigInt.asUintN(64, n);
  return [Number(low & 0xffffffffn), Number(low >> 32n)];
}

/** A term's coefficient at a step. */
export function coefficient(term: Term, step: number): bigint {
  if (term.scale === undefined) return term.coef;
  if (term.scale.axis !== 'step') throw new EngineError(`no kernel scales along ${term.scale.axis}`);
  return term.coef * term.scale.values[step];
}

/** Words from a slot's plane to the second one; 0 for a tensor of one plane. */
export function planeOf(slot: Slot): number {
  return slot.wide ? slot.words : 0;
}

/** Buffer and first word of a place at a step. */
export interface Bound {
  readonly buffer: GPUBuffer;
  readonly base: number;
}

export function bindIf(place: Place | undefined, step: number): Bound | undefined {
  return place === undefined ? undefined : bind(place, step);
}

export function bind(place: Place, step: number): Bound {
  return { buffer: bufferAt(place, step), base: baseAt(place, step) };
}
