import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { TARGETS, orderTargets } from '../../protocol/program/adapter.ts';
import type { Adapter, Target } from '../../protocol/program/adapter.ts';
import { initialAdapter } from '../../protocol/program/initial.ts';
import { encodeAdapterWeights, readAdapter, readRoundedAdapter, writeAdapter } from '../../prover/model/adapter.ts';
import { readArchitecture } from '../../prover/model/config.ts';
import type { Architecture } from '../../prover/model/config.ts';
import { AdapterError, TensorFileError } from '../../commitment/errors.ts';
import { encodeSafetensors } from '../../prover/model/safetensors.ts';
import { TensorFiles } from '../../prover/model/tensor-files.ts';
import { temporaryFolder } from './temporary.ts';

const folder = temporaryFolder();
const name = 'karpathy/stories260K';
let architecture: Architecture;
let adapter: Adapter;

/** A₀ with lora_B filled as well, and the extremes of the range in it. */
function filledAdapter(): Adapter {
  const filled = initialAdapter(new Uint8Array(32).fill(3), {
    dimensions: architecture,
    layers: architecture.layers,
    rank: 6,
    alpha: 9,
    targets: ['down_proj', 'q_proj', 'v_proj'],
  });
  for (const layer of filled.layers) {
    for (const pair of Object.values(layer)) pair.B.forEach((_, i) => (pair.B[i] = (i * 77777) % 100003));
  }
  filled.layers[1].q_proj!.A.set([-(2 ** 24), 2 ** 24 - 1, 0, -1]);
  return filled;
}

beforeAll(async () => {
  architecture = await readArchitecture('examples/stories260k');
  adapter = filledAdapter();
  await writeAdapter(join(folder, 'good'), adapter, { architecture, name });
});

/** A copy of the good folder with another configuration. */
function withConfig(copy: string, changes: Record<string, unknown>): string {
  const directory = join(folder, copy);
  cpSync(join(folder, 'good'), directory, { recursive: true });
  const file = join(directory, 'adapter_config.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...config, ...changes }));
  return directory;
}

/** A copy of the good folder with a weight replaced. */
async function withWeight(copy: string, value: number): Promise<string> {
  const directory = withConfig(copy, {});
  const files = await TensorFiles.openFile(join(folder, 'good', 'adapter_model.safetensors'));
  const tensors = [];
  for (const [layer, pairs] of adapter.layers.entries()) {
    for (const [target, pair] of Object.entries(pairs)) {
      const block = target === 'down_proj' ? 'mlp' : 'self_attn';
      for (const side of ['A', 'B'] as const) {
        const tensor = `base_model.model.model.layers.${layer}.${block}.${target}.lora_${side}.weight`;
        const shape = side === 'A' ? [6, pair.A.length / 6] : [pair.B.length / 6, 6];
        tensors.push({ name: tensor, shape, values: await files.read(tensor, shape) });
      }
    }
  }
  await files.close();
  tensors[0].values[5] = value;
  writeFileSync(join(directory, 'adapter_model.safetensors'), encodeSafetensors(tensors));
  return directory;
}

describe('writing', () => {
  test('is read back to the same integers', async () => {
    expect(await readAdapter(join(folder, 'good'), architecture)).toEqual(adapter);
    expect(adapter.targets).toEqual(['q_proj', 'v_proj', 'down_proj']);
  });

  test('gives float32 that are the integers over 2^22', async () => {
    const files = await TensorFiles.openFile(join(folder, 'good', 'adapter_model.safetensors'));
    expect(files.names().length).toBe(5 * 3 * 2);
    const A = await files.read('base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight', [6, 64]);
    expect([...A].map((w) => w * 2 ** 22)).toEqual([...adapter.layers[1].q_proj!.A]);
    expect([...A.subarray(0, 4)]).toEqual([-4, 4 - 2 ** -22, 0, -(2 ** -22)]);
    const B = await files.read('base_model.model.model.layers.4.mlp.down_proj.lora_B.weight', [64, 6]);
    expect([...B].map((w) => w * 2 ** 22)).toEqual([...adapter.layers[4].down_proj!.B]);
    await files.close();
  });

  test('is the same bytes each time, with the settings that PEFT needs', async () => {
    await writeAdapter(join(folder, 'again'), adapter, { architecture, name });
    for (const file of ['adapter_model.safetensors', 'adapter_config.json', 'README.md']) {
      expect(readFileSync(join(folder, 'again', file))).toEqual(readFileSync(join(folder, 'good', file)));
    }
    const config = JSON.parse(readFileSync(join(folder, 'good', 'adapter_config.json'), 'utf8')) as unknown;
    expect(config).toMatchObject({
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      base_model_name_or_path: name,
      r: 6,
      lora_alpha: 9,
      target_modules: ['q_proj', 'v_proj', 'down_proj'],
      bias: 'none',
      lora_dropout: 0,
    });
    expect(readFileSync(join(folder, 'good', 'README.md'), 'utf8')).toMatch(
      /^---\nbase_model: "karpathy\/stories260K"\n/,
    );
  });

  test('refuses integers out of range and missing parts', () => {
    const changed = (change: (broken: Adapter) => void): (() => Uint8Array) => {
      const broken = filledAdapter();
      change(broken);
      return () => encodeAdapterWeights(broken, architecture);
    };
    expect(changed((broken) => (broken.layers[0].q_proj!.A[3] = 2 ** 24))).toThrow(/outside \[−2\^24, 2\^24\)/);
    expect(changed((broken) => (broken.layers[0].q_proj!.A[3] = -(2 ** 24) - 1))).toThrow(RangeError);
    expect(changed((broken) => broken.layers.pop())).toThrow(/4 layers, the model 5/);
    expect(changed((broken) => delete broken.layers[2].v_proj)).toThrow(/has no .*layers\.2\.self_attn\.v_proj/);
    expect(changed((broken) => (broken.rank = 5))).toThrow(/do not fill \[5, 172\]/);
  });
});

describe('reading', () => {
  test.each<[string, number, boolean]>([
    ['another multiple of 2^-22', 5 * 2 ** -22, true],
    ['the smallest weight', -4, true],
    ['half a unit', 2 ** -23, false],
    ['a float of no short form', 0.1, false],
    ['4', 4, false],
    ['below −4', -4 - 2 ** -20, false],
    ['NaN', NaN, false],
    ['infinity', Infinity, false],
  ])('of %s', async (label, value, accepted) => {
    const directory = await withWeight(`weight ${label}`, value);
    const reading = readAdapter(directory, architecture);
    if (accepted) {
      expect((await reading).layers[0].q_proj!.A[5]).toBe(value * 2 ** 22);
    } else {
      await expect(reading).rejects.toBeInstanceOf(AdapterError);
      await expect(reading).rejects.toThrow(/layers\.0\.self_attn\.q_proj\.lora_A\.weight\[5\] = /);
    }
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['another rank', { r: 5 }, /has shape \[6, 64\], expected \[5, 64\]/],
    ['fewer targets', { target_modules: ['q_proj', 'v_proj'] }, /holds .*down_proj.*, which the adapter does not have/],
    ['more targets', { target_modules: ['q_proj', 'v_proj', 'k_proj', 'down_proj'] }, /has no .*k_proj/],
    ['unknown targets', { target_modules: ['lm_head'] }, /target_modules/],
    ['targets as a pattern', { target_modules: 'all-linear' }, /target_modules/],
    ['another method', { peft_type: 'LOHA' }, /peft_type/],
    ['DoRA', { use_dora: true }, /use_dora/],
    ['rank-stabilised scaling', { use_rslora: true }, /use_rslora/],
    ['a bias', { bias: 'all' }, /bias/],
    ['ranks of their own', { rank_pattern: { q_proj: 2 } }, /rank_pattern/],
    ['alphas of their own', { alpha_pattern: { q_proj: 2 } }, /alpha_pattern/],
    ['further modules', { modules_to_save: ['lm_head'] }, /modules_to_save/],
    ['some layers only', { layers_to_transform: [0] }, /layers_to_transform/],
  ])('refuses a configuration with %s', async (label, changes, message) => {
    const reading = readAdapter(withConfig(`config ${label}`, changes), architecture);
    await expect(reading).rejects.toThrow(message);
    await expect(
      reading.catch((error: unknown) => error instanceof AdapterError || error instanceof TensorFileError),
    ).resolves.toBe(true);
  });

  test('takes the settings of other PEFT versions that change nothing', async () => {
    const directory = withConfig('versions', {
      modules_to_save: [],
      peft_version: '0.18',
      loftq_config: {},
      lora_bias: false,
    });
    expect(await readAdapter(directory, architecture)).toEqual(adapter);
  });

  test('compares with what is expected', async () => {
    const directory = join(folder, 'good');
    const expected = { rank: 6, alpha: 9, targets: ['v_proj', 'down_proj', 'q_proj'] as Target[] };
    expect(await readAdapter(directory, architecture, expected)).toEqual(adapter);
    await expect(readAdapter(directory, architecture, { ...expected, rank: 8 })).rejects.toThrow(/r is 6, expected 8/);
    await expect(readAdapter(directory, architecture, { ...expected, alpha: 18 })).rejects.toThrow(/lora_alpha is 9/);
    await expect(readAdapter(directory, architecture, { ...expected, targets: ['q_proj'] })).rejects.toThrow(
      /target_modules is q_proj, v_proj, down_proj, expected q_proj/,
    );
  });

  test('refuses a cut file and a missing one', async () => {
    const directory = withConfig('cut', {});
    const file = join(directory, 'adapter_model.safetensors');
    writeFileSync(file, readFileSync(file).subarray(0, -1));
    await expect(readAdapter(directory, architecture)).rejects.toThrow(TensorFileError);
    await expect(readAdapter(folder, architecture)).rejects.toThrow(/adapter_config\.json: cannot be read/);
  });
});

describe('a given initial adapter', () => {
  test.each([
    ['qv-adamw', 8, 16, ['q_proj', 'v_proj'], '5eda81e273283a0664e7e236ba5e4780ee935407f50cbc6960458043c77096df'],
    ['all-sgd-r4', 4, 8, [...TARGETS], '7611674148d6ea0aebaf68c6ffc0c242e5f8eed79e4497ab6f1713572ebe3ddb'],
  ] as const)('%s is rounded as in the reference', async (vector, rank, alpha, targets, expected) => {
    const file = `test/vectors/${vector}-init.safetensors`;
    const rounded = await readRoundedAdapter(file, architecture, { rank, alpha, targets: [...targets] });
    // In the order of PEFT's names: the layer, then mlp before self_attn, then the projection.
    const order = ['down_proj', 'gate_proj', 'up_proj', 'k_proj', 'o_proj', 'q_proj', 'v_proj'] as const;
    const hash = sha256.create();
    for (const layer of rounded.layers) {
      for (const target of order) {
        const pair = layer[target];
        for (const side of pair ? [pair.A, pair.B] : []) hash.update(new Uint8Array(side.buffer));
      }
    }
    expect(bytesToHex(hash.digest())).toBe(expected);
    expect(rounded.targets).toEqual(orderTargets(targets));
  });

  test('needs the declared rank, and all of its targets', async () => {
    const file = 'test/vectors/qv-adamw-init.safetensors';
    const targets: Target[] = ['q_proj', 'v_proj'];
    await expect(readRoundedAdapter(file, architecture, { rank: 4, alpha: 8, targets })).rejects.toThrow(
      /expected \[4, 64\]/,
    );
    await expect(readRoundedAdapter(file, architecture, { rank: 8, alpha: 8, targets: ['q_proj'] })).rejects.toThrow(
      AdapterError,
    );
  });
});
