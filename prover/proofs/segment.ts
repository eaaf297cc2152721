/** From a trained run to the proof of one of its segments: regenerate the witness, commit, state, prove, verify. */
import { instanceOf } from '../../protocol/instance.ts';
import type { LlamaProgram } from '../../protocol/program/llama.ts';
import type { Statement } from '../../protocol/statement.ts';
import { verifyProof, type VerifiedProof } from '../../protocol/verify.ts';
import { commitOracle } from '../commitment.ts';
import type { Compute } from '../compute.ts';
import { proveInstance, type PhaseListener, type Witness } from '../prove.ts';
import type { SegmentRange } from './ranges.ts';
import type { Batch, CellMap, Engine, StepResult } from '../train/engine.ts';
import { RunFolderError } from '../train/errors.ts';
import { dataCells } from '../train/rows.ts';
import { checkpointSteps } from '../train/run-folder.ts';
import type { Run } from '../train/run.ts';
import { nextState } from '../train/state.ts';

/** A segment's proof, as this machine's verifier accepted it. */
export interface ProvenSegment {
  readonly bytes: Uint8Array;
  readonly verified: VerifiedProof;
}

/** What training a segment again gives. */
interface Regenerated {
  readonly results: readonly StepResult[];
  /** Cells of adapterOut and momentsOut. */
  readonly end: CellMap;
  readonly witness: CellMap;
}

/** Proves segments of one run, with engines that are made once for each length of segment. */
export class SegmentProver {
  readonly #run: Run;
  readonly #base: CellMap;
  readonly #compute: Compute;
  readonly #engines = new Map<number, Engine>();

  /**
   * @param run that trained at least to the end of the segments
   * @param base cells of its base model
   * @throws RunFolderError for a run that no verifier accepts
   */
  constructor(run: Run, base: CellMap, compute: Compute) {
    if (run.file.givenAdapter)
      throw new RunFolderError(
        run.folder,
        'started from a given adapter, so it cannot be proven',
        'Train a run without --initial-adapter.',
      );
    this.#run = run;
    this.#base = base;
    this.#compute = compute;
  }

  /**
   * Proves steps first … first + steps − 1, and verifies the proof before it is handed out.
   *
   * @param phase told at the start of each phase
   * @throws RunFolderError when checkpoints are missing or changed; ProtocolError when the proof does not hold
   */
  async prove({ first, steps }: SegmentRange, phase: PhaseListener = () => {}): Promise<ProvenSegment> {
    const run = this.#run;
    phase('train');
    const state = await this.#stateBefore(first);
    const program = run.program(first, steps);
    const batches = Array.from({ length: steps }, (_, i) => run.batch(first + i));
    const { results, end, witness } = await this.#regenerate(program, state, batches);
    await this.#compareWithCheckpoint(first + steps, end);
    const data = dataCells(run.training);
    const cells = new Map([...this.#base, ...data, ...state, ...end, ...witness]);
    phase('roots');
    const statement = await this.#statement({ first, steps }, program, cells, results);
    const tokens = (of: (batch: Batch) => Int32Array) => Int32Array.from(batches.flatMap((b) => [...of(b)]));
    const whole: Witness = { cells, inputs: tokens((b) => b.inputs), labels: tokens((b) => b.labels) };
    const { bytes } = await proveInstance(this.#compute.backend, instanceOf(statement), whole, phase);
    phase('verify');
    return { bytes, verified: verifyProof(bytes) };
  }

  close(): void {
    for (const engine of this.#engines.values()) engine.close();
    this.#engines.clear();
  }

  async #engine(program: LlamaProgram): Promise<Engine> {
    const { steps } = program.config;
    let engine = this.#engines.get(steps);
    if (engine === undefined) {
      engine = await this.#compute.engine(program, { witness: true });
      await engine.loadBase(this.#base);
      this.#engines.set(steps, engine);
    }
    return engine;
  }

  async #regenerate(program: LlamaProgram, state: CellMap, batches: readonly Batch[]): Promise<Regenerated> {
    const engine = await this.#engine(program);
    await engine.begin(program, state);
    const results: StepResult[] = [];
    for (const [i, batch] of batches.entries()) results.push(await engine.step(i, batch));
    return { results, end: await engine.state(), witness: await engine.witness() };
  }

  /** Cells of adapterIn and momentsIn before a step: its checkpoint, or trained again from the last one before it. */
  async #stateBefore(step: number): Promise<CellMap> {
    const run = this.#run;
    const from = (await checkpointSteps(run.folder)).findLast((s) => s <= step);
    if (from === undefined) throw new RunFolderError(run.folder, `has no checkpoint at or before step ${step}`);
    let state = await run.state(from);
    for (let at = from; at < step; at++) {
      const { end } = await this.#regenerate(run.program(at, 1), state, [run.batch(at)]);
      state = nextState(end);
    }
    return state;
  }

  /** Integers never differ: another end means that a file of the run was changed. */
  async #compareWithCheckpoint(step: number, end: CellMap): Promise<void> {
    const run = this.#run;
    if (!(await checkpointSteps(run.folder)).includes(step)) return;
    const kept = await run.state(step);
    for (const [name, cells] of nextState(end)) {
      const other = kept.get(name);
      if (other === undefined || other.length !== cells.length || cells.some((cell, i) => cell !== other[i]))
        throw new RunFolderError(
          run.folder,
          `has a checkpoint at step ${step} that training does not lead to (${name})`,
        );
    }
  }

  async #statement(
    { first, steps }: SegmentRange,
    program: LlamaProgram,
    cells: CellMap,
    results: readonly StepResult[],
  ): Promise<Statement> {
    const { spec } = this.#run;
    const { backend } = this.#compute;
    const root = (oracle: 'adapterIn' | 'momentsIn' | 'adapterOut' | 'momentsOut') =>
      commitOracle(backend, oracle, spec, program, cells);
    const begins = first === 0;
    const segment = {
      first,
      steps,
      adapterIn: begins ? null : await root('adapterIn'),
      momentsIn: begins ? null : await root('momentsIn'),
      adapterOut: await root('adapterOut'),
      momentsOut: await root('momentsOut'),
      counts: results.map(({ count }) => count),
      losses: spec.losses === 'hidden' ? null : results.map(({ loss }) => Number(loss)),
    };
    return { run: spec, segment };
  }
}
