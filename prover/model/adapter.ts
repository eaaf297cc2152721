/**
 * Adapters as PEFT directories: adapter_config.json, adapter_model.safetensors and a model card.
 *
 * A master weight w is an integer below 2^24 in size, so w / 2^22 is exactly a float32: what is written is what was
 * proven, and reading it gives the same integers.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MASTER_BITS, MASTER_LIMIT, TARGETS, orderTargets, projectionShape } from '../../protocol/program/adapter.ts';
import type { Adapter, LoraPair, Target } from '../../protocol/program/adapter.ts';
import { modelCard } from './card.ts';
import type { Architecture } from './config.ts';
import { AdapterError } from './errors.ts';
import { roundHalfEven } from './quantise.ts';
import { encodeSafetensors } from './safetensors.ts';
import type { NamedTensor } from './safetensors.ts';
import { TensorFiles } from './tensor-files.ts';

/** The weights' file in a PEFT directory. */
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors';

/** The configuration's file in a PEFT directory. */
export const ADAPTER_CONFIG = 'adapter_config.json';

const SCALE = 2 ** MASTER_BITS;

/** Rank, alpha and targets of an adapter. */
export type AdapterShape = Pick<Adapter, 'rank' | 'alpha' | 'targets'>;

// What changes the computation must be absent or off; the rest of PEFT's settings is of no matter here.
const off = z.union([z.literal(false), z.null()]).optional();
const empty = z.union([z.strictObject({}), z.tuple([]), z.null()]).optional();
const configSchema = z.looseObject({
  peft_type: z.literal('LORA'),
  r: z
    .int()
    .min(1)
    .max(2 ** 16),
  lora_alpha: z.number().positive(),
  target_modules: z.array(z.enum(TARGETS)).min(1),
  bias: z.literal('none').optional(),
  fan_in_fan_out: off,
  use_rslora: off,
  use_dora: off,
  lora_bias: off,
  modules_to_save: empty,
  layers_to_transform: empty,
  rank_pattern: empty,
  alpha_pattern: empty,
});

/**
 * Writes an adapter as a PEFT directory; equal adapters give equal bytes.
 *
 * @param directory made if absent
 * @param adapter whose shapes fit the architecture
 * @param base the architecture, and the base model's name for PEFT and the card
 * @throws RangeError for an adapter whose shapes or weights are out of range
 */
export async function writeAdapter(
  directory: string,
  adapter: Adapter,
  base: { architecture: Architecture; name: string },
): Promise<void> {
  const weights = encodeAdapterWeights(adapter, base.architecture);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, ADAPTER_WEIGHTS), weights);
  await writeFile(join(directory, ADAPTER_CONFIG), `${JSON.stringify(peftConfig(adapter, base.name), null, 2)}\n`);
  await writeFile(join(directory, 'README.md'), modelCard(adapter, base.name));
}

/**
 * Reads a PEFT directory back to integers.
 *
 * @param directory with adapter_config.json and adapter_model.safetensors
 * @param architecture of the base model
 * @param expected what the adapter's rank, alpha and targets must be; not compared if absent
 * @throws AdapterError naming the file and what is unlike an adapter that was written here
 */
export async function readAdapter(
  directory: string,
  architecture: Architecture,
  expected?: AdapterShape,
): Promise<Adapter> {
  const shape = await readShape(join(directory, ADAPTER_CONFIG));
  if (expected) compareShapes(join(directory, ADAPTER_CONFIG), shape, expected);
  return readWeights(join(directory, ADAPTER_WEIGHTS), architecture, shape, exactInteger);
}

/**
 * Reads the float weights of an adapter that was made elsewhere, rounded to integers (ties to even): a given start for
 * comparisons.
 *
 * @param file safetensors with PEFT's names
 * @param architecture of the base model
 * @param shape the adapter's rank, alpha and targets
 * @throws AdapterError for weights that are missing, left over, of another shape, or 4 and more in size
 */
export async function readRoundedAdapter(
  file: string,
  architecture: Architecture,
  shape: AdapterShape,
): Promise<Adapter> {
  return readWeights(file, architecture, shape, roundHalfEven);
}

/**
 * The bytes of adapter_model.safetensors.
 *
 * @param adapter in integers at scale 2^22
 * @param architecture of the base model
 * @throws RangeError for an adapter whose shapes or weights are out of range
 */
export function encodeAdapterWeights(adapter: Adapter, architecture: Architecture): Uint8Array {
  if (adapter.layers.length !== architecture.layers) {
    throw new RangeError(`the adapter has ${adapter.layers.length} layers, the model ${architecture.layers}`);
  }
  const tensors: NamedTensor[] = [];
  forEachMatrix(adapter, architecture, (name, shape, layer, target, side) => {
    const integers = adapter.layers[layer][target]?.[side];
    if (!integers) throw new RangeError(`the adapter has no ${name}`);
    if (integers.some((w) => w < -MASTER_LIMIT || w >= MASTER_LIMIT)) {
      throw new RangeError(`${name} holds an integer outside [−2^24, 2^24)`);
    }
    tensors.push({ name, shape, values: Float32Array.from(integers, (w) => w / SCALE) });
  });
  return encodeSafetensors(tensors, { format: 'pt' });
}

type Side = 'A' | 'B';
type Visit = (name: string, shape: [number, number], layer: number, target: Target, side: Side) => void;

/** Visits every matrix of an adapter with PEFT's name and shape for it. */
function forEachMatrix(shape: AdapterShape, architecture: Architecture, visit: Visit): void {
  for (let layer = 0; layer < architecture.layers; layer++) {
    for (const target of shape.targets) {
      const block = target === 'gate_proj' || target === 'up_proj' || target === 'down_proj' ? 'mlp' : 'self_attn';
      const prefix = `base_model.model.model.layers.${layer}.${block}.${target}`;
      const widths = projectionShape(architecture, target);
      visit(`${prefix}.lora_A.weight`, [shape.rank, widths.in], layer, target, 'A');
      visit(`${prefix}.lora_B.weight`, [widths.out, shape.rank], layer, target, 'B');
    }
  }
}

async function readWeights(
  file: string,
  architecture: Architecture,
  shape: AdapterShape,
  toInteger: (scaled: number) => number,
): Promise<Adapter> {
  const files = await TensorFiles.openFile(file);
  try {
    const layers: Partial<Record<Target, LoraPair>>[] = Array.from({ length: architecture.layers }, () => ({}));
    const targets = orderTargets(shape.targets);
    const wanted: Parameters<Visit>[] = [];
    forEachMatrix({ ...shape, targets }, architecture, (...matrix) => wanted.push(matrix));
    refuseLeftOver(file, files, new Set(wanted.map(([name]) => name)));
    for (const [name, dimensions, layer, target, side] of wanted) {
      const pair = (layers[layer][target] ??= { A: new Int32Array(0), B: new Int32Array(0) });
      pair[side] = toIntegers(file, name, await files.read(name, dimensions), toInteger);
    }
    return { rank: shape.rank, alpha: shape.alpha, targets, layers };
  } finally {
    await files.close();
  }
}

function refuseLeftOver(file: string, files: TensorFiles, wanted: ReadonlySet<string>): void {
  const names = files.names();
  const stranger = names.find((name) => !wanted.has(name));
  if (stranger !== undefined) throw new AdapterError(file, `holds ${stranger}, which the adapter does not have`);
  const absent = [...wanted].find((name) => !files.has(name));
  if (absent !== undefined) throw new AdapterError(file, `has no ${absent}`);
}

function toIntegers(
  file: string,
  name: string,
  values: Float32Array,
  toInteger: (scaled: number) => number,
): Int32Array {
  const integers = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const integer = toInteger(values[i] * SCALE);
    if (!(integer >= -MASTER_LIMIT && integer < MASTER_LIMIT)) {
      throw new AdapterError(file, `${name}[${i}] = ${values[i]} is no multiple of 2^-22 in [−4, 4)`);
    }
    integers[i] = integer;
  }
  return integers;
}

/** The number itself where it is an integer, else NaN. */
function exactInteger(scaled: number): number {
  return Number.isInteger(scaled) ? scaled : NaN;
}

async function readShape(file: string): Promise<AdapterShape> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new AdapterError(file, `cannot be read as JSON (${(error as Error).message})`);
  }
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) throw new AdapterError(file, z.prettifyError(parsed.error));
  const { r: rank, lora_alpha: alpha, target_modules: targets } = parsed.data;
  return { rank, alpha, targets: orderTargets(targets) };
}

function compareShapes(file: string, shape: AdapterShape, expected: AdapterShape): void {
  const fields = [
    ['r', shape.rank, expected.rank],
    ['lora_alpha', shape.alpha, expected.alpha],
    ['target_modules', shape.targets.join(', '), orderTargets(expected.targets).join(', ')],
  ] as const;
  for (const [name, found, wanted] of fields) {
    if (found !== wanted) throw new AdapterError(file, `${name} is ${found}, expected ${wanted}`);
  }
}

function peftConfig(adapter: Adapter, baseName: string): Record<string, unknown> {
  return {
    alpha_pattern: {},
    base_model_name_or_path: baseName,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layers_to_transform: null,
    lora_alpha: adapter.alpha,
    lora_dropout: 0.0,
    modules_to_save: null,
    peft_type: 'LORA',
    r: adapter.rank,
    rank_pattern: {},
    target_modules: adapter.targets,
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: false,
  };
}
