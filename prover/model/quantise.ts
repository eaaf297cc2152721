/**
 * The base model in integers: the versioned rule that gives everybody who has the model the same commitment.
 *
 * A float32 times a float32 is exact in float64, and so is the product with a power of two; the only rounding is the
 * last one, to the nearest integer, ties to even. So the rule is exact and the same on every engine.
 */
import type { Architecture } from './config.ts';
import { TensorFileError } from '../../commitment/errors.ts';
import { QuantisationError } from './errors.ts';
import type { TensorFiles } from './tensor-files.ts';

/** Name of the rule, for the statement. */
export const QUANTISATION_RULE = 'zklora/quantise/v1';

/** Fraction bits of projections and head. */
export const WEIGHT_BITS = 16;

/** Fraction bits of the embedding and of the norms' gains: those of activations. */
export const EMBEDDING_BITS = 12;

/** Every integer of the base lies strictly between ±2^23. */
export const BASE_LIMIT = 2 ** 23;

/** One layer's frozen weights, row-major [out, in]; the preceding norm's gain is folded into q, k, v, gate and up. */
export interface QuantisedLayer {
  q: Int32Array;
  k: Int32Array;
  v: Int32Array;
  o: Int32Array;
  gate: Int32Array;
  up: Int32Array;
  down: Int32Array;
  /** [d] at scale 2^12, for the adapter of q, k, v. */
  gainAttn: Int32Array;
  /** [d] at scale 2^12, for the adapter of gate and up. */
  gainMlp: Int32Array;
}

/** The base model in integers. */
export interface QuantisedBase {
  /** [V, d] at scale 2^12. */
  embed: Int32Array;
  /** [V, d] at scale 2^16, the last norm's gain folded in. */
  head: Int32Array;
  layers: QuantisedLayer[];
}

/**
 * Quantises a model: round(2^16·W·diag(g)) for q, k, v, gate, up and head, round(2^16·W) for o and down,
 * round(2^12·E) for the embedding, round(2^12·g) for the gains.
 *
 * @param files the model's weights
 * @param architecture from its config.json
 * @throws TensorFileError for a missing or unexpected tensor, or one of another shape; QuantisationError for a value
 * out of range
 */
export async function quantiseBase(files: TensorFiles, architecture: Architecture): Promise<QuantisedBase> {
  refuseUnexpected(files, architecture);
  const { hiddenSize: d, vocabSize: V, tied } = architecture;
  const embedName = 'model.embed_tokens.weight';
  const headName = tied ? embedName : 'lm_head.weight';
  const embedding = await files.read(embedName, [V, d]);
  const gain = await files.read('model.norm.weight', [d]);
  const headWeights = tied ? embedding : await files.read(headName, [V, d]);
  const base: QuantisedBase = {
    embed: quantise(embedding, EMBEDDING_BITS, embedName),
    head: quantise(headWeights, WEIGHT_BITS, tied ? `${embedName} as head` : headName, gain),
    layers: [],
  };
  for (let layer = 0; layer < architecture.layers; layer++) {
    base.layers.push(await quantiseLayer(files, architecture, layer));
  }
  return base;
}

async function quantiseLayer(files: TensorFiles, architecture: Architecture, layer: number): Promise<QuantisedLayer> {
  const { hiddenSize: d, intermediateSize: ff, heads, kvHeads, headDim } = architecture;
  const prefix = `model.layers.${layer}`;
  const attnName = `${prefix}.input_layernorm.weight`;
  const mlpName = `${prefix}.post_attention_layernorm.weight`;
  const gainAttn = await files.read(attnName, [d]);
  const gainMlp = await files.read(mlpName, [d]);
  const projection = async (name: string, out: number, width: number, gain?: Float32Array): Promise<Int32Array> => {
    const full = `${prefix}.${name}.weight`;
    return quantise(await files.read(full, [out, width]), WEIGHT_BITS, full, gain);
  };
  return {
    q: await projection('self_attn.q_proj', heads * headDim, d, gainAttn),
    k: await projection('self_attn.k_proj', kvHeads * headDim, d, gainAttn),
    v: await projection('self_attn.v_proj', kvHeads * headDim, d, gainAttn),
    o: await projection('self_attn.o_proj', d, heads * headDim),
    gate: await projection('mlp.gate_proj', ff, d, gainMlp),
    up: await projection('mlp.up_proj', ff, d, gainMlp),
    down: await projection('mlp.down_proj', d, ff),
    gainAttn: quantise(gainAttn, EMBEDDING_BITS, attnName),
    gainMlp: quantise(gainMlp, EMBEDDING_BITS, mlpName),
  };
}

/**
 * Rounds values to integers at a scale, after multiplying each column by its gain.
 *
 * @param values row-major, finite
 * @param bits fraction bits
 * @param name for errors
 * @param gain one factor a column; none if absent
 * @throws QuantisationError for a value of 2^23 or more, or one that is not finite
 */
export function quantise(values: Float32Array, bits: number, name: string, gain?: Float32Array): Int32Array {
  const scale = 2 ** bits;
  const width = gain?.length ?? 1;
  const integers = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const integer = roundHalfEven(values[i] * (gain ? gain[i % width] : 1) * scale);
    if (!(Math.abs(integer) < BASE_LIMIT)) throw new QuantisationError(name, i, integer, BASE_LIMIT);
    integers[i] = integer;
  }
  return integers;
}

/**
 * The nearest integer, ties to even.
 *
 * @param x a float64
 * @returns an integer; NaN and infinities as they are
 */
export function roundHalfEven(x: number): number {
  // From 2^52 on a float64 is an integer; below, adding 2^52 rounds away the fraction by IEEE 754's own rule.
  const size = Math.abs(x);
  if (!(size < 2 ** 52)) return x;
  const rounded = size + 2 ** 52 - 2 ** 52;
  return x < 0 ? 0 - rounded : rounded;
}

/** A bias or an adapter among the weights would silently be left out of what is proven. */
function refuseUnexpected(files: TensorFiles, architecture: Architecture): void {
  const expected =
    /^model\.(embed_tokens|norm|layers\.(\d+)\.(input_layernorm|post_attention_layernorm|self_attn\.[qkvo]_proj|mlp\.(gate|up|down)_proj))\.weight$/;
  for (const name of files.names()) {
    const match = expected.exec(name);
    const known = match ? match[2] === undefined || Number(match[2]) < architecture.layers : name === 'lm_head.weight';
    // Old exports carry the rotary frequencies, which follow from rope_theta.
    if (!known && !name.endsWith('.rotary_emb.inv_freq')) {
      throw new TensorFileError(
        files.path,
        `holds ${name}, which a plain LLaMA of ${architecture.layers} layers does not have`,
        'Use a model without biases, adapters or extra modules, and its own config.json.',
      );
    }
  }
}
