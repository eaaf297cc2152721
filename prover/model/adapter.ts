/**
 * Adapters as PEFT directories: adapter_config.json, adapter_model.safetensors and a model card.
 *
 * A master weight w is an integer below 2^24 in size, so w / 2^22 is exactly a float32: what is written is what was
 * proven, and reading it gives the same integers.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  ADAPTER_WEIGHTS,
  MASTER_SCALE,
  decodeAdapter,
  forEachMatrix,
  type AdapterDimensions,
  type AdapterShape,
} from '../../commitment/adapter-file.ts';
import { AdapterError } from '../../commitment/errors.ts';
import { MASTER_LIMIT, TARGETS, orderTargets, type Adapter } from '../../protocol/program/adapter.ts';
import { modelCard } from './card.ts';
import { roundHalfEven } from './quantise.ts';
import { encodeSafetensors } from './safetensors.ts';
import type { NamedTensor } from './safetensors.ts';
import { readBytes } from './tensor-files.ts';

/** The configuration's file in a PEFT directory. */
export const ADAPTER_CONFIG = 'adapter_config.json';

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
  base: { architecture: AdapterDimensions; name: string },
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
  architecture: AdapterDimensions,
  expected?: AdapterShape,
): Promise<Adapter> {
  const shape = await readShape(join(directory, ADAPTER_CONFIG));
  if (expected) compareShapes(join(directory, ADAPTER_CONFIG), shape, expected);
  const file = join(directory, ADAPTER_WEIGHTS);
  return decodeAdapter(await readBytes(file), architecture, shape, file);
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
  architecture: AdapterDimensions,
  shape: AdapterShape,
): Promise<Adapter> {
  return decodeAdapter(await readBytes(file), architecture, shape, file, roundHalfEven);
}

/**
 * The bytes of adapter_model.safetensors.
 *
 * @param adapter in integers at scale 2^22
 * @param architecture of the base model
 * @throws RangeError for an adapter whose shapes or weights are out of range
 */
export function encodeAdapterWeights(adapter: Adapter, architecture: AdapterDimensions): Uint8Array {
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
    tensors.push({ name, shape, values: Float32Array.from(integers, (w) => w / MASTER_SCALE) });
  });
  return encodeSafetensors(tensors, { format: 'pt' });
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
