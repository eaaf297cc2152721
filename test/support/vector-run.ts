/** The float64 runs of test/vectors as runs of this project: program, base model, rows and given start. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { TARGETS, type Adapter } from '../../protocol/program/adapter.ts';
import {
  DEFAULT_WIDTHS,
  defaultScales,
  type OptimizerSpec,
  type ProgramConfig,
} from '../../protocol/program/config.ts';
import { llamaProgram, type LlamaProgram } from '../../protocol/program/llama.ts';
import { optimizerSteps } from '../../protocol/program/schedule.ts';
import { readRoundedAdapter } from '../../prover/model/adapter.ts';
import { readArchitecture, type Architecture } from '../../prover/model/config.ts';
import { quantiseBase } from '../../prover/model/quantise.ts';
import { TensorFiles } from '../../prover/model/tensor-files.ts';
import { baseCells, modelShape } from '../../prover/train/base-cells.ts';
import type { Batch, CellMap } from '../../prover/train/engine.ts';

const MODEL = new URL('../../examples/stories260k/', import.meta.url).pathname;
const VECTORS = new URL('../vectors/', import.meta.url).pathname;
const SEQ_LEN = 64;

const optimizerSchema = z.discriminatedUnion('name', [
  z.object({ name: z.literal('sgd'), lr: z.number(), momentum: z.number() }),
  z.object({
    name: z.literal('adamw'),
    lr: z.number(),
    betas: z.tuple([z.number(), z.number()]),
    eps: z.number(),
    weight_decay: z.number(),
  }),
]);
const vectorSchema = z.object({
  targets: z.array(z.enum(TARGETS)),
  r: z.number(),
  lora_alpha: z.number(),
  optimizer: optimizerSchema,
  batch_rows: z.array(z.array(z.number())),
  eval_rows: z.array(z.number()),
  train_loss: z.array(z.number()),
  eval_loss_before: z.number(),
  eval_loss_after: z.number(),
});

export type Vector = z.infer<typeof vectorSchema>;

export interface VectorRun {
  readonly vector: Vector;
  readonly architecture: Architecture;
  readonly initial: Adapter;
  /** The float64 run's last adapter, rounded. */
  readonly final: Adapter;
  readonly base: CellMap;
  readonly batches: readonly Batch[];
  readonly heldOut: readonly Batch[];
  /** The program of steps first … first + count − 1. */
  program(first: number, count: number): LlamaProgram;
}

/** Loads a run by its name in test/vectors. */
export async function loadVector(name: string): Promise<VectorRun> {
  const json = async (file: string): Promise<unknown> => JSON.parse(await readFile(`${VECTORS}${file}`, 'utf8'));
  const vector = vectorSchema.parse(await json(`${name}.json`));
  const { rows } = z.object({ rows: z.array(z.array(z.number())) }).parse(await json('aesop-tokens-64.json'));
  const architecture = await readArchitecture(MODEL);
  const shape = { rank: vector.r, alpha: vector.lora_alpha, targets: vector.targets };
  const adapter = (end: string): Promise<Adapter> =>
    readRoundedAdapter(`${VECTORS}${name}-${end}.safetensors`, architecture, shape);
  const batch = vector.batch_rows[0].length;
  const total = vector.batch_rows.length;
  const program = (first: number, count: number): LlamaProgram => {
    const config: ProgramConfig = {
      model: modelShape(architecture),
      lora: { rank: vector.r, alpha: vector.lora_alpha, targets: vector.targets },
      scales: defaultScales(SEQ_LEN),
      widths: DEFAULT_WIDTHS,
      batch,
      seqLen: SEQ_LEN,
      steps: count,
      dataRows: rows.length,
      optimizer: optimizerSteps(optimizerSpec(vector.optimizer), total, first, count),
      counts: new Array<number>(count).fill(batch * SEQ_LEN),
    };
    return llamaProgram(config);
  };
  const files = await TensorFiles.openModel(MODEL);
  const quantised = await quantiseBase(files, architecture);
  await files.close();
  const heldOut = Array.from({ length: vector.eval_rows.length / batch }, (_, i) =>
    batchOf(rows, vector.eval_rows.slice(i * batch, (i + 1) * batch)),
  );
  return {
    vector,
    architecture,
    initial: await adapter('init'),
    final: await adapter('final'),
    base: baseCells(program(0, 1), quantised),
    batches: vector.batch_rows.map((step) => batchOf(rows, step)),
    heldOut,
    program,
  };
}

function batchOf(rows: readonly (readonly number[])[], step: readonly number[]): Batch {
  const pick = (from: number): Int32Array => Int32Array.from(step.flatMap((r) => rows[r].slice(from, from + SEQ_LEN)));
  return { inputs: pick(0), labels: pick(1), mask: new Uint8Array(step.length * SEQ_LEN).fill(1) };
}

function optimizerSpec(o: Vector['optimizer']): OptimizerSpec {
  const schedule = { kind: 'constant', warmup: 0 } as const;
  if (o.name === 'sgd') return { kind: 'sgd', lr: String(o.lr), momentum: String(o.momentum), schedule };
  const [beta1, beta2] = o.betas.map(String);
  return {
    kind: 'adamw',
    lr: String(o.lr),
    beta1,
    beta2,
    eps: String(o.eps),
    weightDecay: String(o.weight_decay),
    schedule,
  };
}
