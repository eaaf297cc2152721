import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readArchitecture } from '../../prover/model/config.ts';
import type { Architecture } from '../../prover/model/config.ts';
import { QuantisationError } from '../../prover/model/errors.ts';
import { quantise, quantiseBase, roundHalfEven } from '../../prover/model/quantise.ts';
import { encodeSafetensors } from '../../prover/model/safetensors.ts';
import type { NamedTensor } from '../../prover/model/safetensors.ts';
import { TensorFiles } from '../../prover/model/tensor-files.ts';
import { temporaryFolder } from './temporary.ts';

const folder = temporaryFolder();

function digest(tensors: Int32Array[]): string {
  const hash = sha256.create();
  for (const tensor of tensors) hash.update(new Uint8Array(tensor.buffer, tensor.byteOffset, tensor.byteLength));
  return bytesToHex(hash.digest());
}

const small: Architecture = {
  hiddenSize: 4,
  intermediateSize: 6,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 2,
  vocabSize: 3,
  ropeTheta: 10000,
  rmsNormEps: 1e-5,
  tied: false,
  maxPositions: 8,
};

/** A model of those dimensions whose values are k/16 with k counting on; `changes` replace or (null) leave out. */
async function smallModel(name: string, changes: Record<string, NamedTensor | null> = {}): Promise<TensorFiles> {
  const shapes: Record<string, number[]> = {
    'model.embed_tokens.weight': [3, 4],
    'model.norm.weight': [4],
    'lm_head.weight': [3, 4],
    'model.layers.0.input_layernorm.weight': [4],
    'model.layers.0.post_attention_layernorm.weight': [4],
    'model.layers.0.self_attn.q_proj.weight': [4, 4],
    'model.layers.0.self_attn.k_proj.weight': [2, 4],
    'model.layers.0.self_attn.v_proj.weight': [2, 4],
    'model.layers.0.self_attn.o_proj.weight': [4, 4],
    'model.layers.0.mlp.gate_proj.weight': [6, 4],
    'model.layers.0.mlp.up_proj.weight': [6, 4],
    'model.layers.0.mlp.down_proj.weight': [4, 6],
  };
  let k = 1;
  const tensors: NamedTensor[] = [];
  for (const [tensor, shape] of Object.entries(shapes)) {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => k++ / 16);
    const change = changes[tensor];
    if (change !== null) tensors.push(change ?? { name: tensor, shape, values });
  }
  for (const [tensor, change] of Object.entries(changes)) if (change && !shapes[tensor]) tensors.push(change);
  const file = join(folder, `${name}.safetensors`);
  writeFileSync(file, encodeSafetensors(tensors));
  return TensorFiles.openFile(file);
}

describe('roundHalfEven', () => {
  test('breaks ties to even, on both sides of zero', () => {
    const pairs = [
      [0.5, 0],
      [1.5, 2],
      [2.5, 2],
      [-0.5, 0],
      [-1.5, -2],
      [-2.5, -2],
      [0.49999999999999994, 0],
      [-0.2, 0],
    ];
    for (const [x, expected] of pairs) expect(Object.is(roundHalfEven(x), expected), String(x)).toBe(true);
  });

  test('is the nearest integer', () => {
    fc.assert(
      fc.property(fc.double({ min: -(2 ** 40), max: 2 ** 40, noNaN: true }), (x) => {
        const rounded = roundHalfEven(x);
        const distance = Math.abs(rounded - x);
        return Number.isInteger(rounded) && (distance < 0.5 || (distance === 0.5 && rounded % 2 === 0));
      }),
    );
  });

  test('leaves big numbers and NaN as they are', () => {
    expect(roundHalfEven(2 ** 53 + 2)).toBe(2 ** 53 + 2);
    expect(roundHalfEven(-Infinity)).toBe(-Infinity);
    expect(roundHalfEven(NaN)).toBeNaN();
  });
});

describe('quantise', () => {
  test('multiplies each column by its gain before the one rounding', () => {
    // 3·2^-17 · 3 = 9·2^-17 is 4.5 at scale 2^16: a tie, to 4; rounding the factor first would give 6.
    const values = Float32Array.of(3 * 2 ** -17, 1, 5 * 2 ** -17, -1);
    expect([...quantise(values, 16, 't', Float32Array.of(3, 0.25))]).toEqual([4, 16384, 8, -16384]);
    expect([...quantise(values, 16, 't')]).toEqual([2, 65536, 2, -65536]);
  });

  test('takes the largest integer and names the one beyond', () => {
    expect(quantise(Float32Array.of(127.99998474121094), 16, 't')[0]).toBe(2 ** 23 - 1);
    expect(quantise(Float32Array.of(-127.99998474121094), 16, 't')[0]).toBe(1 - 2 ** 23);
    for (const value of [128, -128, 1e30, NaN, -Infinity]) {
      let caught: unknown;
      try {
        quantise(Float32Array.of(0, value), 16, 'model.some.weight');
      } catch (error) {
        caught = error;
      }
      expect(caught).toBeInstanceOf(QuantisationError);
      expect(caught).toMatchObject({ tensor: 'model.some.weight', index: 1, limit: 2 ** 23 });
      expect((caught as QuantisationError).value).toBe(Math.fround(value) * 65536);
    }
  });
});

describe('quantiseBase', () => {
  test('equals the reference on the example model, integer by integer', async () => {
    const files = await TensorFiles.openModel('examples/stories260k');
    const base = await quantiseBase(files, await readArchitecture('examples/stories260k'));
    await files.close();
    // SHA-256 of little-endian int32, from torch.round on float64.
    expect(digest([base.embed])).toBe('0cf8835934ea7e748809c8939ae69e546cf0b70ae6fa254766dcde1c59d47263');
    expect(digest([base.head])).toBe('e0a13ff7b45ee62e6a2fceaa589178ab43690f1c8cbc6244f954ff9b9ca568c0');
    const layers = base.layers.flatMap((l) => [l.q, l.k, l.v, l.o, l.gate, l.up, l.down, l.gainAttn, l.gainMlp]);
    expect(layers.length).toBe(45);
    expect(digest(layers)).toBe('5d79351202ee3a307157ebe0d2096bebf5cd5dac3341f58b2fceff810403c34c');
  });

  test('folds each gain where it belongs, and an untied head has its own weights', async () => {
    const files = await smallModel('untied');
    const base = await quantiseBase(files, small);
    const read = (name: string, shape: number[]) => files.read(name, shape);
    const gain = await read('model.norm.weight', [4]);
    const head = await read('lm_head.weight', [3, 4]);
    expect([...base.head]).toEqual([...head].map((w, i) => w * gain[i % 4] * 65536));
    const attn = await read('model.layers.0.input_layernorm.weight', [4]);
    const mlp = await read('model.layers.0.post_attention_layernorm.weight', [4]);
    const layer = base.layers[0];
    const folded = [
      [layer.q, 'self_attn.q_proj', [4, 4], attn],
      [layer.k, 'self_attn.k_proj', [2, 4], attn],
      [layer.v, 'self_attn.v_proj', [2, 4], attn],
      [layer.o, 'self_attn.o_proj', [4, 4], undefined],
      [layer.gate, 'mlp.gate_proj', [6, 4], mlp],
      [layer.up, 'mlp.up_proj', [6, 4], mlp],
      [layer.down, 'mlp.down_proj', [4, 6], undefined],
    ] as const;
    for (const [integers, name, shape, g] of folded) {
      const weights = await read(`model.layers.0.${name}.weight`, [...shape]);
      expect([...integers], name).toEqual([...weights].map((w, i) => w * (g ? g[i % 4] : 1) * 65536));
    }
    expect([...layer.gainAttn]).toEqual([...attn].map((g) => g * 4096));
    expect([...layer.gainMlp]).toEqual([...mlp].map((g) => g * 4096));
    await files.close();
  });

  test('a tied head is the embedding with the last gain', async () => {
    const files = await smallModel('tied', { 'lm_head.weight': null });
    const base = await quantiseBase(files, { ...small, tied: true });
    const gain = await files.read('model.norm.weight', [4]);
    const embedding = await files.read('model.embed_tokens.weight', [3, 4]);
    expect([...base.embed]).toEqual([...embedding].map((w) => w * 4096));
    expect([...base.head]).toEqual([...embedding].map((w, i) => w * gain[i % 4] * 65536));
    await files.close();
  });

  test.each<[string, Record<string, NamedTensor | null>, RegExp]>([
    ['a missing projection', { 'model.layers.0.mlp.up_proj.weight': null }, /has no tensor model.layers.0.mlp.up_proj/],
    [
      'a bias',
      { b: { name: 'model.layers.0.self_attn.q_proj.bias', shape: [1], values: new Float32Array(1) } },
      /holds model.layers.0.self_attn.q_proj.bias/,
    ],
    [
      'one layer more than the config says',
      { b: { name: 'model.layers.1.input_layernorm.weight', shape: [4], values: new Float32Array(4) } },
      /plain LLaMA of 1 layers/,
    ],
    [
      'a transposed projection',
      {
        'model.layers.0.mlp.down_proj.weight': {
          name: 'model.layers.0.mlp.down_proj.weight',
          shape: [6, 4],
          values: new Float32Array(24),
        },
      },
      /has shape \[6, 4\], expected \[4, 6\]/,
    ],
  ])('refuses %s', async (name, changes, message) => {
    const files = await smallModel(name.replaceAll(' ', '-'), changes);
    await expect(quantiseBase(files, small)).rejects.toThrow(message);
    await files.close();
  });

  test('lets old rotary frequencies pass', async () => {
    const name = 'model.layers.0.self_attn.rotary_emb.inv_freq';
    const files = await smallModel('inv', { f: { name, shape: [1], values: Float32Array.of(1) } });
    expect((await quantiseBase(files, small)).layers.length).toBe(1);
    await files.close();
  });
});
