/** The root of an adapter's file is the one that the prover commits to, and nothing else has it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { adapterRootOfFile } from '../../commitment/adapter-root.ts';
import { adapterCells, adapterProgram } from '../../commitment/chains.ts';
import { adapterRootCost, adapterRootMemory } from '../../commitment/cost.ts';
import { fileDigests } from '../../commitment/digests.ts';
import { AdapterError } from '../../commitment/errors.ts';
import { TARGETS } from '../../protocol/program/adapter.ts';
import { parseRun } from '../../protocol/statement-schema.ts';
import type { RunSpec } from '../../protocol/statement.ts';
import { createCpuBackend } from '../../prover/backend/cpu.ts';
import { createGpuBackend } from '../../prover/backend/webgpu.ts';
import { adapterRootOf } from '../../prover/check/integrity.ts';
import { commitOracle } from '../../prover/commitment.ts';
import { createCpuEngine } from '../../prover/train/cpu-engine.ts';
import { newRun } from '../../prover/train/new-run.ts';
import { runConfig } from '../../prover/train/run-config.ts';
import { shapeProgram } from '../../prover/train/run-shape.ts';
import { writeResults } from '../../prover/train/train-command.ts';
import { train } from '../../prover/train/trainer.ts';
import { temporaryFolder } from '../model/temporary.ts';
import {
  SAMPLE_ADAPTER_ROOT,
  descriptions,
  patternAdapter,
  rawFile,
  rawTensors,
  sampleAdapterFile,
  tensorFile,
  type RawTensor,
} from '../support/sample-adapter.ts';
import { SAMPLE_RUN } from '../support/statements.ts';
import { writeFables, writeTinyModel } from '../support/tiny-model.ts';
import { TINY_SETTINGS } from '../support/tiny-run.ts';

const cpu = createCpuBackend();

describe('a trained adapter', () => {
  const folder = temporaryFolder();
  const adapter = join(folder, 'run', 'adapter');
  let spec: RunSpec;
  let bytes: Uint8Array;
  let committed: string;

  beforeAll(async () => {
    const [model, data] = [join(folder, 'model'), join(folder, 'data.jsonl')];
    await writeTinyModel(model);
    await writeFables(data, 2);
    const settings = { ...TINY_SETTINGS, steps: 3, seed: 'root', targets: ['q_proj' as const, 'down_proj' as const] };
    const sources = { folder: join(folder, 'run'), model, data, initialAdapter: null };
    const { run, base } = await newRun(sources, runConfig(settings), cpu);
    const program = run.program(2, 1);
    const engine = createCpuEngine(program, { witness: false });
    await engine.loadBase(base);
    const outcome = await train(run, engine);
    await writeResults(run, outcome);
    spec = run.spec;
    committed = await commitOracle(cpu, 'adapterIn', spec, program, outcome.state);
    bytes = await readFile(join(adapter, 'adapter_model.safetensors'));
  });

  test('has the root of the state that training ended in', () => {
    expect(adapterRootOfFile(bytes, spec)).toBe(committed);
    // at any place in memory
    const moved = new Uint8Array(bytes.length + 3);
    moved.set(bytes, 3);
    expect(adapterRootOfFile(moved.subarray(3), spec)).toBe(committed);
  });

  test('has the root that the prover commits to, on the CPU and on the GPU', async () => {
    expect(await adapterRootOf(cpu, adapter, spec)).toBe(committed);
    const gpu = await createGpuBackend();
    try {
      expect(await adapterRootOf(gpu, adapter, spec)).toBe(committed);
    } finally {
      gpu.close();
    }
  });

  test('has another root in another run', () => {
    const model = { ...spec.model, rmsNormEps: '0.001' };
    expect(adapterRootOfFile(bytes, { ...spec, model })).not.toBe(committed);
    expect(adapterRootOfFile(bytes, { ...spec, lora: { ...spec.lora, alpha: 8 } })).not.toBe(committed);
    expect(adapterRootOfFile(bytes, { ...spec, widths: { ...spec.widths, widest: 13 } })).not.toBe(committed);
    // The nonce makes another run, but no other adapter.
    expect(adapterRootOfFile(bytes, { ...spec, nonce: '00'.repeat(32) })).toBe(committed);
  });
});

describe('the sample adapter', () => {
  const tensors = rawTensors(SAMPLE_RUN, patternAdapter(SAMPLE_RUN));
  const bytes = sampleAdapterFile();

  /** The file with one value of its first tensor replaced. */
  function withWeight(change: (weights: DataView) => void): Uint8Array {
    const copy = tensors.map((tensor): RawTensor => ({ ...tensor, bytes: tensor.bytes.slice() }));
    change(new DataView(copy[0].bytes.buffer));
    return tensorFile(copy);
  }

  test('has the root that tests elsewhere expect', async () => {
    expect(adapterRootOfFile(bytes, SAMPLE_RUN)).toBe(SAMPLE_ADAPTER_ROOT);
    const program = shapeProgram(SAMPLE_RUN);
    const cells = adapterCells(program, patternAdapter(SAMPLE_RUN));
    expect(await commitOracle(cpu, 'adapterIn', SAMPLE_RUN, program, cells)).toBe(SAMPLE_ADAPTER_ROOT);
  });

  test('keeps root and tensor digest under another header', () => {
    const before = fileDigests(bytes);
    const named = tensorFile(tensors, { format: 'pt', title: 'über — "x"', note: '' });
    const listed = rawFile(
      `${JSON.stringify(Object.fromEntries(descriptions(tensors).reverse()), null, 3)}   `,
      tensors.map(({ bytes: data }) => data),
    );
    for (const other of [named, listed]) {
      expect(adapterRootOfFile(other, SAMPLE_RUN)).toBe(SAMPLE_ADAPTER_ROOT);
      expect(fileDigests(other).tensors).toBe(before.tensors);
      expect(fileDigests(other).file).not.toBe(before.file);
    }
  });

  test('keeps its root where tensors lie in another order', () => {
    const other = tensorFile([...tensors].reverse());
    expect(adapterRootOfFile(other, SAMPLE_RUN)).toBe(SAMPLE_ADAPTER_ROOT);
    expect(fileDigests(other).tensors).toBe(fileDigests(bytes).tensors);
  });

  test('has another tensor digest where the same bytes are other tensors', () => {
    const renamed = tensors.map((tensor, i) => ({ ...tensor, name: tensors[(i + 2) % tensors.length].name }));
    const [first, ...rest] = tensors;
    const reshaped = [{ ...first, shape: [...first.shape].reverse() }, ...rest];
    for (const other of [tensorFile(renamed), tensorFile(reshaped)]) {
      expect(other.subarray(-1000)).toEqual(bytes.subarray(-1000));
      expect(fileDigests(other).tensors).not.toBe(fileDigests(bytes).tensors);
    }
  });

  test('has the tensor digest that the format’s own library computes', () => {
    // hashlib.sha256(save(load(file))) by safetensors 0.8 for Python.
    expect(fileDigests(bytes).tensors).toBe('e2600038320f9714e1264e72eed9042b4d46bfe3408bf336810d79dd0898aaa2');
  });

  test('is refused with a weight off the grid by the least bit', () => {
    for (const at of [0, 4, 4 * 511]) {
      const changed = withWeight((weights) => weights.setUint8(at, weights.getUint8(at) ^ 1));
      expect(() => adapterRootOfFile(changed, SAMPLE_RUN)).toThrow(AdapterError);
      expect(() => adapterRootOfFile(changed, SAMPLE_RUN)).toThrow(
        /lora_A\.weight\[\d+\] = .* is no multiple of 2\^-22/,
      );
    }
  });

  test('has another root where the least bit stays on the grid', () => {
    const three = withWeight((weights) => weights.setFloat32(8, 3, true));
    const next = withWeight((weights) => weights.setFloat32(8, 3 + 2 ** -22, true));
    const roots = [bytes, three, next].map((file) => adapterRootOfFile(file, SAMPLE_RUN));
    expect(new Set(roots).size).toBe(3);
  });

  test('has its root with another sign of zero, which is the same number', () => {
    const [plus, minus] = [0, -0].map((zero) => withWeight((weights) => weights.setFloat32(8, zero, true)));
    expect(adapterRootOfFile(plus, SAMPLE_RUN)).toBe(adapterRootOfFile(minus, SAMPLE_RUN));
    expect(fileDigests(plus).tensors).not.toBe(fileDigests(minus).tensors);
  });

  test.each([NaN, Infinity, -Infinity, 4, -4 - 2 ** -20, 2 ** -23, 1e-45])(
    'is refused with a weight of %f',
    (value) => {
      const changed = withWeight((weights) => weights.setFloat32(12, value, true));
      expect(() => adapterRootOfFile(changed, SAMPLE_RUN)).toThrow(AdapterError);
    },
  );

  test.each<[string, (list: RawTensor[]) => void, RegExp]>([
    ['one tensor less', (list) => void list.pop(), /has no base_model/],
    ['one tensor more', (list) => void list.push({ ...list[0], name: 'lm_head.weight' }), /holds lm_head\.weight/],
    [
      'a matrix transposed',
      (list) => void (list[0] = { ...list[0], shape: [64, 8] }),
      /has shape \[64, 8\], expected \[8, 64\]/,
    ],
    ['a matrix laid flat', (list) => void (list[0] = { ...list[0], shape: [512] }), /has shape \[512\], expected/],
  ])('is refused with %s', (_, change, message) => {
    const list = [...tensors];
    change(list);
    expect(() => adapterRootOfFile(tensorFile(list), SAMPLE_RUN)).toThrow(AdapterError);
    expect(() => adapterRootOfFile(tensorFile(list), SAMPLE_RUN)).toThrow(message);
  });

  test('has another root with two matrices exchanged', () => {
    const [first, , third] = tensors;
    const swapped = tensors.map((t) =>
      t === first ? { ...first, bytes: third.bytes } : t === third ? { ...third, bytes: first.bytes } : t,
    );
    expect(adapterRootOfFile(tensorFile(swapped), SAMPLE_RUN)).not.toBe(SAMPLE_ADAPTER_ROOT);
  });
});

describe('runs of every shape', () => {
  const { model, lora, widths } = SAMPLE_RUN;
  const small = { ...model, hiddenSize: 12, intermediateSize: 20, layers: 3, heads: 6, kvHeads: 2, headDim: 2 };
  const cases: [string, Partial<RunSpec>][] = [
    ['all targets', { lora: { rank: 3, alpha: 3, targets: TARGETS } }],
    ['one layer, rank 1', { model: { ...small, layers: 1 }, lora: { rank: 1, alpha: 1, targets: ['k_proj'] } }],
    ['limbs of one bit', { widths: { ...widths, widest: 1 } }],
    ['narrow limbs', { widths: { ...widths, widest: 9 } }],
    ['one limb', { widths: { ...widths, widest: 25 } }],
    [
      'other settings of the run',
      { lora: { ...lora, rank: 8, alpha: 32 }, batch: 1, seqLen: 8, dataRows: 3, steps: 2 },
    ],
  ];

  test.each(cases)('%s: the root is that of the whole program’s commitment', async (_, changes) => {
    const run = parseRun({ ...SAMPLE_RUN, model: small, ...changes });
    const adapter = patternAdapter(run);
    const program = shapeProgram(run);
    const root = await commitOracle(cpu, 'adapterIn', run, program, adapterCells(program, adapter));
    expect(adapterRootOfFile(tensorFile(rawTensors(run, adapter)), run)).toBe(root);
    const own = program.cells.filter(({ oracle }) => oracle.startsWith('adapter'));
    expect(adapterProgram(run).cells).toEqual(own);
  });
});

describe('the cost', () => {
  const { lora, model } = SAMPLE_RUN;

  test('is that of the example, and grows with the adapter', () => {
    expect(adapterRootCost(SAMPLE_RUN)).toMatchInlineSnapshot(`142848`);
    const costs = [8, 16, 32, 64].map((rank) => adapterRootCost({ ...SAMPLE_RUN, lora: { ...lora, rank } }));
    expect(costs).toEqual([...costs].sort((a, b) => a - b));
    expect(costs[3]).toBeGreaterThan(7 * costs[0]);
  });

  test('is finite, and computed without the work, for the largest run that a statement can name', () => {
    const huge = parseRun({
      ...SAMPLE_RUN,
      model: {
        ...model,
        hiddenSize: 2 ** 16,
        intermediateSize: 2 ** 18,
        layers: 512,
        heads: 1024,
        kvHeads: 1024,
        headDim: 4096,
      },
      lora: { rank: 4096, alpha: 4096, targets: TARGETS },
      widths: { ...SAMPLE_RUN.widths, widest: 1 },
    });
    expect(adapterRootCost(huge)).toBeGreaterThan(2 ** 50);
    expect(Number.isSafeInteger(adapterRootCost(huge))).toBe(true);
    expect(adapterRootMemory(huge)).toBeGreaterThan(2 ** 40);
    // A small file of such a run is refused by its names.
    expect(() => adapterRootOfFile(sampleAdapterFile(), huge)).toThrow(AdapterError);
  });
});
