/**
 * An adapter's safetensors file under PEFT's names.
 *
 * A master weight w is an integer below 2^24 in size, so w / 2^22 is exactly a float32: a file that was written from
 * proven integers gives the same integers, and any other value is noticed.
 */
import {
  MASTER_BITS,
  MASTER_LIMIT,
  orderTargets,
  projectionShape,
  type Adapter,
  type LoraPair,
  type ProjectionDimensions,
  type Target,
} from '../protocol/program/adapter.ts';
import { AdapterError } from './errors.ts';
import { decodeTensor, parseFile, PREFIX_BYTES, type TensorEntry } from './safetensors.ts';

/** The weights' file in a PEFT directory. */
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors';

/** Rank, alpha and targets of an adapter. */
export type AdapterShape = { readonly rank: number; readonly alpha: number; readonly targets: readonly Target[] };

/** The base model as far as an adapter's shapes depend on it. */
export type AdapterDimensions = ProjectionDimensions & { readonly layers: number };

/** One of the two matrices of a projection's adapter: A is [rank, in], B is [out, rank]. */
export type Side = 'A' | 'B';

/** Takes a weight times 2^22, a float64, as an integer; NaN for a value that it refuses. */
export type ToInteger = (scaled: number) => number;

type Visit = (name: string, shape: [number, number], layer: number, target: Target, side: Side) => void;

/** Float weights stand for integers at this scale. */
export const MASTER_SCALE = 2 ** MASTER_BITS;

/** Longest header read: what a writer may add beside the tensors, and room for the longest description of each. */
const METADATA_BYTES = 2 ** 20;
const DESCRIPTION_BYTES = 2 ** 9;

/** Visits every matrix of an adapter with PEFT's name and shape for it. */
export function forEachMatrix(shape: AdapterShape, dimensions: AdapterDimensions, visit: Visit): void {
  for (let layer = 0; layer < dimensions.layers; layer++) {
    for (const target of shape.targets) {
      const block = target === 'gate_proj' || target === 'up_proj' || target === 'down_proj' ? 'mlp' : 'self_attn';
      const prefix = `base_model.model.model.layers.${layer}.${block}.${target}`;
      const widths = projectionShape(dimensions, target);
      visit(`${prefix}.lora_A.weight`, [shape.rank, widths.in], layer, target, 'A');
      visit(`${prefix}.lora_B.weight`, [widths.out, shape.rank], layer, target, 'B');
    }
  }
}

/** Longest file of an adapter, bytes: its weights in float32, and the longest header that is read. */
export function maxAdapterFileBytes(shape: AdapterShape, dimensions: AdapterDimensions): number {
  let matrices = 0;
  let weights = 0;
  forEachMatrix(shape, dimensions, (_, [rows, columns]) => {
    matrices++;
    weights += rows * columns;
  });
  return PREFIX_BYTES + METADATA_BYTES + DESCRIPTION_BYTES * matrices + 4 * weights;
}

/** The number itself where it is an integer, else NaN. */
export function exactInteger(scaled: number): number {
  return Number.isInteger(scaled) ? scaled : NaN;
}

/**
 * Reads an adapter's weights.
 *
 * @param bytes of the safetensors file
 * @param dimensions of the base model
 * @param shape the adapter's
 * @param file path, for errors
 * @param toInteger takes exact multiples of 2^-22 alone unless said otherwise
 * @throws TensorFileError for bytes that are no safetensors file; AdapterError for weights that are missing, left over,
 * of another shape, outside [−4, 4) or refused by `toInteger`
 */
export function decodeAdapter(
  bytes: Uint8Array,
  dimensions: AdapterDimensions,
  shape: AdapterShape,
  file: string = ADAPTER_WEIGHTS,
  toInteger: ToInteger = exactInteger,
): Adapter {
  const targets = orderTargets(shape.targets);
  const matrices = 2 * targets.length * dimensions.layers;
  const entries = parseFile(bytes, file, METADATA_BYTES + DESCRIPTION_BYTES * matrices);
  const found = new Map(entries.map((entry) => [entry.name, entry]));
  const layers = Array.from({ length: dimensions.layers }, (): Partial<Record<Target, LoraPair>> => ({}));
  const wanted: Parameters<Visit>[] = [];
  forEachMatrix({ ...shape, targets }, dimensions, (...matrix) => wanted.push(matrix));
  refuseOthers(file, found, new Set(wanted.map(([name]) => name)));
  for (const [name, size, layer, target, side] of wanted) {
    const entry = found.get(name)!;
    if (entry.shape.length !== 2 || entry.shape[0] !== size[0] || entry.shape[1] !== size[1])
      throw new AdapterError(file, `${name} has shape [${entry.shape.join(', ')}], expected [${size.join(', ')}]`);
    if (!/^(F32|F16|BF16)$/.test(entry.dtype))
      throw new AdapterError(file, `${name} has dtype ${entry.dtype}; F32, F16 and BF16 can be read`);
    const pair = (layers[layer][target] ??= { A: new Int32Array(0), B: new Int32Array(0) });
    const values = decodeTensor(bytes.subarray(entry.begin, entry.end), entry, file);
    pair[side] = toIntegers(file, name, values, toInteger);
  }
  return { rank: shape.rank, alpha: shape.alpha, targets, layers };
}

function refuseOthers(file: string, found: ReadonlyMap<string, TensorEntry>, wanted: ReadonlySet<string>): void {
  const stranger = found.keys().find((name) => !wanted.has(name));
  if (stranger !== undefined) throw new AdapterError(file, `holds ${stranger}, which the adapter does not have`);
  const absent = wanted.keys().find((name) => !found.has(name));
  if (absent !== undefined) throw new AdapterError(file, `has no ${absent}`);
}

function toIntegers(file: string, name: string, values: Float32Array, toInteger: ToInteger): Int32Array {
  const integers = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const integer = toInteger(values[i] * MASTER_SCALE);
    if (!(integer >= -MASTER_LIMIT && integer < MASTER_LIMIT)) {
      throw new AdapterError(file, `${name}[${i}] = ${values[i]} is no multiple of 2^-22 in [−4, 4)`);
    }
    integers[i] = integer;
  }
  return integers;
}
