/** Hugging Face's config.json of a LLaMA model, reduced to what the proven program needs. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ModelFileError, UnsupportedModelError } from './errors.ts';

/** The architecture of a LLaMA model; all sizes are counts. */
export interface Architecture {
  /** Model width d. */
  hiddenSize: number;
  /** Feed-forward width. */
  intermediateSize: number;
  layers: number;
  /** Query heads; a multiple of kvHeads. */
  heads: number;
  kvHeads: number;
  /** Even. */
  headDim: number;
  vocabSize: number;
  /** Base of the rotary frequencies, at least 1. */
  ropeTheta: number;
  /** ε of RMSNorm, above 0 and below 1. */
  rmsNormEps: number;
  /** Whether the head is the embedding. */
  tied: boolean;
  /** Longest row that the model was made for. */
  maxPositions: number;
}

const size = z
  .int()
  .min(1)
  .max(2 ** 24);

// Defaults are those of Hugging Face's LlamaConfig.
const configSchema = z.looseObject({
  architectures: z.array(z.string()).nullish(),
  model_type: z.string().nullish(),
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  vocab_size: size,
  rope_theta: z.number().nullish(),
  rope_scaling: z.looseObject({}).nullish(),
  rope_parameters: z.looseObject({ rope_theta: z.number().nullish() }).nullish(),
  rms_norm_eps: z.number().gt(0).lt(1).default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  max_position_embeddings: size.default(2048),
});

type Config = z.infer<typeof configSchema>;

/** Settings that change the computation, with the only value that the program has; each may be absent or null. */
const FIXED_SETTINGS: readonly [name: string, value: unknown, supported: string][] = [
  ['model_type', 'llama', 'only "llama" is'],
  ['hidden_act', 'silu', 'only "silu" is'],
  ['attention_bias', false, 'projections have no bias'],
  ['mlp_bias', false, 'projections have no bias'],
  ['pretraining_tp', 1, 'only 1 is'],
  ['partial_rotary_factor', 1, 'all of a head is rotated'],
  ['attention_dropout', 0, 'there is no dropout'],
  ['quantization_config', undefined, 'weights must be float32, float16 or bfloat16'],
  ['sliding_window', undefined, 'attention is over all earlier tokens'],
];

/**
 * Reads config.json of a model directory.
 *
 * @param directory of the model
 * @throws ModelFileError when it is missing or malformed; UnsupportedModelError naming what is not supported
 */
export async function readArchitecture(directory: string): Promise<Architecture> {
  const file = join(directory, 'config.json');
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new ModelFileError(file, `cannot be read as JSON (${(error as Error).message})`);
  }
  return parseArchitecture(json, file);
}

/**
 * Checks a parsed config.json.
 *
 * @param json its content
 * @param file path, for errors
 * @throws ModelFileError when a setting is missing or out of range; UnsupportedModelError as above
 */
export function parseArchitecture(json: unknown, file: string): Architecture {
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) throw new ModelFileError(file, z.prettifyError(parsed.error));
  const config = parsed.data;
  refuseUnsupported(config, file);
  const heads = config.num_attention_heads;
  const kvHeads = config.num_key_value_heads ?? heads;
  if (heads % kvHeads !== 0) {
    throw new ModelFileError(file, `num_attention_heads (${heads}) is no multiple of num_key_value_heads (${kvHeads})`);
  }
  return {
    hiddenSize: config.hidden_size,
    intermediateSize: config.intermediate_size,
    layers: config.num_hidden_layers,
    heads,
    kvHeads,
    headDim: headDimension(config, file),
    vocabSize: config.vocab_size,
    ropeTheta: ropeTheta(config, file),
    rmsNormEps: config.rms_norm_eps,
    tied: config.tie_word_embeddings,
    maxPositions: config.max_position_embeddings,
  };
}

function refuseUnsupported(config: Config, file: string): void {
  const architectures = config.architectures ?? [];
  if (architectures.length !== 1 || architectures[0] !== 'LlamaForCausalLM') {
    throw new UnsupportedModelError(file, 'architectures', config.architectures, 'only ["LlamaForCausalLM"] is');
  }
  for (const [name, only, supported] of FIXED_SETTINGS) {
    const value = config[name];
    if (value !== undefined && value !== null && value !== only) {
      throw new UnsupportedModelError(file, name, value, supported);
    }
  }
}

function headDimension(config: Config, file: string): number {
  const headDim = config.head_dim ?? config.hidden_size / config.num_attention_heads;
  if (!Number.isInteger(headDim)) {
    throw new ModelFileError(file, 'hidden_size is no multiple of num_attention_heads, and there is no head_dim');
  }
  if (headDim % 2 !== 0) throw new UnsupportedModelError(file, 'head_dim', headDim, 'it must be even');
  return headDim;
}

/** The frequencies' base, from rope_theta (before transformers 5) or rope_parameters (since). */
function ropeTheta(config: Config, file: string): number {
  refuseScaledRope('rope_scaling', config.rope_scaling, undefined, file);
  refuseScaledRope('rope_parameters', config.rope_parameters, 'default', file);
  const [older, newer] = [config.rope_theta ?? undefined, config.rope_parameters?.rope_theta ?? undefined];
  if (older !== undefined && newer !== undefined && older !== newer) {
    throw new ModelFileError(file, `rope_theta is ${older}, but ${newer} in rope_parameters`);
  }
  const theta = older ?? newer ?? 10000;
  if (!(theta >= 1 && theta <= 2 ** 53)) {
    throw new UnsupportedModelError(file, 'rope_theta', theta, 'it must be 1 to 2^53');
  }
  return theta;
}

/** Refuses any rotary embedding but the default one; `typeIfAbsent` is what settings without a type mean. */
function refuseScaledRope(
  name: string,
  settings: Record<string, unknown> | null | undefined,
  typeIfAbsent: string | undefined,
  file: string,
): void {
  if (!settings) return;
  const type = settings['rope_type'] ?? settings['type'] ?? typeIfAbsent;
  if (type !== 'default' || (settings['partial_rotary_factor'] ?? 1) !== 1) {
    throw new UnsupportedModelError(file, name, settings, 'only the default rotary embedding is');
  }
}
