/** From a model folder, a data file and a configuration to a new run. */
import { createHash, randomBytes } from 'node:crypto';
import { basename, join, resolve } from 'node:path';
import { ADAPTER_WEIGHTS } from '../../commitment/adapter-file.ts';
import type { Adapter } from '../../protocol/program/adapter.ts';
import type { LlamaProgram } from '../../protocol/program/llama.ts';
import { parseRun } from '../../protocol/statement-schema.ts';
import type { RunSpec } from '../../protocol/statement.ts';
import { readRoundedAdapter } from '../model/adapter.ts';
import { readArchitecture, type Architecture } from '../model/config.ts';
import { readDataset } from '../model/dataset.ts';
import { quantiseBase } from '../model/quantise.ts';
import { TensorFiles } from '../model/tensor-files.ts';
import { loadTokenizer } from '../model/tokenizer.ts';
import type { Backend } from '../backend/backend.ts';
import { commitOracle } from '../commitment.ts';
import { baseCells } from './base-cells.ts';
import type { CellMap } from './engine.ts';
import { RunConfigError, RunFolderError } from './errors.ts';
import { dataCells, holdOut } from './rows.ts';
import type { RunConfig } from './run-config.ts';
import { refuseRun } from './run-folder.ts';
import { runShape, shapeProgram } from './run-shape.ts';
import { Run, cellsDigest } from './run.ts';

export interface RunSources {
  /** Folder of the run, to be made. */
  readonly folder: string;
  /** Hugging Face folder of the base model. */
  readonly model: string;
  /** JSONL file of documents. */
  readonly data: string;
  /** PEFT folder of an adapter to start from; null: A₀ of the run's seed. */
  readonly initialAdapter: string | null;
}

/** A run and its base model's cells. */
export interface OpenedRun {
  readonly run: Run;
  readonly base: CellMap;
}

/**
 * Declares a run: reads model and data, commits to both, and makes the run's folder.
 *
 * @param backend commits
 * @throws RunConfigError for settings that fit no program, and the errors of model, data and adapter
 */
export async function newRun(sources: RunSources, config: RunConfig, backend: Backend): Promise<OpenedRun> {
  const { folder, model, data } = sources;
  await refuseRun(folder);
  const architecture = await readArchitecture(model);
  const tokenizer = await loadTokenizer(model);
  const { seqLen, lossOn } = config;
  const dataset = await readDataset(data, tokenizer, { seqLen, lossOn, vocabSize: architecture.vocabSize });
  const rows = holdOut(dataset, config.evalRows);
  const shape = runShape(config, architecture, tokenizer, rows.training.rows);
  const program = shapeProgram(shape);
  const base = await readBase(model, architecture, program);
  const spec = checkedRun({
    ...shape,
    baseRoot: await commitOracle(backend, 'base', shape, program, base),
    dataRoot: await commitOracle(backend, 'data', shape, program, dataCells(rows.training)),
    nonce: nonceOf(config.seed),
    owner: config.owner,
  });
  const given = await givenAdapter(sources.initialAdapter, architecture, spec);
  const file = {
    format: 1,
    name: basename(resolve(model)),
    model: resolve(model),
    baseDigest: cellsDigest(base),
    givenAdapter: given !== null,
    evalEvery: config.evalEvery,
    checkpointEvery: config.checkpointEvery,
    run: spec,
  } as const;
  return { run: await Run.create(folder, file, rows, given), base };
}

/** Opens a run's folder and its base model. @throws RunFolderError when the model is no longer the same */
export async function openRun(folder: string): Promise<OpenedRun> {
  const run = await Run.open(folder);
  const { model, baseDigest } = run.file;
  const base = await readBase(model, await readArchitecture(model), run.program(0, 1));
  if (cellsDigest(base) !== baseDigest)
    throw new RunFolderError(model, 'is no longer the model of this run', 'Restore the model that the run began with.');
  return { run, base };
}

/** Cells of a model folder's base, by the program's shape. @throws the errors of model files */
export async function readBase(model: string, architecture: Architecture, program: LlamaProgram): Promise<CellMap> {
  const files = await TensorFiles.openModel(model);
  try {
    return baseCells(program, await quantiseBase(files, architecture));
  } finally {
    await files.close();
  }
}

/** The declared run, as a verifier will accept it. */
function checkedRun(spec: RunSpec): RunSpec {
  try {
    return parseRun(spec);
  } catch (error) {
    throw new RunConfigError((error as Error).message);
  }
}

/** 32 bytes: from the system's generator, or from a text that makes the run repeatable. */
function nonceOf(seed: string | undefined): string {
  if (seed === undefined) return randomBytes(32).toString('hex');
  return createHash('sha256').update(`zklora/nonce/v1\n${seed}`).digest('hex');
}

async function givenAdapter(folder: string | null, architecture: Architecture, run: RunSpec): Promise<Adapter | null> {
  if (folder === null) return null;
  return readRoundedAdapter(join(folder, ADAPTER_WEIGHTS), architecture, run.lora);
}
