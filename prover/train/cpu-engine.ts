/** The reference engine: integer training on the CPU, one operation after the other as the program lists them. */
import type { LlamaProgram } from '../../protocol/program/llama.ts';
import type { Operation, Scope } from '../../protocol/program/relations.ts';
import type { Batch, CellMap, Engine, StepResult } from './engine.ts';
import { EngineError } from './errors.ts';
import { Sum, type Held } from './evaluate.ts';
import { runner } from './operations.ts';
import { Store } from './store.ts';
import type { Runner } from './writer.ts';

interface Segment {
  readonly program: LlamaProgram;
  readonly state: CellMap;
  readonly store: Store;
  readonly runners: ReadonlyMap<Operation, Runner>;
  steps: number;
}

class CpuEngine implements Engine {
  readonly name = 'cpu';
  readonly #keepsWitness: boolean;
  #base: CellMap | null = null;
  #segment: Segment | null = null;

  constructor(keepsWitness: boolean) {
    this.#keepsWitness = keepsWitness;
  }

  async loadBase(cells: CellMap): Promise<void> {
    this.#base = cells;
  }

  async begin(program: LlamaProgram, state: CellMap): Promise<void> {
    if (this.#base === null) throw new EngineError('the base model is not loaded', 'Call loadBase before begin.');
    const runners = new Map(program.operations.map((op) => [op, runner(op)]));
    this.#segment = { program, state, store: new Store(program, [this.#base, state]), runners, steps: 0 };
  }

  async step(index: number, batch: Batch): Promise<StepResult> {
    const segment = this.#begun();
    const { program, store, steps } = segment;
    if (index !== steps) throw new EngineError(`step ${index} does not follow: ${steps} steps of the segment are done`);
    const declared = program.config.counts[index];
    const count = batch.mask.reduce((n, m) => n + m, 0);
    if (count !== declared)
      throw new EngineError(`step ${index} has ${count} unmasked labels, the program says ${declared}`);
    store.loadBatch(index, batch);
    for (const [op, held] of schedule(program, index)) segment.runners.get(op)?.(store, held);
    segment.steps++;
    return result(program, store, index);
  }

  async evaluate(batch: Batch): Promise<StepResult> {
    const { program, state, runners } = this.#begun();
    // A store of its own, since the segment's steps keep their values for the witness.
    const store = new Store(program, [this.#base as CellMap, state]);
    store.loadBatch(0, batch);
    for (const [op, held] of schedule(program, 0)) {
      runners.get(op)?.(store, held);
      if (op.scope === 'middle' && op.kind === 'softmax') break;
    }
    return result(program, store, 0);
  }

  async state(): Promise<CellMap> {
    return this.#finished().store.cells('adapterOut', 'momentsOut');
  }

  async witness(): Promise<CellMap> {
    if (!this.#keepsWitness)
      throw new EngineError('this engine was made without a witness', 'Make it with witness: true.');
    return this.#finished().store.cells('witness');
  }

  close(): void {
    this.#base = null;
    this.#segment = null;
  }

  #begun(): Segment {
    if (this.#segment === null) throw new EngineError('no segment has begun', 'Call begin first.');
    return this.#segment;
  }

  #finished(): Segment {
    const segment = this.#begun();
    const { steps } = segment.program.config;
    if (segment.steps !== steps) throw new EngineError(`${segment.steps} of the segment's ${steps} steps are done`);
    return segment;
  }
}

/** A step's operations in the order in which they run, with the indices that they hold. */
export function* schedule(program: LlamaProgram, step: number): Generator<[Operation, Held]> {
  const { layers } = program.config.model;
  const of = (scope: Scope): Operation[] => program.operations.filter((op) => op.scope === scope);
  const inLayer = function* (scope: Scope, layer: number): Generator<[Operation, Held]> {
    for (const op of of(scope))
      if (layer > 0 || !op.domain.some((a) => a.name === 'inner')) yield [op, { step, layer, inner: layer - 1 }];
  };
  for (const op of of('begin')) yield [op, { step }];
  for (let layer = 0; layer < layers; layer++) yield* inLayer('forward', layer);
  for (const op of of('middle')) yield [op, { step }];
  for (let layer = layers - 1; layer >= 0; layer--) yield* inLayer('backward', layer);
  for (const op of of('update')) yield [op, { step }];
}

/** The step's loss, −Σ mask·onehot·(score − μ), and its count of labels. */
function result(program: LlamaProgram, store: Store, step: number): StepResult {
  const sum = new Sum(program.loss.terms, { free: [], held: ['step'] });
  sum.bind(store.of.bind(store), { step });
  const { batch, seqLen } = program.config;
  const mask = store.of(program.mask).subarray(step * batch * seqLen, (step + 1) * batch * seqLen) as Float64Array;
  return { loss: -BigInt(sum.at(0)), count: mask.reduce((n, m) => n + m, 0) };
}

/**
 * The CPU engine.
 *
 * @param program of the runs' shape: one that begins a segment may have other constants
 * @param options witness: whether `witness()` may be called
 */
export function createCpuEngine(program: LlamaProgram, options: { readonly witness: boolean }): Engine {
  if (program.operations.length === 0) throw new EngineError('the program has no operations');
  return new CpuEngine(options.witness);
}
