/** A run: what it is, its rows, and the programs, batches and states of its steps. */
import { createHash } from 'node:crypto';
import { adapterCells } from '../../commitment/chains.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { Adapter } from '../../protocol/program/adapter.ts';
import { initialAdapter } from '../../protocol/program/initial.ts';
import { llamaProgram, type LlamaProgram } from '../../protocol/program/llama.ts';
import { segmentConfig } from '../../protocol/segment-program.ts';
import { deriveSeed, runId, type RunSpec } from '../../protocol/statement.ts';
import type { Dataset } from '../model/dataset.ts';
import type { Batch, CellMap } from './engine.ts';
import { batchOfStep, countOf } from './rows.ts';
import { RunFolderError } from './errors.ts';
import { checkpointSteps, createFolder, readCheckpoint, readRows, readRunFile, type RunFile } from './run-folder.ts';
import { zeroMoments } from './state.ts';

export class Run {
  readonly folder: string;
  readonly file: RunFile;
  readonly training: Dataset;
  readonly heldOut: Dataset;
  /** The run's id, 64 hexadecimal digits. */
  readonly id: string;
  readonly #samplerSeed: Uint8Array;
  readonly #adapterSeed: Uint8Array;

  constructor(folder: string, file: RunFile, rows: { readonly training: Dataset; readonly heldOut: Dataset }) {
    this.folder = folder;
    this.file = file;
    this.training = rows.training;
    this.heldOut = rows.heldOut;
    const id = runId(file.run);
    this.id = toHex(id);
    this.#samplerSeed = deriveSeed(id, 'sampler');
    this.#adapterSeed = deriveSeed(id, 'adapter');
  }

  /**
   * Makes a run and its folder.
   *
   * @param given an adapter to start from instead of A₀
   * @throws RunFolderError when the folder holds a run already
   */
  static async create(
    folder: string,
    file: RunFile,
    rows: { readonly training: Dataset; readonly heldOut: Dataset },
    given: Adapter | null,
  ): Promise<Run> {
    const run = new Run(folder, file, rows);
    const program = run.program(0, 1);
    const first = new Map([...adapterCells(program, given ?? run.firstAdapter()), ...zeroMoments(program)]);
    await createFolder(folder, file, rows, run.id, first);
    return run;
  }

  /** Opens a run folder. @throws RunFolderError when it is none */
  static async open(folder: string): Promise<Run> {
    return new Run(folder, await readRunFile(folder), await readRows(folder));
  }

  get spec(): RunSpec {
    return this.file.run;
  }

  /** The rows of a step, from 0. */
  batch(step: number): Batch {
    return batchOfStep(this.#samplerSeed, this.training, this.spec.batch, step);
  }

  /** The program of steps first … first + count − 1. */
  program(first: number, count: number): LlamaProgram {
    const counts = Array.from({ length: count }, (_, i) => countOf(this.batch(first + i)));
    return llamaProgram(segmentConfig(this.spec, first, counts));
  }

  /** A₀, drawn from the run's seed. */
  firstAdapter(): Adapter {
    const { model, lora } = this.spec;
    return initialAdapter(this.#adapterSeed, { dimensions: model, layers: model.layers, ...lora });
  }

  /** Cells of adapterIn and momentsIn before a step. @throws RunFolderError when no checkpoint has them */
  state(step: number): Promise<CellMap> {
    return readCheckpoint(this.folder, this.id, step);
  }

  /** The last step before which there is a checkpoint. @throws RunFolderError when there is none */
  async lastCheckpoint(): Promise<number> {
    const last = (await checkpointSteps(this.folder)).at(-1);
    if (last === undefined) throw new RunFolderError(this.folder, 'has no checkpoint');
    return last;
  }
}

/** SHA-256 of cells, by which a run knows its base model again: 64 hexadecimal digits. */
export function cellsDigest(cells: CellMap): string {
  const hash = createHash('sha256');
  for (const [name, values] of cells) {
    hash.update(`${name} ${values.length}\n`);
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}
