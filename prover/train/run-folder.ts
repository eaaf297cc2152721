/**
 * The folder of a run: run.json (what the run is), rows.bin (its rows), checkpoints/, losses.jsonl, evaluations.jsonl,
 * losses.svg and adapter/.
 */
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseRun } from '../../protocol/statement-schema.ts';
import type { RunSpec } from '../../protocol/statement.ts';
import type { Dataset } from '../model/dataset.ts';
import { isMissing, readCells, writeCells, writeWhole } from './cell-file.ts';
import type { CellMap } from './engine.ts';
import { RunFolderError } from './errors.ts';

const fileSchema = z.strictObject({
  format: z.literal(1),
  /** The base model's name, for the adapter's card. */
  name: z.string(),
  /** Its folder. */
  model: z.string(),
  /** SHA-256 of the base model's cells, hexadecimal. */
  baseDigest: z.string().regex(/^[0-9a-f]{64}$/),
  /** Whether the run starts from a given adapter rather than from A₀ of its seed; such a run cannot be proven. */
  givenAdapter: z.boolean(),
  evalEvery: z.int().min(0),
  checkpointEvery: z.int().min(1),
  run: z.unknown().transform((json): RunSpec => parseRun(json)),
});

/** Content of run.json. */
export type RunFile = z.output<typeof fileSchema>;

/** Path of a part of a run folder. */
export const runPath = (
  folder: string,
  part: 'run.json' | 'rows.bin' | 'checkpoints' | 'losses.svg' | 'adapter',
): string => join(folder, part);

/**
 * Makes a run folder, with the checkpoint before step 0.
 *
 * @param runId 64 hexadecimal digits
 * @param first cells of adapterIn and momentsIn before step 0
 * @throws RunFolderError when the folder holds a run already
 */
export async function createFolder(
  folder: string,
  file: RunFile,
  rows: { readonly training: Dataset; readonly heldOut: Dataset },
  runId: string,
  first: CellMap,
): Promise<void> {
  await refuseRun(folder);
  await mkdir(runPath(folder, 'checkpoints'), { recursive: true });
  const arrays = new Map([
    ['training.tokens', rows.training.tokens],
    ['training.mask', Uint32Array.from(rows.training.mask)],
    ['heldOut.tokens', rows.heldOut.tokens],
    ['heldOut.mask', Uint32Array.from(rows.heldOut.mask)],
  ]);
  await writeCells(runPath(folder, 'rows.bin'), { seqLen: rows.training.seqLen }, arrays);
  await writeCheckpoint(folder, runId, 0, first);
  // Last, since it makes the folder a run.
  await writeWhole(runPath(folder, 'run.json'), `${JSON.stringify(file, null, 2)}\n`);
}

/** @throws RunFolderError when the folder holds a run already */
export async function refuseRun(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [] as string[]);
  if (names.includes('run.json'))
    throw new RunFolderError(
      folder,
      'holds a run already',
      'Go on with it by --resume, or choose another folder by --out.',
    );
}

/** Reads run.json. @throws RunFolderError when it is missing or malformed */
export async function readRunFile(folder: string): Promise<RunFile> {
  const file = runPath(folder, 'run.json');
  try {
    return fileSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new RunFolderError(
      file,
      isMissing(error) ? 'is not there' : `cannot be used (${(error as Error).message})`,
      'Name the folder of a run: the one that ./zklora train wrote with --out, in that of a demo the folder “run”.',
    );
  }
}

/** Reads the rows. @throws RunFolderError as `readCells` */
export async function readRows(folder: string): Promise<{ training: Dataset; heldOut: Dataset }> {
  const file = runPath(folder, 'rows.bin');
  const { about, arrays } = await readCells(file);
  const seqLen = z.int().parse(about['seqLen']);
  const dataset = (name: string): Dataset => {
    const tokens = arrays.get(`${name}.tokens`);
    const mask = arrays.get(`${name}.mask`);
    if (tokens === undefined || mask === undefined) throw new RunFolderError(file, `has no ${name} rows`);
    return { rows: mask.length / seqLen, seqLen, tokens, mask: Uint8Array.from(mask) };
  };
  return { training: dataset('training'), heldOut: dataset('heldOut') };
}

function checkpointFile(folder: string, step: number): string {
  return join(runPath(folder, 'checkpoints'), `step-${String(step).padStart(8, '0')}.bin`);
}

/** Saves the cells of adapterIn and momentsIn before a step. */
export async function writeCheckpoint(folder: string, runId: string, step: number, state: CellMap): Promise<void> {
  await writeCells(checkpointFile(folder, step), { runId, step }, state);
}

/** Steps before which there is a checkpoint, rising. */
export async function checkpointSteps(folder: string): Promise<number[]> {
  const names = await readdir(runPath(folder, 'checkpoints'));
  return names
    .flatMap((name) => /^step-(\d{8,})\.bin$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** The cells of adapterIn and momentsIn before a step. @throws RunFolderError when there are none, or another run's */
export async function readCheckpoint(folder: string, runId: string, step: number): Promise<CellMap> {
  const file = checkpointFile(folder, step);
  const { about, arrays } = await readCells(file);
  if (about['runId'] !== runId || about['step'] !== step)
    throw new RunFolderError(file, 'belongs to another run or step');
  return arrays;
}
