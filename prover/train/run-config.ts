/** What a person chooses for a run: the configuration file's and the command line's settings, with their defaults. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { TARGETS, orderTargets } from '../../protocol/program/adapter.ts';
import {
  DEFAULT_WIDTHS,
  defaultScales,
  type OptimizerSpec,
  type Scales,
  type Widths,
} from '../../protocol/program/config.ts';
import { PARAMETER_SETS } from '../../protocol/parameters.ts';
import { RunConfigError } from './errors.ts';

const decimal = z.union([
  z.string().regex(/^\d+(\.\d+)?([eE][+-]?\d+)?$/, 'a decimal number'),
  z.number().min(0).transform(String),
]);
const count = z.int().min(0);
const powerOfTwo = z.int().refine((n) => n > 0 && (n & (n - 1)) === 0, 'a power of two');
const bits = z.int().min(1).max(30);
const partial = <K extends string>(keys: readonly K[]) =>
  z.strictObject(Object.fromEntries(keys.map((key) => [key, bits.optional()])));

const WIDTH_NAMES = Object.keys(DEFAULT_WIDTHS) as (keyof Widths)[];
const SCALE_NAMES = Object.keys(defaultScales(1)) as (keyof Scales)[];

const schema = z.strictObject({
  steps: z.int().min(1).default(30),
  batch: powerOfTwo.default(8),
  seqLen: powerOfTwo.default(64),
  rank: z.int().min(1).default(8),
  alpha: z.int().min(1).default(16),
  targets: z.array(z.enum(TARGETS)).min(1).default(['q_proj', 'v_proj']).transform(orderTargets),
  optimizer: z.enum(['sgd', 'adamw']).default('adamw'),
  lr: decimal.default('0.001'),
  momentum: decimal.default('0.9'),
  beta1: decimal.default('0.9'),
  beta2: decimal.default('0.999'),
  eps: decimal.default('1e-08'),
  weightDecay: decimal.default('0'),
  schedule: z.enum(['constant', 'linear', 'cosine']).default('constant'),
  warmup: count.default(0),
  lossOn: z.enum(['completion', 'all']).default('completion'),
  evalRows: count.default(0),
  evalEvery: count.default(0),
  checkpointEvery: z.int().min(1).default(1),
  losses: z.enum(['exact', 'hidden']).default('exact'),
  parameters: z.enum([...PARAMETER_SETS.keys()]).default('standard-100'),
  owner: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/, 'an Ethereum address')
    .transform((a) => a.toLowerCase())
    .default(`0x${'0'.repeat(40)}`),
  seed: z.string().optional(),
  scales: partial(SCALE_NAMES).default({}),
  widths: partial(WIDTH_NAMES).default({}),
});

/** A run's settings, complete. `steps` counts the whole run; rates are exact decimals; `seed` makes the run repeatable. */
export type RunConfig = z.output<typeof schema>;

/** Settings of a configuration file or of the command line. */
export type RunSettings = z.input<typeof schema>;

/** Completes settings. @throws RunConfigError naming the settings that are wrong */
export function runConfig(settings: RunSettings): RunConfig {
  const parsed = schema.safeParse(settings);
  if (!parsed.success) throw new RunConfigError(z.prettifyError(parsed.error));
  return parsed.data;
}

/** Reads a configuration file (JSON). @throws RunConfigError when it cannot be read */
export async function readSettings(file: string): Promise<RunSettings> {
  try {
    return z.looseObject({}).parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new RunConfigError(`${file} cannot be read as a JSON object (${(error as Error).message})`);
  }
}

/** The optimiser as the statement declares it. */
export function optimizerOf(config: RunConfig): OptimizerSpec {
  const { lr, momentum, beta1, beta2, eps, weightDecay } = config;
  const schedule = { kind: config.schedule, warmup: config.warmup };
  if (config.optimizer === 'sgd') return { kind: 'sgd', lr, momentum, schedule };
  return { kind: 'adamw', lr, beta1, beta2, eps, weightDecay, schedule };
}

/** Scales and widths: the defaults where the configuration says nothing. */
export function precisionOf(config: RunConfig): { scales: Scales; widths: Widths } {
  return {
    scales: { ...defaultScales(config.seqLen), ...(config.scales as Partial<Scales>) },
    widths: { ...DEFAULT_WIDTHS, ...(config.widths as Partial<Widths>) },
  };
}
