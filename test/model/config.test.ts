import { describe, expect, test } from 'vitest';
import { parseArchitecture, readArchitecture } from '../../prover/model/config.ts';
import { ModelFileError, UnsupportedModelError } from '../../prover/model/errors.ts';

const plain = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 48,
  intermediate_size: 100,
  num_hidden_layers: 2,
  num_attention_heads: 6,
  vocab_size: 300,
};
const parse = (changes: Record<string, unknown>) => parseArchitecture({ ...plain, ...changes }, 'config.json');

describe('config.json', () => {
  test('of the example model', async () => {
    expect(await readArchitecture('examples/stories260k')).toEqual({
      hiddenSize: 64,
      intermediateSize: 172,
      layers: 5,
      heads: 8,
      kvHeads: 4,
      headDim: 8,
      vocabSize: 512,
      ropeTheta: 10000,
      rmsNormEps: 1e-5,
      tied: true,
      maxPositions: 512,
    });
  });

  test('leaves the defaults of LlamaConfig', () => {
    expect(parse({})).toEqual({
      hiddenSize: 48,
      intermediateSize: 100,
      layers: 2,
      heads: 6,
      kvHeads: 6,
      headDim: 8,
      vocabSize: 300,
      ropeTheta: 10000,
      rmsNormEps: 1e-6,
      tied: false,
      maxPositions: 2048,
    });
  });

  test('takes any dimensions, grouped heads and a head dimension of its own', () => {
    const architecture = parse({ num_key_value_heads: 2, head_dim: 10, vocab_size: 49153, rope_theta: 500000 });
    expect(architecture).toMatchObject({ kvHeads: 2, headDim: 10, vocabSize: 49153, ropeTheta: 500000 });
  });

  test('takes rope_theta from rope_parameters, as newer exports write it', () => {
    expect(parse({ rope_parameters: { rope_type: 'default', rope_theta: 130000 } }).ropeTheta).toBe(130000);
    expect(parse({ rope_parameters: { rope_theta: 130000 }, rope_theta: 130000 }).ropeTheta).toBe(130000);
    expect(parse({ rope_scaling: { type: 'default' } }).ropeTheta).toBe(10000);
    expect(() => parse({ rope_parameters: { rope_theta: 130000 }, rope_theta: 10000 })).toThrow(ModelFileError);
  });

  test('null means absent', () => {
    const settings = { rope_scaling: null, head_dim: null, num_key_value_heads: null, quantization_config: null };
    expect(parse(settings)).toEqual(parse({}));
  });

  test.each<[string, unknown]>([
    ['architectures', ['MistralForCausalLM']],
    ['architectures', []],
    ['architectures', undefined],
    ['model_type', 'mistral'],
    ['attention_bias', true],
    ['mlp_bias', true],
    ['hidden_act', 'gelu'],
    ['pretraining_tp', 2],
    ['attention_dropout', 0.1],
    ['partial_rotary_factor', 0.5],
    ['quantization_config', { quant_method: 'gptq' }],
    ['sliding_window', 4096],
    ['rope_scaling', { rope_type: 'llama3', factor: 32 }],
    ['rope_scaling', { type: 'linear', factor: 2 }],
    ['rope_scaling', { factor: 2 }],
    ['rope_parameters', { rope_type: 'yarn', rope_theta: 10000 }],
    ['rope_parameters', { rope_type: 'default', partial_rotary_factor: 0.5 }],
    ['rope_theta', 0.5],
    ['head_dim', 7],
  ])('refuses %s = %j by name', (feature, value) => {
    let caught: unknown;
    try {
      parse({ [feature]: value });
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(UnsupportedModelError);
    expect(caught).toMatchObject({ feature, file: 'config.json', value });
    expect((caught as Error).message).toContain(feature);
  });

  test.each<[string, Record<string, unknown>]>([
    ['hidden_size', { hidden_size: undefined }],
    ['hidden_size', { hidden_size: 48.5 }],
    ['vocab_size', { vocab_size: 0 }],
    ['num_hidden_layers', { num_hidden_layers: '2' }],
    ['rms_norm_eps', { rms_norm_eps: 0 }],
    ['num_key_value_heads', { num_key_value_heads: 4 }],
    ['num_attention_heads', { num_attention_heads: 7, num_key_value_heads: 7 }],
  ])('refuses a malformed %s', (name, changes) => {
    expect(() => parse(changes)).toThrow(ModelFileError);
    expect(() => parse(changes)).toThrow(name);
  });

  test('names a missing file', async () => {
    await expect(readArchitecture('examples')).rejects.toThrow(/examples\/config\.json: cannot be read/);
  });
});
